// The gates of the 80286 in a 32-bit system (SDM vol. 3, 5.8.3, 6.11 and 21.4): interrupt, trap and call gates of
// 16 bits push words, so the code that passes them runs in segments whose offsets have 16 bits; IRET and RET
// with 16-bit operands come back. Then a TSS of 16 bits as the current one.
//
// Left out, since QEMU 7.2 differs from the manual: the upper half of a 16-bit gate's offset (reserved; it takes it),
// switches from and to a TSS of 16 bits (it takes the selectors from every other of their places).
#include "tests/guest/runtime/capture.hpp"

using namespace guest;

enum : uint16_t {
    small_code = first_free, // their base is gates16_base
    small_user_code = first_free + 0x08,
    small_user_stack = first_free + 0x10,
    call_gate = first_free + 0x18,
    small_task = first_free + 0x20,
};

extern "C" {
extern const char gates16_base[], gates16_on_interrupt[], gates16_on_error[], gates16_on_call[];
uint32_t gates16_seen[8];
uint8_t gates16_stack[1024];
struct {
    uint16_t link, sp0, ss0, rest[19];
} gates16_task;
static_assert(sizeof gates16_task == 0x2C);
}

asm(R"(
    .pushsection .text
    .balign 16
gates16_base:
    .macro note     # CS and SS, ESP, the flags, eight words of the stack
    movw %cs, gates16_seen
    movw %ss, gates16_seen + 2
    movl %esp, gates16_seen + 4
    pushfl
    popl gates16_seen + 8
    movl (%esp), %eax
    movl %eax, gates16_seen + 12
    movl 4(%esp), %eax
    movl %eax, gates16_seen + 16
    movl 8(%esp), %eax
    movl %eax, gates16_seen + 20
    movl 12(%esp), %eax
    movl %eax, gates16_seen + 24
    .endm
gates16_on_interrupt:
    note
    iretw
gates16_on_error:
    note
    addl $2, %esp
    addw $2, (%esp)
    iretw
gates16_on_call:
    note
    lretw $4

    # At level 0: the stack may be anywhere.
gates16_interrupt:
    int $0x40
    lret
gates16_error:
    movl $0xFFF8, %eax
    .byte 0x8E, 0xE0    # MOV FS, AX
    lret
gates16_call:
    pushw $0x1111
    pushw $0x2222
    lcall $0x48, $0x1234
    lret

    # At level 3: on a stack that 16 bits can name.
    .macro on_small_stack name
gates16_user_\name:
    movl %esp, %ebp
    movl $0x43, %eax
    movl %eax, %ss
    movl $0x400, %esp
    pushl $0x23
    pushl %ebp
    pushl %cs
    call gates16_\name
    movl %esp, gates16_seen + 28
    lss (%esp), %esp
    lret
    .endm
    on_small_stack interrupt
    on_small_stack error
    on_small_stack call
    .popsection
)");
SNIPPET(plain_interrupt, "int $0x30");
SNIPPET(input, "inb $0x80, %al");
SNIPPET(interrupt0, "lcall $0x30, $gates16_interrupt - gates16_base");
SNIPPET(interrupt3, "lcall $0x3B, $gates16_user_interrupt - gates16_base");
SNIPPET(error0, "lcall $0x30, $gates16_error - gates16_base");
SNIPPET(error3, "lcall $0x3B, $gates16_user_error - gates16_base");
SNIPPET(call0, "lcall $0x30, $gates16_call - gates16_base");
SNIPPET(call3, "lcall $0x3B, $gates16_user_call - gates16_base");

namespace {

uint32_t small_offset(const char* place) {
    return static_cast<uint32_t>(place - gates16_base);
}

// `words`: how many the processor pushed.
void attempt(const char* label, Code code, Level level, unsigned words, uint32_t user_flags = flag::always) {
    memset(gates16_seen, 0, sizeof gates16_seen);
    print_outcome(label, watch(code, 0, level, user_flags));
    pc::print(" cs ");
    pc::print_hex(gates16_seen[0] & 0xFFFF, 4);
    pc::print(" ss ");
    pc::print_hex(gates16_seen[0] >> 16, 4);
    pc::print(" below the top ");
    pc::print_hex((level == Level::user ? main_tss.esp0 - gates16_seen[1] : 0), 2);
    pc::print(" flags ");
    pc::print_hex(gates16_seen[2] & (flag::interrupt | flag::trap | flag::nested), 4);
    pc::print(" pushed");
    const auto* const stack = reinterpret_cast<const uint16_t*>(&gates16_seen[3]);
    for (unsigned i = 0; i < words; ++i) {
        pc::print(' ');
        pc::print_hex(stack[i], 4);
    }
    pc::print(" afterwards ");
    pc::print_hex(gates16_seen[7], 4);
    pc::print('\n');
}

void interrupts(const char* label, uint32_t access) {
    pc::print(label);
    pc::print('\n');
    gates[0x40] = gate(small_code, small_offset(gates16_on_interrupt), access | user_level);
    attempt("level 0", interrupt0, Level::kernel, 3);
    attempt("level 3", interrupt3, Level::user, 5, flag::always | flag::interrupt | flag::iopl);
    const uint64_t before = gates[vector::general_protection];
    gates[vector::general_protection] = gate(small_code, small_offset(gates16_on_error), access);
    attempt("error code, level 0", error0, Level::kernel, 4);
    attempt("error code, level 3", error3, Level::user, 6, flag::always | flag::interrupt);
    gates[vector::general_protection] = before;
}

// Its stack of level 0 has an offset of 16 bits; it has no bitmap of ports.
void small_task_state() {
    constexpr uint16_t stack_top = 0x7000;
    constexpr uint32_t tss16_available = 0x81;
    gates16_task.sp0 = stack_top;
    gates16_task.ss0 = kernel_data;
    set_segment(small_task, descriptor(reinterpret_cast<uint32_t>(&gates16_task), sizeof gates16_task - 1,
                                       tss16_available, byte_granular16));
    asm volatile("ltr %w0" : : "r"(uint32_t{small_task}));
    set_handler(vector::end, [](Frame& frame) {
        pc::report("frame at", reinterpret_cast<uint32_t>(&frame));
        return false;
    });
    print_outcome("interrupt", watch(plain_interrupt, 0, Level::user));
    print_outcome("port", watch(input, 0, Level::user));
    print_outcome("port with iopl", watch(input, 0, Level::user, flag::always | flag::iopl));
    pc::report("type", static_cast<uint32_t>(segments[small_task >> 3] >> 40) & 0xFF);
}

} // namespace

void run() {
    const auto base = reinterpret_cast<uint32_t>(gates16_base);
    set_segment(small_code, descriptor(base, 0xFFFF, code_access, byte_granular));
    set_segment(small_user_code, descriptor(base, 0xFFFF, code_access | user_level, byte_granular));
    set_segment(small_user_stack, descriptor(reinterpret_cast<uint32_t>(gates16_stack), 0xFFFF,
                                             data_access | user_level, byte_granular));
    set_segment(call_gate, gate(small_code, small_offset(gates16_on_call), call_gate16 | user_level, 2));
    pc::out8(0x21, 0xFF);
    pc::out8(0xA1, 0xFF);
    interrupts("interrupt gate", interrupt_gate16);
    interrupts("trap gate", trap_gate16);
    pc::print("call gate\n");
    attempt("level 0", call0, Level::kernel, 4);
    attempt("level 3", call3, Level::user, 6);
    small_task_state();
}
