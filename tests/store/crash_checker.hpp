// Tries the crash states of a recorded run: after every sector write, with every subset of the writes since
// the last flush (a seeded choice of subsets where there are too many), with the sector in flight unreadable
// or torn.
//
// Claim checked (I3, I4, I9): the store opens, its epoch is one that was committed or was being committed and
// not older than the newest reported one, and every page of it has exactly that epoch's content.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "pager/store/store.hpp"
#include "tests/store/recording_disk.hpp"

namespace fixpoint::test {

using World = std::map<store::PageKey, uint64_t>; // page -> seed of its content
using History = std::map<uint32_t, World>;        // epoch -> what it must hold

inline constexpr uint64_t zero_page = 0;
std::vector<uint8_t> page_content(uint64_t seed);

// Opens the disk and compares everything; nullopt: all is as it must be.
std::optional<std::string> check_disk(MediaDisk& disk, const History& worlds, uint32_t oldest_allowed,
                                      uint32_t newest_allowed);

struct CrashCheck {
    std::optional<std::string> violation;
    uint64_t states = 0;
};
// `also` looks at every state besides.
using StateCheck = std::function<std::optional<std::string>(MediaDisk& state)>;
CrashCheck check_all_crashes(const RecordingDisk& disk, const History& worlds, uint32_t first_epoch,
                             uint64_t seed, unsigned exhaustive_window = 8, unsigned random_subsets = 6,
                             const StateCheck& also = {});

// The media after a crash at a seeded moment, `events` into the history, for runs that go on from there.
MediaDisk random_crash(const RecordingDisk& disk, std::mt19937_64& random, uint32_t& reported,
                       size_t& events);

} // namespace fixpoint::test
