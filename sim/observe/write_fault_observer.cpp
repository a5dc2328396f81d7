#include "sim/observe/write_fault_observer.hpp"

#include "kernel-model/abi/system_layout.hpp"
#include "sim/observe/guest_module.hpp"

#include <cstring>
#include <fmt/format.h>

namespace fixpoint::sim {

WriteFaultObserver::WriteFaultObserver(Machine& machine, const BootImage& image, WriteFaultCosts& costs)
    : machine_{machine}, costs_{costs} {
    const GuestModule kernel{image.kernel};
    const auto address_of = [&](const char* name) {
        const GuestModule::Function* const function = kernel.function_named(name);
        if (function == nullptr)
            throw BootError(
                fmt::format("{}: expected the symbol {}, found none", image.kernel.string(), name));
        return function->begin;
    };
    // entries.S: trap_N is the entry of vector N, those of the 16 interrupt lines stand one behind the other.
    page_fault_ = address_of("trap_14");
    ipc_ = address_of("trap_48");
    first_interrupt_ = address_of("trap_32");
    last_interrupt_ = address_of("trap_47");
    map_fpage_ = address_of("kernel::map_fpage");
    machine_.add_observer(*this);
}

WriteFaultObserver::~WriteFaultObserver() {
    machine_.remove_observer(*this);
}

bool WriteFaultObserver::before_instruction(uint32_t linear) {
    const uint64_t cycle = machine_.cpu().cycles();
    if (linear < l4::user_space_end) {
        in_kernel_ = false;
        costs_.user_instruction(cycle, linear);
    } else if (!in_kernel_ || is_interrupt_entry(linear)) {
        in_kernel_ = true;
        costs_.kernel_entered(cycle, entry_at(linear));
    } else if (linear == map_fpage_) {
        after_mapping_ = top_of_stack();
        costs_.mapping_begins(cycle);
    } else if (linear == after_mapping_) {
        costs_.mapping_ends(cycle);
    }
    return true;
}

WriteFaultCosts::KernelEntry WriteFaultObserver::entry_at(uint32_t linear) const {
    using Entry = WriteFaultCosts::KernelEntry;
    return linear == page_fault_        ? Entry::page_fault
           : linear == ipc_             ? Entry::ipc
           : is_interrupt_entry(linear) ? Entry::interrupt
                                        : Entry::other;
}

uint32_t WriteFaultObserver::top_of_stack() const {
    const models::PhysicalMemory& memory = machine_.memory();
    uint32_t physical = 0, word = 0;
    if (machine_.cpu().translate(machine_.cpu().general(models::reg_esp), physical) &&
        uint64_t{physical} + sizeof word <= memory.size())
        std::memcpy(&word, memory.data() + physical, sizeof word);
    return word;
}

} // namespace fixpoint::sim
