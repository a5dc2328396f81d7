#include "sim/observe/write_fault_cost.hpp"

#include "kernel-model/abi/system_layout.hpp"

#include <fmt/format.h>
#include <iterator>

namespace fixpoint::sim {

using Part = WriteFaultPart;

void WriteFaultCosts::begin(uint64_t cycle) {
    follows_ = in_kernel_ = true;
    copied_ = false;
    writer_ = running_;
    cost_ = {};
    cost_.task = running_.task();
    cost_.begin_cycle = charged_ = instruction_begin_;
    part_ = Part::exception;
    go_on_with(cycle, Part::kernel_fault);
}

void WriteFaultCosts::go_on_with(uint64_t cycle, Part part) {
    cost_.cycles[static_cast<size_t>(part_)] += cycle - charged_;
    charged_ = cycle;
    part_ = part;
}

void WriteFaultCosts::end(uint64_t cycle, uint32_t linear) {
    follows_ = false;
    cost_.total_cycles = cycle - cost_.begin_cycle;
    if (copied_ && linear == instruction_)
        faults_.push_back(cost_);
}

bool WriteFaultCosts::serves() const {
    return follows_ && running_ == l4::pager_thread;
}

void WriteFaultCosts::user_instruction(uint64_t cycle, uint32_t linear) {
    if (follows_ && in_kernel_) {
        in_kernel_ = false;
        if (running_ == writer_) {
            go_on_with(cycle, part_);
            end(cycle, linear);
        } else {
            // An interrupt in the middle of the copy; but one on the way into the server ends with the server's beginning.
            const bool goes_on_copying = part_ == Part::interrupts && interrupted_ == Part::copy;
            go_on_with(cycle, !serves() ? Part::interrupts : goes_on_copying ? Part::copy : Part::server);
        }
    }
    if (!follows_) {
        instruction_begin_ = cycle;
        instruction_ = linear;
    }
}

void WriteFaultCosts::kernel_entered(uint64_t cycle, KernelEntry entry) {
    if (!follows_) {
        if (entry == KernelEntry::page_fault && running_.task() >= l4::first_persistent_task)
            begin(cycle);
        return;
    }
    in_kernel_ = true;
    if (entry == KernelEntry::interrupt || !serves()) {
        if (part_ != Part::interrupts)
            interrupted_ = part_;
        go_on_with(cycle, Part::interrupts);
    } else if (entry == KernelEntry::ipc) {
        go_on_with(cycle, Part::ipc);
    }
    // Another call of the server's is part of its work.
}

void WriteFaultCosts::mapping_begins(uint64_t cycle) {
    if (serves() && part_ == Part::ipc)
        go_on_with(cycle, Part::map);
}

void WriteFaultCosts::mapping_ends(uint64_t cycle) {
    if (follows_ && part_ == Part::map)
        go_on_with(cycle, Part::ipc);
}

void WriteFaultCosts::thread_switch(uint64_t cycle, l4::ThreadId thread) {
    running_ = thread;
    if (!follows_)
        return;
    const bool to_server = thread == l4::pager_thread;
    go_on_with(cycle, thread == writer_                        ? Part::way_back
                      : to_server && part_ != Part::interrupts ? Part::ipc
                                                               : Part::interrupts);
}

void WriteFaultCosts::fault_begin(uint64_t cycle, uint32_t address, uint32_t error_code) {
    if (!follows_ || running_ != writer_)
        return;
    // A write to a page that is present (error code bits 0 and 1, Intel SDM vol. 3, 4.7).
    constexpr uint32_t protected_write = 3;
    cost_.address = address;
    if ((error_code & protected_write) == protected_write)
        go_on_with(cycle, Part::ipc);
    else
        follows_ = false;
}

void WriteFaultCosts::phase(uint64_t cycle, l4::Phase phase) {
    if (!serves())
        return;
    if (phase == l4::Phase::copy && part_ == Part::server)
        go_on_with(cycle, Part::copy);
    else if (phase != l4::Phase::copy && part_ == Part::copy)
        go_on_with(cycle, Part::server);
}

void WriteFaultCosts::page_copied(uint32_t task, uint32_t page_address) {
    constexpr uint32_t page_mask = ~(l4::page_size - 1);
    if (serves() && task == cost_.task && page_address == (cost_.address & page_mask))
        copied_ = true;
}

void WriteFaultCosts::power_cycle() {
    follows_ = false;
    running_ = {};
}

std::string to_csv(const std::vector<WriteFaultCost>& faults) {
    std::string csv = "task,address,begin_cycle";
    for (const char* name : write_fault_part_names)
        fmt::format_to(std::back_inserter(csv), ",{}", name);
    csv += ",total\n";
    for (const WriteFaultCost& fault : faults) {
        fmt::format_to(std::back_inserter(csv), "{},{:#x},{}", fault.task, fault.address, fault.begin_cycle);
        for (const uint64_t cycles : fault.cycles)
            fmt::format_to(std::back_inserter(csv), ",{}", cycles);
        fmt::format_to(std::back_inserter(csv), ",{}\n", fault.total_cycles);
    }
    return csv;
}

} // namespace fixpoint::sim
