#include "kernel-model/arch/interrupt_table.hpp"

#include "kernel-model/arch/handlers.hpp"
#include "kernel-model/arch/selectors.h"

extern "C" const uint32_t trap_entries[kernel::vector_count];

namespace kernel {

namespace {

constexpr unsigned vector_double_fault = 8;
constexpr uint32_t interrupt_gate = 0x8E00, task_gate = 0x8500, user_may_call = 0x6000;

constinit uint64_t gates[vector_count] = {};

constexpr bool callable_from_user(unsigned vector) {
    return vector == vector_breakpoint || vector >= vector_ipc;
}

} // namespace

void load_interrupt_table() {
    for (unsigned vector = 0; vector < vector_count; ++vector) {
        const uint64_t entry = trap_entries[vector];
        if (entry == 0)
            continue;
        const uint32_t flags = interrupt_gate | (callable_from_user(vector) ? user_may_call : 0);
        gates[vector] = (entry & 0xFFFF) | uint64_t{SELECTOR_KERNEL_CODE} << 16 | uint64_t{flags} << 32 |
                        (entry >> 16) << 48;
    }
    gates[vector_double_fault] = uint64_t{SELECTOR_DOUBLE_FAULT} << 16 | uint64_t{task_gate} << 32;

    struct [[gnu::packed]] {
        uint16_t limit;
        uint32_t base;
    } const pointer{sizeof gates - 1, reinterpret_cast<uint32_t>(gates)};
    asm volatile("lidt %0" : : "m"(pointer));
}

} // namespace kernel

// Vector -> handler of an entry from user level (entries.S). ipc has an entry of its own and is not called
// from here.
extern "C" {
using TrapHandler = void (*)();
extern const TrapHandler trap_handlers[kernel::vector_count];
const TrapHandler trap_handlers[kernel::vector_count] = {
    kernel::handle_exception,  // 0 divide error
    kernel::handle_exception,  // 1 debug
    kernel::handle_exception,  // 2 NMI
    kernel::handle_breakpoint, // 3
    kernel::handle_exception,  // 4 overflow
    kernel::handle_exception,  // 5 bound
    kernel::handle_exception,  // 6 invalid opcode
    kernel::handle_no_fpu,     // 7 device not available
    kernel::handle_exception,  // 8 double fault: has a task gate
    kernel::handle_exception,  // 9
    kernel::handle_exception,  // 10 invalid TSS
    kernel::handle_exception,  // 11 segment not present
    kernel::handle_exception,  // 12 stack fault
    kernel::handle_protection, // 13 general protection
    kernel::handle_page_fault, // 14
    kernel::handle_exception,  // 15
    kernel::handle_exception,  // 16 x87 error
    kernel::handle_exception,  // 17 alignment check
    kernel::handle_exception,  // 18 machine check
    kernel::handle_exception,  // 19 SIMD error
    kernel::handle_exception,  // 20-31 reserved
    kernel::handle_exception,
    kernel::handle_exception,
    kernel::handle_exception,
    kernel::handle_exception,
    kernel::handle_exception,
    kernel::handle_exception,
    kernel::handle_exception,
    kernel::handle_exception,
    kernel::handle_exception,
    kernel::handle_exception,
    kernel::handle_exception,
    kernel::handle_interrupt, // 32-47 interrupt lines
    kernel::handle_interrupt,
    kernel::handle_interrupt,
    kernel::handle_interrupt,
    kernel::handle_interrupt,
    kernel::handle_interrupt,
    kernel::handle_interrupt,
    kernel::handle_interrupt,
    kernel::handle_interrupt,
    kernel::handle_interrupt,
    kernel::handle_interrupt,
    kernel::handle_interrupt,
    kernel::handle_interrupt,
    kernel::handle_interrupt,
    kernel::handle_interrupt,
    kernel::handle_interrupt,
    ipc_system_call,              // 0x30
    kernel::call_id_nearest,      // 0x31
    kernel::call_fpage_unmap,     // 0x32
    kernel::call_thread_switch,   // 0x33
    kernel::call_thread_schedule, // 0x34
    kernel::call_lthread_ex_regs, // 0x35
    kernel::call_task_new,        // 0x36
    kernel::call_recovery,        // 0x37
};
}
