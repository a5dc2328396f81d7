// How far a simulation is, in memory that the simulating process shares with its parent.
#pragma once

#include <atomic>
#include <cstdint>

namespace fixpoint::sim {

struct Progress {
    std::atomic<uint64_t> simulated_ps{0}, instructions{0}, checkpoints{0}, work{0};
    std::atomic<bool> started{false}, ended{false};
};
static_assert(std::atomic<uint64_t>::is_always_lock_free, "it lies in memory shared between processes");

} // namespace fixpoint::sim
