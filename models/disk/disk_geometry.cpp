#include "models/disk/disk_geometry.hpp"

#include <algorithm>
#include <cassert>
#include <stdexcept>

namespace fixpoint::models {

DiskGeometry::DiskGeometry(const MechanicalDiskParameters& parameters) : heads_{parameters.heads} {
    if (parameters.cylinders == 0)
        throw std::invalid_argument("mechanical.cylinders must be at least 1");
    if (heads_ == 0)
        throw std::invalid_argument("mechanical.heads must be at least 1");
    if (parameters.zones.empty() || parameters.zones.front().first_cylinder != 0)
        throw std::invalid_argument("mechanical.zones: the first zone must start at cylinder 0");
    for (size_t i = 0; i < parameters.zones.size(); ++i) {
        const DiskZone& zone = parameters.zones[i];
        const uint32_t end =
            i + 1 < parameters.zones.size() ? parameters.zones[i + 1].first_cylinder : parameters.cylinders;
        if (end <= zone.first_cylinder)
            throw std::invalid_argument(
                "mechanical.zones: first_cylinder must ascend and stay below cylinders");
        if (zone.sectors_per_track == 0 || zone.sectors_per_track > 65'535)
            throw std::invalid_argument("mechanical.zones: sectors_per_track must be 1 to 65535");
        const uint64_t sectors = uint64_t{end - zone.first_cylinder} * heads_ * zone.sectors_per_track;
        zones_.push_back({zone, end, sectors_, sectors_ + sectors});
        sectors_ += sectors;
    }
}

DiskPosition DiskGeometry::locate(uint64_t lba) const {
    assert(lba < sectors_);
    const auto zone = std::upper_bound(zones_.begin(), zones_.end(), lba,
                                       [](uint64_t wanted, const Zone& z) { return wanted < z.end_lba; });
    const uint32_t per_track = zone->zone.sectors_per_track;
    const uint64_t in_zone = lba - zone->first_lba;
    const uint64_t track = in_zone / per_track;
    const uint64_t cylinder_in_zone = track / heads_;
    const uint64_t head = track % heads_;
    const uint64_t sector = in_zone % per_track;
    const uint64_t skew_per_cylinder =
        uint64_t{heads_ - 1} * zone->zone.track_skew_sectors + zone->zone.cylinder_skew_sectors;
    const uint64_t skew = cylinder_in_zone * skew_per_cylinder + head * zone->zone.track_skew_sectors;
    return {.cylinder = static_cast<uint32_t>(zone->zone.first_cylinder + cylinder_in_zone),
            .head = static_cast<uint32_t>(head),
            .sectors_per_track = per_track,
            .sector = static_cast<uint32_t>(sector),
            .slot = static_cast<uint32_t>((sector + skew) % per_track)};
}

} // namespace fixpoint::models
