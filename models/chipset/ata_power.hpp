// Power modes of an ATA drive and its standby timer. Source: ATA/ATAPI-5 (T13/1321D), clause 6.9 and table 14.
//
// The drive model has no spin-up: the modes are what the host asks for and CHECK POWER MODE tells.
#pragma once

#include "models/time.hpp"

#include <cstdint>

namespace fixpoint::models {

class AtaPower {
public:
    enum class Mode : uint8_t { standby = 0x00, idle = 0x80, active = 0xFF }; // as CHECK POWER MODE answers

    void power_on(Picoseconds now) {
        *this = {};
        last_use_ = now;
    }
    // Only a reset wakes a sleeping drive; it comes up in standby.
    void reset() { asleep_ = false; }

    void use(Picoseconds now) { enter(Mode::active, now); }
    void enter(Mode mode, Picoseconds now) {
        mode_ = mode;
        last_use_ = now;
    }
    void sleep() {
        mode_ = Mode::standby;
        asleep_ = true;
    }
    [[nodiscard]] bool asleep() const { return asleep_; }

    // The count register of IDLE and STANDBY.
    void set_timer(uint8_t count) {
        constexpr Picoseconds minute = 60 * ps_per_second;
        if (count == 0)
            timer_ = never;
        else if (count <= 240)
            timer_ = Picoseconds{count} * 5 * ps_per_second;
        else if (count <= 251)
            timer_ = Picoseconds{count - 240u} * 30 * minute;
        else if (count == 252)
            timer_ = 21 * minute;
        else if (count == 255)
            timer_ = 21 * minute + 15 * ps_per_second;
        else
            timer_ = Picoseconds{8} * 60 * minute; // vendor's choice between 8 and 12 hours
    }
    [[nodiscard]] Mode mode(Picoseconds now) const {
        return now - last_use_ >= timer_ ? Mode::standby : mode_;
    }

private:
    Mode mode_ = Mode::active;
    bool asleep_ = false;
    Picoseconds timer_ = never, last_use_ = 0;
};

} // namespace fixpoint::models
