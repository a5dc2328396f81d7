// Speed of the simulator itself: host time of the loops in the image `bench` and of IPC on the kernel, all timing
// models on. The guest prints `begin NAME` and `end NAME OPERATIONS` (see workloads/bench/bench_main.cpp).
#pragma once

#include "sim/machine/machine_parameters.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace fixpoint::sim {

struct LoopResult {
    std::string name;
    uint64_t operations;   // instructions; for copies the doublewords moved
    uint64_t instructions; // retired by the modelled processor
    uint64_t cycles;       // modelled
    double host_seconds;   // of processor time

    [[nodiscard]] double million_operations_per_second() const {
        return static_cast<double>(operations) / host_seconds / 1e6;
    }
};

// All names in their order.
[[nodiscard]] const std::vector<std::string>& loop_names();

// `names`: empty for all; each must be one of loop_names(). `percent`: the loops' length, 1-10,000. Throws BootError,
// std::runtime_error.
[[nodiscard]] std::vector<LoopResult> measure_loops(const MachineParameters& machine,
                                                    const std::vector<std::string>& names, unsigned percent);

} // namespace fixpoint::sim
