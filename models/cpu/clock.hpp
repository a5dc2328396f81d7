// The processor's cycle counters.
#pragma once

#include <cstdint>

namespace fixpoint::models {

struct Clock {
    uint64_t cycles = 0; // everything
    uint64_t stall = 0;  // the part of it that went into TLB walks and cache misses
    uint64_t idle = 0;   // the part of it that passed while halted

    void add_stall(uint64_t count) {
        cycles += count;
        stall += count;
    }
};

} // namespace fixpoint::models
