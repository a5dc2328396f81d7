// What every device model offers to its surroundings: register access, the passing of time, and power.
//
// A device is a plain class that needs no SystemC. The caller owns the clock: it calls advance(now) before any access,
// and again at the instant that next_event() names. A device never acts in between, so a SystemC module, a bench-style
// test or a fuzzer can drive it alike.
#pragma once

#include "models/time.hpp"

#include <cstdint>

namespace fixpoint::models {

// What a read of 1, 2 or 4 bytes gives where nobody answers.
constexpr uint32_t all_ones(unsigned bytes) {
    return bytes == 4 ? ~0u : (1u << 8 * bytes) - 1;
}

class Device {
public:
    Device() = default;
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;
    virtual ~Device() = default;

    // Reads `bytes` (1, 2 or 4) at `offset` from the device's first port or address.
    virtual uint32_t read(uint32_t offset, unsigned bytes) = 0;
    virtual void write(uint32_t offset, unsigned bytes, uint32_t value) = 0;

    // Brings the state up to `now`, which never decreases; outputs change in here.
    virtual void advance(Picoseconds now) = 0;
    // The next instant at which advance() would change an output; `never` if none is due.
    [[nodiscard]] virtual Picoseconds next_event() const = 0;

    // Power goes and comes back at `now`: volatile state is lost, all registers are as after power-on.
    virtual void power_cycle(Picoseconds now) = 0;
    // The reset line of the chipset; devices that it does not reach ignore it.
    virtual void reset(Picoseconds now) { power_cycle(now); }
};

} // namespace fixpoint::models
