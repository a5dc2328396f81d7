// How long a restart takes, and how much work a power cut costs.
#pragma once

#include "kernel-model/abi/types.hpp"
#include "sim/observe/sample.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace fixpoint::sim {

// One start of the machine on a disk with a checkpoint.
struct RecoveryTiming {
    std::optional<models::Picoseconds> crash; // none: the simulation started with an old disk
    models::Picoseconds kernel_entry = 0;
    std::optional<models::Picoseconds> disk_found;    // by the checkpoint server
    std::optional<models::Picoseconds> threads_ready; // the kernel has adopted them
    std::optional<models::Picoseconds> first_user_instruction;
    // Begin of the first 100 ms at 95 % of the undisturbed rate.
    std::optional<models::Picoseconds> full_speed;
};

class RecoveryTimes {
public:
    void power_cycle(const Sample& at);
    void kernel_entry(const Sample& at);
    void disk_found(const Sample& at) { timing_.disk_found = at.now; }
    void recovered(const Sample& at, uint32_t epoch);
    // A persistent thread runs from here on; it has made progress once it runs on without faulting at once.
    void thread_switch(const Sample& at, l4::ThreadId thread);
    void fault_begin(const Sample& at, l4::ThreadId thread);
    void fault_end(const Sample& at, l4::ThreadId thread);
    void work(const Sample& at, uint32_t units);

    // The newest start's times; call when it is over.
    [[nodiscard]] RecoveryTiming timing() const;

    // Length of a bucket of work; a window is ten of them.
    static constexpr models::Picoseconds bucket = 10 * models::ps_per_ms;
    static constexpr size_t buckets_per_window = 10;

private:
    [[nodiscard]] std::optional<models::Picoseconds> full_speed() const;

    models::Picoseconds start_ = 0; // of the present power-on
    std::vector<uint64_t> work_;    // units by bucket since start_
    double undisturbed_rate_ = 0;   // units a bucket before the first power cut
    bool crashed_ = false, watching_ = false;
    std::optional<Sample> candidate_; // where a persistent thread began to run
    RecoveryTiming timing_;
};

} // namespace fixpoint::sim
