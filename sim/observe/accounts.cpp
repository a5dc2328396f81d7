#include "sim/observe/accounts.hpp"

#include "kernel-model/abi/system_layout.hpp"

#include <algorithm>

namespace fixpoint::sim {

using l4::Phase;

namespace {

constexpr size_t threads = size_t{l4::task_count} * l4::threads_per_task;

} // namespace

ThreadClass class_of(l4::ThreadId thread) {
    if (thread.is_nil())
        return ThreadClass::idle;
    if (thread.task() >= l4::first_persistent_task)
        return ThreadClass::persistent;
    if (thread.task() == l4::disk_driver_task)
        return ThreadClass::driver;
    if (thread.task() == l4::checkpoint_task)
        return ThreadClass::server;
    return ThreadClass::system;
}

uint64_t CycleAccounts::total() const {
    uint64_t sum = 0;
    for (const auto& by_phase : cycles)
        for (const auto& by_cause : by_phase)
            for (const uint64_t count : by_cause)
                sum += count;
    return sum;
}

uint64_t CycleAccounts::of(ThreadClass thread, Phase phase) const {
    const auto& by_cause = cycles[static_cast<size_t>(thread)][static_cast<size_t>(phase)];
    return by_cause[0] + by_cause[1];
}

OverheadParts overhead_parts(const CycleAccounts& with, const CycleAccounts& without) {
    OverheadParts parts;
    for (size_t thread = 0; thread < thread_classes; ++thread)
        for (size_t phase = 0; phase < phases; ++phase)
            for (size_t cause = 0; cause < causes; ++cause) {
                const auto of_class = static_cast<ThreadClass>(thread);
                const auto in_phase = static_cast<Phase>(phase);
                const auto difference = static_cast<int64_t>(with.cycles[thread][phase][cause] -
                                                             without.cycles[thread][phase][cause]);
                const bool persistent = of_class == ThreadClass::persistent;
                const bool server = of_class == ThreadClass::server;
                if (of_class == ThreadClass::driver)
                    parts.driver += difference;
                else if (in_phase == Phase::copy)
                    parts.copies += difference;
                else if (server && in_phase == Phase::stop)
                    parts.stop += difference;
                else if ((server || persistent) && in_phase == Phase::write_fault)
                    parts.write_faults += difference;
                else if (persistent && in_phase == Phase::normal && cause == 1)
                    parts.tlb_and_cache += difference;
                else
                    parts.other += difference;
            }
    return parts;
}

CycleAccountant::CycleAccountant()
    : phase_of_(threads, Phase::normal), fault_phase_of_(threads, Phase::normal) {}

size_t CycleAccountant::index() const {
    return size_t{running_.task()} * l4::threads_per_task + running_.lthread();
}

void CycleAccountant::settle(const Sample& at) {
    const Phase fault_phase = fault_phase_of_[index()];
    const Phase phase = booting_ || running_.is_nil()  ? Phase::normal
                        : fault_phase != Phase::normal ? fault_phase
                                                       : phase_of_[index()];
    const ThreadClass thread = booting_ ? ThreadClass::boot : class_of(running_);
    auto& account = accounts_.cycles[static_cast<size_t>(thread)][static_cast<size_t>(phase)];
    const uint64_t cycles = at.cycles - charged_cycles_;
    const uint64_t stalls = std::min(at.stall_cycles - charged_stalls_, cycles);
    account[0] += cycles - stalls;
    account[1] += stalls;
    charged_cycles_ = at.cycles;
    charged_stalls_ = at.stall_cycles;
}

void CycleAccountant::thread_switch(const Sample& at, l4::ThreadId thread) {
    settle(at);
    booting_ = false;
    running_ = thread;
}

void CycleAccountant::phase(const Sample& at, Phase phase) {
    settle(at);
    phase_of_[index()] = phase;
}

void CycleAccountant::fault_begin(const Sample& at, uint32_t error_code) {
    settle(at);
    // A write to a page that is present (error code bits 0 and 1, Intel SDM vol. 3, 4.7): it was protected.
    constexpr uint32_t present = 1, write = 2;
    const bool is_protection = (error_code & (present | write)) == (present | write);
    fault_phase_of_[index()] = is_protection ? Phase::write_fault : Phase::read_fault;
}

void CycleAccountant::fault_end(const Sample& at) {
    settle(at);
    fault_phase_of_[index()] = Phase::normal;
}

void CycleAccountant::power_cycle(const Sample& at) {
    settle(at);
    booting_ = true;
    running_ = {};
    std::fill(phase_of_.begin(), phase_of_.end(), Phase::normal);
    std::fill(fault_phase_of_.begin(), fault_phase_of_.end(), Phase::normal);
}

} // namespace fixpoint::sim
