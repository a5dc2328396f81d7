// SYSENTER and SYSEXIT (SDM vol. 2): segments and privilege they set, the flags they clear, when they fault.
//
// Left out: IA32_SYSENTER_CS of 1 to 3, a #GP says the manual; QEMU 7.2 looks for 0 only.
#include "tests/guest/runtime/capture.hpp"

using namespace guest;

extern "C" {
volatile uint32_t sysenter_seen[6];
uint32_t sysenter_stack[64];
}

SNIPPET(enter, "movl $0x1234, %ebx; movl %esp, %ecx; movl $1f, %edx; sysenter; 1:");
// The target: records what it was entered with, returns with EDX and ECX as they came.
SNIPPET(entered,
        "movw %cs, sysenter_seen; movw %ss, sysenter_seen + 4; movl %esp, sysenter_seen + 8;"
        "pushfl; popl sysenter_seen + 12; movl %ebx, sysenter_seen + 16; movw %ds, sysenter_seen + 20;"
        "sysexit");
SNIPPET(leave_at_user, "sysexit");

namespace {

enum : uint32_t { msr_cs = 0x174, msr_esp = 0x175, msr_eip = 0x176 };
constexpr uint16_t own_segments = first_free; // four in a row, as SYSENTER wants them

void write_msr(uint32_t number, uint32_t value) {
    asm volatile("wrmsr" : : "c"(number), "a"(value), "d"(0));
}
uint32_t read_msr(uint32_t number) {
    uint32_t value, high;
    asm volatile("rdmsr" : "=a"(value), "=d"(high) : "c"(number));
    return value;
}

void print_seen() {
    pc::print("entered with cs ");
    pc::print_hex(sysenter_seen[0], 4);
    pc::print(" ss ");
    pc::print_hex(sysenter_seen[1], 4);
    pc::print(" ds ");
    pc::print_hex(sysenter_seen[5], 4);
    pc::print(" stack ");
    pc::print_hex(sysenter_seen[2] == reinterpret_cast<uint32_t>(sysenter_stack + 64), 1);
    pc::print(" ebx ");
    pc::print_hex(sysenter_seen[4], 4);
    pc::print(" flags ");
    pc::print_hex(sysenter_seen[3] & (flag::interrupt | flag::iopl | flag::v86 | flag::resume), 5);
    pc::print('\n');
}

void attempt(const char* label, Code code, Level level, uint32_t user_flags = flag::always) {
    for (volatile uint32_t& word : sysenter_seen)
        word = 0;
    const Outcome outcome = watch(code, 0, level, user_flags);
    print_outcome(label, outcome);
    if (sysenter_seen[0] == 0)
        return;
    print_seen();
    pc::print("left with cs ");
    pc::print_hex(outcome.frame.cs & 0xFFFF, 4);
    pc::print(" ss ");
    pc::print_hex(outcome.frame.ss & 0xFFFF, 4);
    pc::print(" flags ");
    pc::print_hex(outcome.frame.eflags & (flag::interrupt | flag::iopl), 5);
    pc::print('\n');
}

} // namespace

void run() {
    // Descriptors that say something else than what SYSENTER sets: it does not read them.
    set_segment(own_segments, descriptor(0x1000, 0x10, data_access, byte_granular));
    set_segment(own_segments + 8, descriptor(0x2000, 0x20, code_access, byte_granular));
    set_segment(own_segments + 16, descriptor(0, 0, 0, 0));
    set_segment(own_segments + 24, descriptor(0, 0, 0, 0));
    pc::out8(0x21, 0xFF);
    pc::out8(0xA1, 0xFF);
    attempt("cs 0", enter, Level::user);
    attempt("exit at level 3", leave_at_user, Level::user);
    write_msr(msr_cs, kernel_code);
    write_msr(msr_esp, reinterpret_cast<uint32_t>(sysenter_stack + 64));
    write_msr(msr_eip, reinterpret_cast<uint32_t>(entered));
    pc::report("cs", read_msr(msr_cs));
    pc::report("esp", read_msr(msr_esp) == reinterpret_cast<uint32_t>(sysenter_stack + 64));
    attempt("kernel's segments", enter, Level::user);
    attempt("with flags", enter, Level::user, flag::always | flag::interrupt | flag::iopl);
    write_msr(msr_cs, own_segments);
    attempt("segments of its own", enter, Level::user);
}
