// The machine's counters at one instant, as every observer gets them with an event.
#pragma once

#include "models/time.hpp"

#include <cstdint>

namespace fixpoint::sim {

struct Sample {
    models::Picoseconds now = 0;
    uint64_t cycles = 0;          // everything: work, stalls, idle time
    uint64_t stall_cycles = 0;    // the part spent on TLB walks and cache misses
    uint64_t sectors_written = 0; // by the disk's host, since the simulator started
};

} // namespace fixpoint::sim
