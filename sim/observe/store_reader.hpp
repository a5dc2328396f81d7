// The newest checkpoint on a disk image, read on the host by the store's own code.
#pragma once

#include "models/disk/disk_image.hpp"
#include "sim/observe/snapshots.hpp"

namespace fixpoint::sim {

// `image` must outlive the reader. Nothing is written.
[[nodiscard]] StoreReader make_store_reader(const models::DiskImage& image);

} // namespace fixpoint::sim
