#include "tests/kernel/guest/exception_handlers.hpp"

namespace kernel_test {

volatile Seen seen;
volatile Remedy remedy = Remedy::go_on_at_fix;
volatile uint32_t nested_vector = 0;
volatile bool keeps_stepping = false;
alignas(4096) l4::Gate gates[gates_in_page];

namespace {

// What the entries below have on the stack when they call note_exception().
struct HandlerFrame {
    uint32_t edi, esi, ebp, handler_esp, ebx, edx, ecx, eax;
    uint32_t vector, error;
    uint32_t eip, cs, eflags;
};

} // namespace

} // namespace kernel_test

extern "C" {
uint32_t fault_eip, fault_esp, fix_eip;
void note_exception(kernel_test::HandlerFrame* frame);
extern const uint32_t handler_entries[kernel_test::gate_count];
}

// An entry for each vector, as a kernel on the bare processor would write them.
asm(R"(
    .macro HANDLER vector, has_error
handler_\vector:
    .if \has_error == 0
    pushl $0
    .endif
    pushl $\vector
    jmp handler_common
    .endm
    .irp vector, 0, 1, 2, 3, 4, 5, 6, 7, 9, 15, 16, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    HANDLER \vector, 0
    .endr
    .irp vector, 8, 10, 11, 12, 13, 14, 17
    HANDLER \vector, 1
    .endr
handler_common:
    pushal
    pushl %esp
    call note_exception
    addl $4, %esp
    popal
    addl $8, %esp
    iretl
    .pushsection .rodata
    .balign 4
    .global handler_entries
handler_entries:
    .irp vector, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    .long handler_\vector
    .endr
    .irp vector, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    .long handler_\vector
    .endr
    .popsection
)");

extern "C" void note_exception(kernel_test::HandlerFrame* frame) {
    using namespace kernel_test;
    seen.count = seen.count + 1;
    seen.vector = frame->vector;
    seen.error = frame->error;
    seen.eip = frame->eip;
    seen.cs = frame->cs;
    seen.eflags = frame->eflags;
    seen.esp = reinterpret_cast<uint32_t>(frame + 1);
    seen.handler_eflags = eflags();
    if (frame->vector == vector_x87_error)
        asm volatile("fnclex");
    frame->eflags &= ~eflags_nested;
    if (!keeps_stepping)
        frame->eflags &= ~eflags_trap;
    switch (remedy) {
    case Remedy::go_on_at_fix:
        frame->eip = fix_eip;
        break;
    case Remedy::divide_by_one:
        frame->ecx = 1;
        break;
    case Remedy::fault_again: {
        remedy = Remedy::go_on_at_fix;
        const uint32_t outer_fix = fix_eip;
        FAULT("divl %%ecx", : "c"(0), "a"(1), "d"(0) : "memory", "cc");
        nested_vector = seen.vector;
        frame->eip = outer_fix;
        break;
    }
    case Remedy::leave_eip:
        break;
    }
}

namespace kernel_test {

uint32_t eflags() {
    uint32_t value;
    asm volatile("pushfl\n\tpopl %0" : "=r"(value));
    return value;
}

void fill_gates() {
    for (unsigned vector = 0; vector < gate_count; ++vector)
        gates[vector] = l4::Gate::to(handler_entries[vector]);
}

l4::GateTable all_gates() {
    return {gate_count * sizeof(l4::Gate) - 1, reinterpret_cast<uint32_t>(gates)};
}

bool saw(unsigned vector, uint32_t error, uint32_t count) {
    constexpr uint32_t code_selector = 0x1B;
    const bool right = seen.count == count && seen.vector == vector && seen.error == error &&
                       seen.eip == fault_eip && seen.cs == code_selector && seen.esp == fault_esp &&
                       (seen.eflags & eflags_interrupts) != 0 &&
                       (seen.handler_eflags & (eflags_trap | eflags_nested | eflags_resume)) == 0;
    seen.count = 0;
    return right;
}

} // namespace kernel_test
