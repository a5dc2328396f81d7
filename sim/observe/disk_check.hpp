// What a checkpoint disk holds, compared with itself and with another one.
#pragma once

#include "sim/observe/opened_store.hpp"
#include "sim/observe/snapshots.hpp"

#include <string>
#include <vector>

namespace fixpoint::sim {

// Everything on a disk that does not hold, a line each; empty: it is sound. Looked at are both copies of labels,
// sessions, roots and of the newest checkpoint's directory, and all its pages. `disk` is an opened store on
// `device` whose label or roots tell its kind.
[[nodiscard]] std::vector<std::string> check_disk(OpenedStore& disk, store::BlockDevice& device);

// The pages that the newest checkpoints of two disks do not have in common, a line each. A page that a checkpoint
// does not have is zero. Kinds and places do not matter. Pages that cannot be read are in `unreadable`.
struct DiskDifference {
    std::vector<std::string> pages, unreadable;
};
[[nodiscard]] DiskDifference compare_disks(OpenedStore& first, OpenedStore& second);

} // namespace fixpoint::sim
