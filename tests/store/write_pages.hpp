// Pages of the running checkpoint on their way to a test's disk, as the server's drain sends them.
#pragma once

#include <random>
#include <span>

#include "pager/store/store.hpp"
#include "tests/store/recording_disk.hpp"

namespace fixpoint::test {

// One request after the other.
[[nodiscard]] store::DeviceStatus write_pages(store::Store& store, store::BlockDevice& disk,
                                              std::span<const store::PageWrite> pages);

// All requests at once: their sectors reach the disk in any order, so that a power cut leaves any of them.
void write_pages_at_once(store::Store& store, MediaDisk& disk, std::span<const store::PageWrite> pages,
                         std::mt19937_64& random);

} // namespace fixpoint::test
