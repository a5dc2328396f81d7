// The conductor, lthread 0 of root: starts everything, begins and ends rounds, shakes the world between them.
#pragma once

#include "workloads/stress/world.hpp"

namespace stress {

struct Orders {
    uint32_t seed = 1;
    uint64_t operations = 0; // at least so many, in whole rounds
    unsigned plant = plant_nothing;
};

// Prints the result and ends the machine.
[[noreturn]] void conduct(const Orders& orders);

} // namespace stress
