// Where a sector lies on the platters: zones of equal track length, sectors in the order head by head,
// cylinder by cylinder, each track's start turned against the last one's by the skew that hides the switch
// between them.
#pragma once

#include "models/disk/disk_parameters.hpp"

#include <cstdint>
#include <vector>

namespace fixpoint::models {

struct DiskPosition {
    uint32_t cylinder, head;
    uint32_t sectors_per_track;
    uint32_t sector; // on its track, in LBA order
    // The same counted from the index mark: slot s starts at s / sectors_per_track of a revolution.
    uint32_t slot;
};

class DiskGeometry {
public:
    // Throws std::invalid_argument naming the parameter.
    explicit DiskGeometry(const MechanicalDiskParameters& parameters);

    [[nodiscard]] uint64_t sector_count() const { return sectors_; }
    // lba < sector_count().
    [[nodiscard]] DiskPosition locate(uint64_t lba) const;

private:
    struct Zone {
        DiskZone zone;
        uint32_t end_cylinder;
        uint64_t first_lba, end_lba;
    };
    std::vector<Zone> zones_;
    uint32_t heads_;
    uint64_t sectors_ = 0;
};

} // namespace fixpoint::models
