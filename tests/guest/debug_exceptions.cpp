// Debug exceptions (SDM vol. 3, chapter 17): single step, breakpoints on execution, writes, accesses and ports,
// RF, INT 1; what DR6 says and where the exception is taken. A line shows each exception's place in the code,
// DR6, and an "r" where RF was pushed.
//
// Left out, since QEMU 7.2 differs from the manual: RF between the iterations of a string instruction (0 instead
// of 1; 17.3.1.1) and after a port's breakpoint (1 instead of 0), GD (ignored), the INT1 instruction (#UD).
#include "tests/guest/runtime/capture.hpp"

using namespace guest;

extern "C" {
alignas(16) uint32_t debug_data[8];
}

SNIPPET(step_plain,
        "pushfl; orl $0x100, (%esp); popfl; nop; movl $1, %eax; pushfl; andl $~0x100, (%esp); popfl; nop");
SNIPPET(step_string,
        "movl $debug_data, %esi; movl $debug_data + 16, %edi; movl $3, %ecx;"
        "pushfl; orl $0x100, (%esp); popfl; rep movsb; pushfl; andl $~0x100, (%esp); popfl; nop");
SNIPPET(step_stack_segment, "pushfl; orl $0x100, (%esp); popfl; movl %ss, %edx; movl %edx, %ss; nop;"
                            "pushfl; andl $~0x100, (%esp); popfl; nop");
SNIPPET(step_interrupt,
        "pushfl; orl $0x100, (%esp); popfl; int $0x41; nop; pushfl; andl $~0x100, (%esp); popfl; nop");
SNIPPET(step_branch,
        "pushfl; orl $0x100, (%esp); popfl; jmp 1f; nop; 1: call 2f; pushfl; andl $~0x100, (%esp);"
        "popfl; ret; 2:");
SNIPPET(user_step, "nop; movl $1, %eax; nop");
SNIPPET(execute_here,
        "nop; .globl debug_here; debug_here: nop; nop; .globl debug_here2; debug_here2: nop; nop");
SNIPPET(access_data,
        "movl debug_data, %eax; movl %eax, debug_data; movb %al, debug_data + 3; incl debug_data + 4;"
        "movw debug_data + 6, %ax; movb %al, debug_data + 8");
SNIPPET(access_string, "movl $debug_data, %edi; movl $12, %ecx; rep stosb");
SNIPPET(access_stack, "movl %esp, %ecx; movl $debug_data + 8, %esp; pushl %eax; popl %eax; movl %ecx, %esp");
SNIPPET(access_port, "outb %al, $0x80; inb $0x80, %al; outb %al, $0x81; nop");
SNIPPET(read_debug, "movl %dr0, %eax; nop");
SNIPPET(write_debug, "movl %eax, %dr3");
SNIPPET(alias_debug, "movl %dr4, %eax");
SNIPPET(int_1, "int $1; nop");
SNIPPET(int3_instruction, "int3; nop");
extern "C" const char debug_here[], debug_here2[];

namespace {

enum : uint32_t {
    dr6_step = 1 << 14,
    dr6_gd = 1 << 13,
    dr6_task = 1 << 15,
    dr6_flags = dr6_step | dr6_gd | dr6_task | 0xF,
    dr6_clear = 0xFFFF'0FF0,
};
enum Kind : uint32_t { execute = 0, write = 1, port = 2, access = 3 };

template<unsigned Number>
void set_debug(uint32_t value) {
    asm volatile("movl %0, %%db%c1" : : "r"(value), "i"(Number));
}
template<unsigned Number>
uint32_t get_debug() {
    uint32_t value;
    asm volatile("movl %%db%c1, %0" : "=r"(value) : "i"(Number));
    return value;
}
constexpr uint32_t breakpoint(unsigned number, Kind kind, unsigned bytes) {
    const uint32_t length = bytes == 4 ? 3 : bytes - 1;
    return 2u << 2 * number | (kind | length << 2) << (16 + 4 * number);
}

Code code;
bool set_resume;

// Prints one line an exception and goes on; RF lets an instruction breakpoint's instruction run.
bool print_and_go_on(Frame& frame) {
    const uint32_t status = get_debug<6>();
    pc::print(" +");
    pc::print_hex(frame.eip - reinterpret_cast<uint32_t>(code), 2);
    pc::print('/');
    pc::print_hex(status & dr6_flags, 4);
    if ((frame.eflags & flag::resume) != 0 && code != step_string && code != access_string &&
        code != access_port)
        pc::print('r');
    set_debug<6>(dr6_clear);
    if (set_resume)
        frame.eflags |= flag::resume;
    return true;
}
bool go_on(Frame&) {
    return true;
}

void trace(const char* label, Code what, Level level = Level::kernel, uint32_t user_flags = flag::always) {
    code = what;
    pc::print(label);
    pc::print(':');
    set_debug<6>(dr6_clear);
    const Outcome outcome = watch(what, 0, level, user_flags);
    if (outcome.ended_by_exception) {
        pc::print(" ended by ");
        print_exception(outcome.frame);
    }
    pc::print('\n');
}

void single_step() {
    set_resume = false;
    trace("step", step_plain);
    trace("step by iteration", step_string);
    trace("step over a load of ss", step_stack_segment);
    set_handler(0x41, go_on);
    trace("step over an interrupt", step_interrupt);
    set_handler(0x41, nullptr);
    trace("step over branches", step_branch);
    trace("step at level 3", user_step, Level::user, flag::always | flag::trap);
}

void breakpoints() {
    set_resume = true;
    set_debug<0>(reinterpret_cast<uint32_t>(debug_here));
    set_debug<1>(reinterpret_cast<uint32_t>(debug_here2));
    set_debug<7>(breakpoint(0, execute, 1));
    trace("execution", execute_here);
    trace("execution at level 3", execute_here, Level::user);
    set_debug<7>(breakpoint(0, execute, 1) | breakpoint(1, execute, 1));
    trace("two", execute_here);
    set_debug<7>(breakpoint(0, execute, 1) >> 1); // the local enable bit does as well
    trace("local", execute_here);
    set_debug<7>(0);
    trace("none", execute_here);

    const auto data = reinterpret_cast<uint32_t>(debug_data);
    const struct {
        const char* label;
        uint32_t offset;
        Kind kind;
        unsigned bytes;
    } cases[] = {
        {"write, 4 bytes", 0, write, 4}, {"access, 4 bytes", 0, access, 4},
        {"write, 1 byte", 3, write, 1},  {"access, 2 bytes", 6, access, 2},
        {"write, 2 bytes", 6, write, 2}, {"access, 1 byte", 8, access, 1},
    };
    for (const auto& one : cases) {
        set_debug<2>(data + one.offset);
        set_debug<7>(breakpoint(2, one.kind, one.bytes));
        trace(one.label, access_data);
        trace(one.label, access_data, Level::user);
    }
    set_debug<2>(data + 8);
    set_debug<7>(breakpoint(2, write, 2));
    trace("string", access_string);
    set_debug<2>(data + 4);
    set_debug<7>(breakpoint(2, access, 4));
    trace("stack", access_stack, Level::user); // at level 0 the exception's own frame would be there
    set_debug<7>(0);
}

void port_breakpoints() {
    constexpr uint32_t debug_extensions = 1 << 3; // CR4.DE
    uint32_t cr4;
    asm volatile("movl %%cr4, %0" : "=r"(cr4));
    asm volatile("movl %0, %%cr4" : : "r"(cr4 | debug_extensions));
    set_debug<0>(0x80);
    set_debug<7>(breakpoint(0, port, 1));
    trace("port", access_port);
    set_debug<7>(0);
    print_outcome("dr4 with extensions", watch(alias_debug));
    asm volatile("movl %0, %%cr4" : : "r"(cr4));
}

void registers() {
    set_debug<3>(0x1234);
    pc::report("dr3", get_debug<3>());
    set_debug<6>(0);
    pc::report("dr6 of 0", get_debug<6>());
    set_debug<6>(dr6_clear | 0xF | dr6_step);
    pc::report("dr6", get_debug<6>() & dr6_flags);
    set_debug<7>(0);
    pc::report("dr7 of 0", get_debug<7>());
    print_outcome("read at level 3", watch(read_debug, 0, Level::user));
    print_outcome("write at level 3", watch(write_debug, 0, Level::user));
    print_outcome("alias", watch(alias_debug));
}

void software_interrupts() {
    print_outcome("int3", watch(int3_instruction));
    print_outcome("int 1 at level 3, gate of level 0", watch(int_1, 0, Level::user));
    print_outcome("int 1", watch(int_1));
}

} // namespace

void run() {
    set_handler(vector::debug, print_and_go_on);
    registers();
    single_step();
    breakpoints();
    port_breakpoints();
    set_handler(vector::debug, nullptr);
    software_interrupts();
}
