#include "models/disk/disk_mechanics.hpp"

#include <algorithm>
#include <stdexcept>

namespace fixpoint::models {

DiskMechanics::DiskMechanics(const MechanicalDiskParameters& parameters)
    : geometry_{parameters}, revolution_{0}, head_switch_{parameters.head_switch_us * ps_per_us},
      write_settle_{parameters.write_settle_us * ps_per_us} {
    if (parameters.rotation_rpm < 1'000 || parameters.rotation_rpm > 20'000)
        throw std::invalid_argument("mechanical.rotation_rpm must be 1000 to 20000");
    revolution_ = 60 * ps_per_second / parameters.rotation_rpm;
    if (parameters.seek.empty() || parameters.seek.front().cylinders != 1)
        throw std::invalid_argument("mechanical.seek: the first point must be for 1 cylinder");
    for (const SeekPoint& point : parameters.seek) {
        if (point.us > 100'000 || point.cylinders > 1u << 24)
            throw std::invalid_argument("mechanical.seek: at most 100000 us and 2^24 cylinders");
        if (!seek_.empty() && point.cylinders <= seek_.back().cylinders)
            throw std::invalid_argument("mechanical.seek: cylinders must ascend");
        seek_.push_back({point.cylinders, point.us * ps_per_us});
    }
}

Picoseconds DiskMechanics::seek(uint32_t cylinders) const {
    if (cylinders == 0)
        return 0;
    const auto above = std::lower_bound(seek_.begin(), seek_.end(), cylinders,
                                        [](const CurvePoint& p, uint32_t c) { return p.cylinders < c; });
    if (above == seek_.end())
        return seek_.back().time;
    if (above->cylinders == cylinders)
        return above->time;
    const CurvePoint& a = *(above - 1);
    const CurvePoint& b = *above;
    // Measured curves are not always monotonic, so the rise has a sign. Below 2^37 ps * 2^24 cylinders.
    const auto rise = static_cast<int64_t>(b.time) - static_cast<int64_t>(a.time);
    const int64_t part = rise * (cylinders - a.cylinders) / (b.cylinders - a.cylinders);
    return static_cast<Picoseconds>(static_cast<int64_t>(a.time) + part);
}

DiskMechanics::Access DiskMechanics::access(const DiskPosition& from, const DiskPosition& to, bool write,
                                            Picoseconds start) const {
    Picoseconds move = 0;
    if (from.cylinder != to.cylinder)
        move = seek(from.cylinder > to.cylinder ? from.cylinder - to.cylinder : to.cylinder - from.cylinder);
    else if (from.head != to.head)
        move = head_switch_;
    if (move != 0 && write)
        move += write_settle_;
    const Picoseconds on_track = start + move;
    const Picoseconds target = slot_angle(to, to.slot);
    const Picoseconds angle = on_track % revolution_;
    const Picoseconds wait = target >= angle ? target - angle : target + revolution_ - angle;
    const Picoseconds begin = on_track + wait;
    return {on_track, begin, begin + slot_angle(to, to.slot + 1) - target};
}

} // namespace fixpoint::models
