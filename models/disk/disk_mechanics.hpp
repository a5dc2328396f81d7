// Arm and platters in time: seek, head switch, rotation, and how long a sector is under the head.
//
// The platters turn at a constant speed from time 0 on; slot 0 of every track passes the head at multiples of
// a revolution. So the wait for a sector follows from absolute time alone and nothing accumulates rounding.
#pragma once

#include "models/disk/disk_geometry.hpp"
#include "models/disk/disk_parameters.hpp"
#include "models/time.hpp"

#include <cstdint>
#include <vector>

namespace fixpoint::models {

class DiskMechanics {
public:
    // Throws std::invalid_argument naming the parameter.
    explicit DiskMechanics(const MechanicalDiskParameters& parameters);

    [[nodiscard]] const DiskGeometry& geometry() const { return geometry_; }
    [[nodiscard]] Picoseconds revolution() const { return revolution_; }
    // Moving the arm over `cylinders`; 0 for none.
    [[nodiscard]] Picoseconds seek(uint32_t cylinders) const;

    struct Access {
        Picoseconds on_track; // the head has settled there
        Picoseconds begin;    // the sector arrives under it
        Picoseconds done;     // and has passed
    };
    // From the arm standing over `from` at `start` to one sector.
    [[nodiscard]] Access access(const DiskPosition& from, const DiskPosition& to, bool write,
                                Picoseconds start) const;

private:
    [[nodiscard]] Picoseconds slot_angle(const DiskPosition& at, uint32_t slot) const {
        return revolution_ * slot / at.sectors_per_track;
    }

    struct CurvePoint {
        uint32_t cylinders;
        Picoseconds time;
    };
    DiskGeometry geometry_;
    Picoseconds revolution_, head_switch_, write_settle_;
    std::vector<CurvePoint> seek_;
};

} // namespace fixpoint::models
