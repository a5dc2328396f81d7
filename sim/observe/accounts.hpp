// Where the cycles go: every cycle of a run is charged to exactly one account, by the class of the thread
// that spends it, the phase that thread is in, and whether the processor worked or stalled.
//
// The accounts of two runs of the same work are subtracted to explain the overhead of checkpoints; because
// every cycle is in exactly one account, the parts add up to the difference of the runs' cycles exactly.
#pragma once

#include "kernel-model/abi/probes.hpp"
#include "kernel-model/abi/types.hpp"
#include "sim/observe/sample.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace fixpoint::sim {

enum class ThreadClass : uint8_t { boot, idle, system, driver, server, persistent };
inline constexpr size_t thread_classes = 6, phases = 8, causes = 2;

// The class of a thread that runs; `system`: sigma0, root and whatever else is neither paged nor the pager's.
[[nodiscard]] ThreadClass class_of(l4::ThreadId thread);

// Cycles by [class][phase][0: working, 1: stalled].
struct CycleAccounts {
    std::array<std::array<std::array<uint64_t, causes>, phases>, thread_classes> cycles{};

    [[nodiscard]] uint64_t total() const;
    [[nodiscard]] uint64_t of(ThreadClass thread, l4::Phase phase) const;
};

// What checkpoints cost, in cycles: each part is the difference of accounts between a run with and one
// without.
struct OverheadParts {
    int64_t stop = 0;          // the server's stop
    int64_t write_faults = 0;  // faults on protected pages: the thread's, the kernel's and the server's share
    int64_t copies = 0;        // copying frozen pages
    int64_t tlb_and_cache = 0; // persistent threads stalling more outside of faults
    int64_t driver = 0;        // the disk driver
    int64_t other = 0;         // the rest, idle time included

    [[nodiscard]] int64_t sum() const {
        return stop + write_faults + copies + tlb_and_cache + driver + other;
    }
};
[[nodiscard]] OverheadParts overhead_parts(const CycleAccounts& with, const CycleAccounts& without);

// Follows the probes of one run.
class CycleAccountant {
public:
    CycleAccountant();

    // The account changes at these instants; what passed since the last call is charged to the old one.
    void thread_switch(const Sample& at, l4::ThreadId thread);
    void phase(const Sample& at, l4::Phase phase);
    void fault_begin(const Sample& at, uint32_t error_code);
    void fault_end(const Sample& at);
    void power_cycle(const Sample& at); // all threads are gone
    void settle(const Sample& at);      // only charges

    [[nodiscard]] const CycleAccounts& accounts() const { return accounts_; }
    [[nodiscard]] l4::ThreadId running() const { return running_; }

private:
    [[nodiscard]] size_t index() const;

    CycleAccounts accounts_;
    uint64_t charged_cycles_ = 0, charged_stalls_ = 0;
    bool booting_ = true;
    l4::ThreadId running_;
    // A thread's own phase, and the one that a fault in progress lays over it.
    std::vector<l4::Phase> phase_of_, fault_phase_of_;
};

} // namespace fixpoint::sim
