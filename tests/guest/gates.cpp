// Gates and changes of privilege (SDM vol. 3, 5.8 and 6.12): who may use a gate, what the error code names,
// what is pushed where, which flags change; call gates with parameters; RET and IRET to outer levels and
// what they do to data segments.
//
// Left out, since QEMU 7.2 differs from the manual: use of a null, read-only or too short data segment (not
// checked), and an absent stack of an inner level (#TS instead of #SS), a call beyond the code segment's
// limit (the error code is 0; SDM vol. 2, CALL).
#include "tests/guest/runtime/capture.hpp"

using namespace guest;

enum : uint16_t {
    inner_gate = first_free, // call gates
    user_call_gate = first_free + 0x08,
    absent_gate = first_free + 0x10,
    gate_to_data = first_free + 0x18,
    conforming_code = first_free + 0x20,
    absent_code = first_free + 0x28,
    level1_code = first_free + 0x38,
    level1_data = first_free + 0x40,
    level1_gate = first_free + 0x48,
    absent_data = first_free + 0x58,
};

extern "C" {
volatile uint32_t gates_seen[8];
uint32_t gates_level1_stack[64];
}

// Targets of gates. They record CS, SS, ESP's distance from the stack's top, and the words above.
SNIPPET(call_target,
        "movw %cs, gates_seen; movw %ss, gates_seen + 4; movl (%esp), %edx; movl %edx, gates_seen + 8;"
        "movl 4(%esp), %edx; movl %edx, gates_seen + 12; movl 8(%esp), %edx; movl %edx, gates_seen + 16;"
        "movl 12(%esp), %edx; movl %edx, gates_seen + 20; lret $8");
SNIPPET(level1_target, "movw %cs, gates_seen; movw %ss, gates_seen + 4; lret $8");
SNIPPET(near_target, "movw %cs, gates_seen; lret");

SNIPPET(int_40, "int $0x40");
SNIPPET(int_3, "int3");
SNIPPET(into_taken, "movb $0x7F, %al; addb $1, %al; into");
SNIPPET(bound_fails, "movl $gates_bounds, %ecx; movl $5, %edx; boundl %edx, (%ecx)");
asm(".pushsection .data\ngates_bounds: .long 0, 4\n.popsection");
SNIPPET(call_inner, "pushl $0x2222; pushl $0x1111; lcall $0x30, $0; cld");
SNIPPET(call_user, "pushl $0x2222; pushl $0x1111; lcall $0x3B, $0x12345678; cld");
SNIPPET(call_absent, "lcall $0x43, $0");
SNIPPET(call_to_data, "lcall $0x4B, $0");
SNIPPET(call_conforming, "lcall $0x50, $near_target");
SNIPPET(call_absent_code, "lcall $0x58, $near_target");
SNIPPET(call_kernel, "lcall $0x08, $near_target");
SNIPPET(call_user_code, "lcall $0x1B, $near_target");
SNIPPET(call_null, "lcall $0, $near_target");
SNIPPET(call_beyond_table, "lcall $0xFFF8, $near_target");
SNIPPET(call_level1, "pushl $0x2222; pushl $0x1111; lcall $0x7B, $0");
SNIPPET(jump_user_gate, "ljmp $0x3B, $0");
SNIPPET(jump_conforming, "ljmp $0x50, $1f; 1: movw %cs, gates_seen; pushl gates_seen; pushl $2f; lret; 2:");
SNIPPET(load_kernel_data, "movl $0x10, %ecx; movl %ecx, %ds");
SNIPPET(load_code, "movl $0x08, %ecx; movl %ecx, %es");
SNIPPET(load_conforming, "movl $0x50, %ecx; movl %ecx, %es");
SNIPPET(load_system, "movl $0x28, %ecx; movl %ecx, %es");
SNIPPET(load_absent, "movl $0x8B, %ecx; movl %ecx, %es");
SNIPPET(load_absent_stack, "movl $0x8B, %ecx; movl %ecx, %ss");
SNIPPET(load_null_stack, "xorl %ecx, %ecx; movl %ecx, %ss");
SNIPPET(load_stack_rpl, "movl $0x20, %ecx; movl %ecx, %ss");
SNIPPET(load_code_segment, "movl $0x08, %ecx; .byte 0x8E, 0xC9");
SNIPPET(return_inward, "pushl $0x08; pushl $near_target; lret");
SNIPPET(return_null, "pushl $0; pushl $near_target; lret");
SNIPPET(iret_inward, "pushfl; pushl $0x08; pushl $near_target; iret");
SNIPPET(iret_outer_bad_stack, "pushl $0x10; pushl $0; pushl $2; pushl $0x1B; pushl $user_int; iret");
SNIPPET(user_int, "int $0x30");
// RET to level 3 clears what level 3 may not see: DS and ES; a conforming or user segment stays.
SNIPPET(return_clears, "movl $0x10, %ecx; movl %ecx, %ds; movl $0x23, %ecx; movl %ecx, %es;"
                       "movl $0x50, %ecx; movl %ecx, %fs; movl $0x08, %ecx; movl %ecx, %gs;"
                       "pushl $0x23; pushl $user_stack_top - 64; pushl $0x1B; pushl $user_int; lret");
SNIPPET(user_cli, "cli");
SNIPPET(user_sti, "sti");
SNIPPET(user_hlt, "hlt");
SNIPPET(user_in, "inb $0x80, %al");
SNIPPET(user_cr, "movl %cr0, %eax");
SNIPPET(user_lgdt, "lgdt gates_seen");
SNIPPET(user_sgdt, "sgdt gates_seen");
SNIPPET(user_lmsw, "lmsw %ax");
SNIPPET(user_clts, "clts");
SNIPPET(user_ltr, "ltr %ax");
SNIPPET(user_invlpg, "invlpg (%eax)");
SNIPPET(user_wrmsr, "xorl %ecx, %ecx; wrmsr");
SNIPPET(user_popf, "pushl $0x3202; popfl; pushfl; popl %eax");

namespace {

void attempt(const char* label, Code code, Level level, uint32_t user_flags = flag::always) {
    for (volatile uint32_t& word : gates_seen)
        word = 0;
    const Outcome outcome = watch(code, 0, level, user_flags);
    print_outcome(label, outcome);
}
void both(const char* label, Code code) {
    pc::print("level 0 ");
    attempt(label, code, Level::kernel);
    pc::print("level 3 ");
    attempt(label, code, Level::user);
}
void print_seen(unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
        pc::print(' ');
        pc::print_hex(gates_seen[i], 4);
    }
    pc::print('\n');
}

void set_gate(uint64_t value) {
    gates[0x40] = value;
}

void interrupt_gates() {
    const auto stub = [](uint32_t access, uint16_t selector) {
        return gate(selector, vector_entry(0x40), access);
    };
    struct {
        const char* label;
        uint64_t value;
    } const cases[] = {
        {"interrupt gate, level 0", stub(interrupt_gate32, kernel_code)},
        {"interrupt gate, level 3", stub(interrupt_gate32 | user_level, kernel_code)},
        {"trap gate, level 3", stub(trap_gate32 | user_level, kernel_code)},
        {"absent gate", stub((interrupt_gate32 | user_level) & ~0x80u, kernel_code)},
        {"no gate", 0},
        {"call gate in the table", stub(call_gate32 | user_level, kernel_code)},
        {"null code segment", stub(interrupt_gate32 | user_level, 0)},
        {"data as code", stub(interrupt_gate32 | user_level, kernel_data)},
        {"absent code", stub(interrupt_gate32 | user_level, absent_code)},
        {"beyond the table", stub(interrupt_gate32 | user_level, 0xFFF8)},
        {"in the local table", stub(interrupt_gate32 | user_level, 0x0C)},
    };
    for (const auto& one : cases) {
        set_gate(one.value);
        both(one.label, int_40);
    }
    set_gate(stub(interrupt_gate32, user_code)); // at level 3 it would be entered
    attempt("level 0 outer code", int_40, Level::kernel);
    // What the gate leaves of the flags, and what it pushes.
    set_handler(0x40, [](Frame& frame) {
        uint32_t now;
        asm volatile("pushfl; popl %0" : "=r"(now));
        pc::print("pushed flags ");
        pc::print_hex(frame.eflags, 5);
        pc::print(" now ");
        pc::print_hex(now & (flag::trap | flag::interrupt | flag::nested | flag::v86), 5);
        pc::print(" cs ");
        pc::print_hex(frame.cs, 4);
        pc::print('\n');
        return true;
    });
    pc::out8(0x21, 0xFF);
    pc::out8(0xA1, 0xFF);
    for (const uint32_t type : {uint32_t{interrupt_gate32}, uint32_t{trap_gate32}}) {
        set_gate(stub(type | user_level, kernel_code));
        watch(int_40, 0, Level::user, flag::always | flag::interrupt | flag::nested | flag::iopl);
    }
    set_handler(0x40, nullptr);
    // A table too short.
    const TablePointer small{0x40 * 8 + 6, reinterpret_cast<uint32_t>(gates)};
    const TablePointer whole{sizeof gates - 1, reinterpret_cast<uint32_t>(gates)};
    asm volatile("lidt %0" : : "m"(small));
    const Outcome outcome = watch(int_40);
    asm volatile("lidt %0" : : "m"(whole));
    print_outcome("short table", outcome);
    both("breakpoint", int_3);
    both("into", into_taken);
    both("bound", bound_fails);
    gates[3] &= ~(uint64_t{user_level} << 40);
    gates[4] &= ~(uint64_t{user_level} << 40);
    both("breakpoint, gate of level 0", int_3);
    both("into, gate of level 0", into_taken);
}

void call_gates() {
    both("gate of level 0", call_inner);
    both("gate of level 3", call_user);
    pc::print("seen");
    print_seen(6);
    both("absent gate", call_absent);
    both("gate to data", call_to_data);
    attempt("level 3 jump through a gate", jump_user_gate, Level::user);
    both("gate to level 1", call_level1);
    pc::print("seen");
    print_seen(2);
    both("conforming code", call_conforming);
    both("jump to conforming code", jump_conforming);
    both("absent code", call_absent_code);
    both("kernel code", call_kernel);
    both("user code", call_user_code);
    both("null", call_null);
    both("beyond the table", call_beyond_table);
    // The inner stack's segment; its selector is in the error code.
    for (const uint32_t selector : {uint32_t{user_data}, uint32_t{kernel_data}, 0u,
                                    uint32_t{level1_code | 1u}, uint32_t{main_task | 1u}, 0xFFF9u}) {
        main_tss.ss1 = selector;
        pc::print_hex(selector, 4);
        attempt(" as level 1's stack", call_level1, Level::user);
    }
}

void returns() {
    attempt("return inward", return_inward, Level::user);
    attempt("interrupt return inward", iret_inward, Level::user);
    both("return to null", return_null);
    attempt("outward with a bad stack", iret_outer_bad_stack, Level::kernel);
    const Outcome outcome = watch(return_clears);
    print_outcome("outward", outcome);
    pc::report("ds", outcome.frame.ds & 0xFFFF);
    pc::report("es", outcome.frame.es & 0xFFFF);
    pc::report("fs", outcome.frame.fs & 0xFFFF);
    pc::report("gs", outcome.frame.gs & 0xFFFF);
}

void segments_and_privilege() {
    both("load kernel data", load_kernel_data);
    both("load readable code", load_code);
    both("load conforming code", load_conforming);
    both("load a system descriptor", load_system);
    both("load absent data", load_absent);
    both("load an absent stack", load_absent_stack);
    both("null stack", load_null_stack);
    both("stack with RPL 0", load_stack_rpl);
    both("mov to cs", load_code_segment);
    attempt("cli", user_cli, Level::user);
    attempt("sti", user_sti, Level::user);
    attempt("cli with iopl", user_cli, Level::user, flag::always | flag::iopl);
    attempt("hlt", user_hlt, Level::user);
    attempt("in", user_in, Level::user);
    attempt("in with iopl", user_in, Level::user, flag::always | flag::iopl);
    attempt("mov from cr0", user_cr, Level::user);
    attempt("lgdt", user_lgdt, Level::user);
    attempt("sgdt", user_sgdt, Level::user);
    attempt("lmsw", user_lmsw, Level::user);
    attempt("clts", user_clts, Level::user);
    attempt("ltr", user_ltr, Level::user);
    attempt("invlpg", user_invlpg, Level::user);
    attempt("wrmsr", user_wrmsr, Level::user);
    const Outcome popf = watch(user_popf, 0, Level::user);
    pc::report("popf at level 3 keeps", popf.frame.eax & (flag::iopl | flag::interrupt));
}

// The bitmap of ports: a bit for each, two bytes read for every access, nothing beyond the TSS's limit.
SNIPPET(in_byte, "movl %eax, %edx; inb %dx, %al");
SNIPPET(in_word, "movl %eax, %edx; inw %dx, %ax");
SNIPPET(in_long, "movl %eax, %edx; inl %dx, %eax");
void port_bitmap() {
    main_tss.io_map = __builtin_offsetof(Tss, ports);
    memset(main_tss.ports, 0xFF, sizeof main_tss.ports);
    main_tss.ports[0x80 / 8] = 0xF0; // 0x80-0x83
    main_tss.ports[0x88 / 8] = 0x7F; // 0x8F
    main_tss.ports[0x90 / 8] = 0xFE; // 0x90
    for (const uint32_t port : {0x7Fu, 0x80u, 0x81u, 0x82u, 0x83u, 0x8Eu, 0x8Fu, 0x90u, 0x800u, 0xFFFFu}) {
        pc::print_hex(port, 4);
        pc::print(' ');
        for (const Code code : {in_byte, in_word, in_long}) {
            const Outcome outcome = watch(code, port, Level::user);
            pc::print(!outcome.ended_by_exception                          ? '.'
                      : outcome.frame.vector == vector::general_protection ? 'P'
                                                                           : '?');
        }
        pc::print('\n');
    }
    main_tss.io_map = sizeof main_tss;
}

} // namespace

void run() {
    set_segment(inner_gate, gate(kernel_code, call_target, call_gate32, 2));
    set_segment(user_call_gate, gate(kernel_code, call_target, call_gate32 | user_level, 2));
    set_segment(absent_gate, gate(kernel_code, call_target, (call_gate32 | user_level) & ~0x80u, 2));
    set_segment(gate_to_data, gate(kernel_data, call_target, call_gate32 | user_level, 2));
    set_segment(conforming_code, descriptor(0, 0xF'FFFF, code_access | conforming, page_granular));
    set_segment(absent_code, descriptor(0, 0xF'FFFF, code_access & ~0x80u, page_granular));
    set_segment(level1_code, descriptor(0, 0xF'FFFF, code_access | 0x20, page_granular));
    set_segment(level1_data, descriptor(0, 0xF'FFFF, data_access | 0x20, page_granular));
    set_segment(level1_gate, gate(level1_code | 1, level1_target, call_gate32 | user_level, 2));
    set_segment(absent_data, descriptor(0, 0xF'FFFF, (data_access | user_level) & ~0x80u, page_granular));
    main_tss.ss1 = level1_data | 1;
    main_tss.esp1 = reinterpret_cast<uint32_t>(gates_level1_stack + 64);
    interrupt_gates();
    call_gates();
    returns();
    segments_and_privilege();
    port_bitmap();
}
