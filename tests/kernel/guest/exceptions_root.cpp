// Exceptions at handlers of the thread's own: every vector that user level can cause, what the handler finds, what it
// can mend, and how it returns.
#include "tests/kernel/guest/exception_handlers.hpp"

using namespace kernel_test;

namespace {

void test_divide_error() {
    FAULT("divl %%ecx", : "c"(0), "a"(1), "d"(0) : "memory", "cc");
    check(saw(vector_divide_error, 0), "#DE");
    FAULT("idivb %%cl", : "c"(1), "a"(0x7FFF) : "memory", "cc");
    check(saw(vector_divide_error, 0), "#DE by overflow");
}

void test_invalid_opcode() {
    FAULT("ud2", : : "memory");
    check(saw(vector_invalid_opcode, 0), "#UD");
    FAULT(".byte 0x0F, 0x01, 0xD8", : : "memory");
    check(saw(vector_invalid_opcode, 0), "#UD of an LIDT that does not exist");
}

void test_bound() {
    static const int32_t limits[2] = {-5, 5};
    FAULT("boundl %%eax, (%%ebx)", : "a"(6), "b"(limits) : "memory");
    check(saw(vector_bound, 0), "#BR");
    asm volatile("boundl %%eax, (%%ebx)" : : "a"(5), "b"(limits) : "memory");
    check(seen.count == 0, "no #BR within the bounds");
}

void test_invalid_tss() {
    FAULT_AT_1("pushfl\n\torl $0x4000, (%%esp)\n\tpopfl\n1:\tiretl", : : "memory", "cc");
    check((seen.eflags & eflags_nested) != 0, "NT is pushed");
    check(saw(vector_invalid_tss, 0), "#TS of an IRET with NT");
}

void test_protection() {
    FAULT("movl %%cr0, %%eax", : : "eax", "memory");
    check(saw(vector_protection, 0), "#GP of a privileged instruction");
    FAULT("lgdt gates_of_nothing", : : "memory");
    check(saw(vector_protection, 0), "#GP of LGDT");
    static const uint16_t far_pointer[3] = {0, 0, 0xEE03};
    FAULT("lssl (%%ebx), %%eax", : "b"(far_pointer) : "eax", "memory");
    check(saw(vector_protection, 0xEE00), "#GP of LSS, with the selector");
}

void test_software_interrupts() {
    FAULT("int $0x40", : : "memory");
    check(saw(vector_protection, 0x202), "INT 40h is #GP with 8 n + 2");
    FAULT("int $0xFF", : : "memory");
    check(saw(vector_protection, 0x7FA), "INT FFh");
    FAULT("int $0x20", : : "memory");
    check(saw(vector_protection, 0x102), "INT of an interrupt line");
    FAULT("int $14", : : "memory");
    check(saw(vector_protection, 0x72), "INT of a page fault");
    FAULT("int $13", : : "memory");
    check(saw(vector_protection, 0x6A), "INT of #GP");
    FAULT_AT_1("movb $0x7F, %%al\n\taddb $1, %%al\n1:\tinto", : : "eax", "memory", "cc");
    check(saw(vector_protection, 0x22), "INTO is INT 4");
    check(!l4::my_id().is_nil(), "system calls are none");
}

void test_x87() {
    static const uint16_t division_by_zero_unmasked = 0x037B;
    static const float zero = 0;
    asm volatile("fninit\n\tfldcw (%0)\n\tfld1\n\tfdivs (%1)"
                 :
                 : "r"(&division_by_zero_unmasked), "r"(&zero)
                 : "memory");
    check(seen.count == 0, "the first x87 instruction is the kernel's business");
    FAULT("fwait", : : "memory");
    check(saw(vector_x87_error, 0), "#MF");
    asm volatile("fninit");
}

void test_breakpoint() {
    TRAP("int3", : : "memory");
    check(saw(vector_breakpoint, 0), "#BP");
    TRAP(".byte 0xCD, 0x03", : : "memory");
    check(saw(vector_breakpoint, 0), "#BP by the long form of INT 3");
    l4::print_string("a console call\n");
    check(seen.count == 0, "console calls are no breakpoints");
    gates[vector_breakpoint].flags = 0;
    TRAP("int3", : : "memory");
    check(seen.count == 0, "without a gate INT 3 is ignored");
    fill_gates();
}

void test_single_step() {
    TRAP("pushfl\n\torl $0x100, (%%esp)\n\tpopfl\n\tnop", : : "memory", "cc");
    check((seen.eflags & eflags_trap) != 0, "TF is pushed");
    check(saw(vector_debug, 0), "#DB after the instruction behind POPF");

    remedy = Remedy::leave_eip;
    keeps_stepping = true;
    asm volatile("pushfl\n\torl $0x100, (%%esp)\n\tpopfl\n\tnop\n\tnop\n\tnop\n\t"
                 "pushfl\n\tandl $~0x100, (%%esp)\n\tpopfl"
                 :
                 :
                 : "memory", "cc");
    keeps_stepping = false;
    check(seen.count == 6, "every instruction of the program is stepped, none of the handler's");
    seen.count = 0;

    uint32_t version = 0;
    asm volatile("movl $1f, fault_eip\n\tmovl %%esp, fault_esp\n\t"
                 "pushfl\n\torl $0x100, (%%esp)\n\tpopfl\n\thlt\n1:"
                 : "+a"(version)
                 :
                 : "memory", "cc");
    check(saw(vector_debug, 0) && version != 0, "#DB after an instruction that the kernel carries out");
    remedy = Remedy::go_on_at_fix;
}

void test_step_into_sysenter() {
    uint32_t result = l4::no_send, ecx, edx;
    remedy = Remedy::leave_eip;
    asm volatile("pushl %%ebp\n\tmovl $-1, %%ebp\n\t"
                 "pushl %%ecx\n\tpushl %%ebp\n\tpushl $0x1b\n\tpushl $1f\n\tmovl %%esp, %%ecx\n\t"
                 "pushfl\n\torl $0x100, (%%esp)\n\tpopfl\n\tsysenter\n\t"
                 "movl %%ebp, %%edx\n1:\tpopl %%ebp"
                 : "+a"(result), "=c"(ecx), "=d"(edx)
                 :
                 : "ebx", "esi", "edi", "memory", "cc");
    remedy = Remedy::go_on_at_fix;
    constexpr uint32_t repeat_address = 0xFFFFFFF0u;
    check(seen.count == 1 && seen.vector == vector_debug && seen.eip == repeat_address && result == 0,
          "#DB of a SYSENTER, which is then repeated");
    seen.count = 0;
}

void test_remedies() {
    remedy = Remedy::divide_by_one;
    uint32_t quotient = 7, rest = 0;
    asm volatile("divl %%ecx" : "+a"(quotient), "+d"(rest) : "c"(0) : "cc");
    check(seen.count == 1 && quotient == 7 && rest == 0,
          "the handler changes a register, and the instruction is repeated");
    seen.count = 0;
    remedy = Remedy::fault_again;
    FAULT("ud2", : : "memory");
    check(seen.count == 2 && nested_vector == vector_divide_error, "an exception in a handler");
    seen.count = 0;
}

void test_flags() {
    uint32_t before = 0, after = 0;
    asm volatile("movl $2f, fix_eip\n\tstc\n\tpushfl\n\tpopl %0\n\tud2\n2:\tpushfl\n\tpopl %1"
                 : "=&r"(before), "=&r"(after)
                 :
                 : "memory", "cc");
    check((before & 1) != 0 && before == after, "IRET at user level brings EFLAGS back");
    check((seen.eflags & ~eflags_resume) == before, "EFLAGS in the frame");
    seen.count = 0;
}

} // namespace

asm(".pushsection .data\ngates_of_nothing: .skip 8\n.popsection");

extern "C" void test_main(uint32_t) {
    fill_gates();
    l4::load_gate_table(all_gates());
    test_divide_error();
    test_invalid_opcode();
    test_bound();
    test_invalid_tss();
    test_protection();
    test_software_interrupts();
    test_x87();
    test_breakpoint();
    test_single_step();
    if (l4::processor_has_sysenter())
        test_step_into_sysenter();
    test_remedies();
    test_flags();
    finish();
}
