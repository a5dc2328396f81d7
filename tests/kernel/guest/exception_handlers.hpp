// Handlers for all vectors of a test program: they note what they find and go on where the test wants.
#pragma once

#include "kernel-model/abi/exceptions.hpp"
#include "tests/kernel/guest/checks.hpp"

namespace kernel_test {

inline constexpr uint32_t eflags_trap = 1u << 8, eflags_interrupts = 1u << 9, eflags_io_privilege = 3u << 12,
                          eflags_nested = 1u << 14, eflags_resume = 1u << 16;
inline constexpr unsigned vector_divide_error = 0, vector_debug = 1, vector_breakpoint = 3, vector_bound = 5,
                          vector_invalid_opcode = 6, vector_invalid_tss = 10, vector_protection = 13,
                          vector_x87_error = 16, gate_count = 32;

// The last exception, and how many there were since saw().
struct Seen {
    uint32_t count, vector, error, eip, cs, eflags, esp, handler_eflags;
};
extern volatile Seen seen;

// What the handler does before it returns. (It always clears NT and, if not told otherwise, TF.)
enum class Remedy { go_on_at_fix, divide_by_one, fault_again, leave_eip };
extern volatile Remedy remedy;
extern volatile uint32_t nested_vector; // of fault_again
extern volatile bool keeps_stepping;

// Gates to these handlers, on a page of their own.
inline constexpr unsigned gates_in_page = 4096 / sizeof(l4::Gate);
extern l4::Gate gates[gates_in_page];
void fill_gates();
l4::GateTable all_gates();

// One exception (`count`) with this vector and error code, raised at fault_eip with fault_esp; TF, NT and RF clear in
// the handler. Starts counting anew.
bool saw(unsigned vector, uint32_t error, uint32_t count = 1);

uint32_t eflags();

} // namespace kernel_test

extern "C" {
extern uint32_t fault_eip, fault_esp,
    fix_eip; // where the exception shall be raised, where the program goes on
}

// Instructions, of which that at label 1 faults; the program goes on behind them.
#define FAULT_AT_1(instructions, ...)                                                                        \
    asm volatile("movl $1f, fault_eip\n\tmovl $2f, fix_eip\n\tmovl %%esp, fault_esp\n\t" instructions "\n2:" \
                 : __VA_ARGS__)
#define FAULT(instruction, ...) FAULT_AT_1("1:\t" instruction, __VA_ARGS__)
// Instructions that end in a trap.
#define TRAP(instructions, ...) FAULT_AT_1(instructions "\n1:\tnop\n\tnop", __VA_ARGS__)
