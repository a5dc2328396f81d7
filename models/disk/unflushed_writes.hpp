// Sectors that a drive has accepted and the media does not have yet, and what a power failure makes of them.
#pragma once

#include "models/disk/disk_image.hpp"
#include "models/disk/power_loss.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>

namespace fixpoint::models {

using SectorData = std::array<uint8_t, sector_bytes>;

struct UnflushedWrites {
    std::map<uint64_t, SectorData> sectors; // by LBA: the newest content
    // The sector under the head, if its transfer to the media has begun; always one of `sectors`.
    std::optional<uint64_t> in_flight;
    // The sector the drive would write next; one of `sectors`, the first of the write that a cut tears.
    std::optional<uint64_t> next;
};

// Changes `image` to what is on the media when power comes back.
void apply_power_loss(DiskImage& image, const UnflushedWrites& writes, PowerLoss mode, uint64_t seed);

} // namespace fixpoint::models
