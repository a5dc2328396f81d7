// Clocks that do not divide a second evenly: tick n comes at the first picosecond that is not before n /
// frequency. Everything is counted in ticks from time 0, so that nothing drifts.
#pragma once

#include "models/time.hpp"

#include <cstdint>

namespace fixpoint::models {

class Rate {
public:
    // `ticks` in `seconds` seconds; both at least 1.
    explicit constexpr Rate(uint64_t ticks, uint64_t seconds = 1) : ticks_{ticks}, seconds_{seconds} {}

    // Ticks that have come by `time`.
    [[nodiscard]] constexpr uint64_t ticks_at(Picoseconds time) const {
        return static_cast<uint64_t>(Wide{time} * ticks_ / (Wide{seconds_} * ps_per_second));
    }
    [[nodiscard]] constexpr Picoseconds time_of(uint64_t tick) const {
        return static_cast<Picoseconds>((Wide{tick} * seconds_ * ps_per_second + ticks_ - 1) / ticks_);
    }

private:
    __extension__ using Wide = unsigned __int128;
    uint64_t ticks_, seconds_;
};

} // namespace fixpoint::models
