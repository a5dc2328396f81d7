// Hardware task switches by every route (SDM vol. 3, chapter 7): JMP and CALL to a TSS and through a task
// gate, an interrupt and an exception through a task gate, IRET with NT set; what is saved, which bits of
// busy, NT, TS and link change, and a switch that is refused before or after the new task is entered.
//
// Left out, since QEMU 7.2 differs from the manual: the T bit (ignored), RF in the saved flags of a fault
// (clear), LTR of a null selector (accepted), the place of a fault in the new task (its first instruction,
// says the manual); faults before the new stack is loaded.
#include "tests/guest/runtime/capture.hpp"

using namespace guest;

enum : uint16_t {
    other_task = first_free,
    other_gate = first_free + 0x08,
    short_task = first_free + 0x10,
    absent_task = first_free + 0x18,
    user_task_gate = first_free + 0x20,
    local_table = first_free + 0x28,
    absent_gate = first_free + 0x30,
    absent_data = first_free + 0x38,
};

extern "C" {
Tss other_tss;
uint32_t other_stack[256];
volatile uint32_t task_seen[12];
void other_entry();
}

// The other task: notes what it finds and goes back the way it was told to (EDI: 0 IRET, 1 JMP, 2 nothing),
// again and again.
asm(R"(
    .pushsection .text
other_entry:
    movl %eax, task_seen
    str %ax
    movzwl %ax, %eax
    movl %eax, task_seen + 4
    pushfl
    popl task_seen + 8
    movl %cr0, %eax
    movl %eax, task_seen + 12
    movzwl other_tss, %eax
    movl %eax, task_seen + 16
    movl segments + 0x28 + 4, %eax
    movl %eax, task_seen + 20
    movl segments + 0x30 + 4, %eax
    movl %eax, task_seen + 24
    movl %esp, task_seen + 28
    movw %ds, task_seen + 32
    sldt task_seen + 36
    clts
    movl $0x1111, %eax
    cmpl $1, %edi
    je 1f
    iret
    jmp other_entry
1:  ljmp $0x28, $0
    jmp other_entry
    .popsection
)");

SNIPPET(call_task, "movl $0x12345678, %ebx; stc; lcall $0x30, $0; nop");
SNIPPET(jump_task, "movl $0x12345678, %ebx; ljmp $0x30, $0; nop");
SNIPPET(call_gate_task, "lcall $0x38, $0; nop");
SNIPPET(jump_gate_task, "ljmp $0x38, $0; nop");
SNIPPET(call_user_gate, "lcall $0x53, $0; nop");
SNIPPET(interrupt_task, "int $0x42; nop");
SNIPPET(divide_task, "xorl %ecx, %ecx; divl %ecx; nop");
SNIPPET(protection_task, "movl $0x0FF8, %ecx; movl %ecx, %fs; nop");
SNIPPET(jump_self, "ljmp $0x28, $0");
SNIPPET(call_short, "lcall $0x40, $0");
SNIPPET(call_absent, "lcall $0x48, $0");
SNIPPET(call_absent_gate, "lcall $0x60, $0");
SNIPPET(load_busy, "movl $0x28, %eax; ltr %ax");
SNIPPET(load_code, "movl $0x08, %eax; ltr %ax");
SNIPPET(load_absent, "movl $0x48, %eax; ltr %ax");
SNIPPET(return_no_link, "movw $0, main_tss; pushfl; orl $0x4000, (%esp); popfl; iret");

namespace {

constexpr uint32_t busy_bit = 1 << 9, cr0_ts = 8; // of a descriptor's high doubleword

void prepare(void (*entry)() = other_entry, uint32_t way_back = 0) {
    other_tss = {};
    other_tss.eip = reinterpret_cast<uint32_t>(entry);
    other_tss.eflags = flag::always;
    other_tss.esp = reinterpret_cast<uint32_t>(other_stack + 256);
    other_tss.eax = 0xAAAA;
    other_tss.edi = way_back;
    other_tss.cs = kernel_code;
    other_tss.ss = other_tss.ds = other_tss.es = other_tss.fs = other_tss.gs = kernel_data;
    other_tss.ss0 = kernel_data;
    other_tss.esp0 = other_tss.esp - 512;
    other_tss.io_map = sizeof other_tss;
    set_segment(other_task,
                descriptor(reinterpret_cast<uint32_t>(&other_tss), sizeof other_tss - 1, tss_available, 0));
    main_tss.link = 0;
    for (volatile uint32_t& word : task_seen)
        word = 0;
}

uint32_t busy(uint16_t selector) {
    return static_cast<uint32_t>(segments[selector >> 3] >> 32) & busy_bit;
}

void print_seen() {
    pc::print(" eax ");
    pc::print_hex(task_seen[0], 4);
    pc::print(" tr ");
    pc::print_hex(task_seen[1], 2);
    pc::print(task_seen[2] & flag::nested ? " nested" : " plain");
    pc::print(task_seen[3] & cr0_ts ? " ts" : " no-ts");
    pc::print(" link ");
    pc::print_hex(task_seen[4], 2);
    pc::print(task_seen[5] & busy_bit ? " old busy" : " old free");
    pc::print(task_seen[6] & busy_bit ? " new busy" : " new free");
    pc::print(" stack ");
    pc::print_hex(reinterpret_cast<uint32_t>(other_stack + 256) - task_seen[7], 2);
    pc::print(" ds ");
    pc::print_hex(task_seen[8], 2);
    pc::print(" ldt ");
    pc::print_hex(task_seen[9] & 0xFFFF, 2);
    pc::print('\n');
}

void attempt(const char* label, Code code, Level level = Level::kernel) {
    const Outcome outcome = watch(code, 0, level);
    asm volatile("clts");
    print_outcome(label, outcome);
    if (task_seen[1] != 0)
        print_seen();
    uint16_t task;
    asm volatile("str %0" : "=r"(task));
    pc::print(" afterwards tr ");
    pc::print_hex(task, 2);
    pc::print(busy(main_task) != 0 ? " busy" : " free");
    pc::print(busy(other_task) != 0 ? ", other busy" : ", other free");
    if (task_seen[1] != 0) {
        pc::print(", saved eip +");
        pc::print_hex(main_tss.eip - reinterpret_cast<uint32_t>(code), 2);
        pc::print(" flags ");
        pc::print_hex(main_tss.eflags & (flag::nested | flag::resume), 5);
        pc::print(" cs ");
        pc::print_hex(main_tss.cs & 0xFFFF, 2);
        pc::print(", other's eip +");
        pc::print_hex(other_tss.eip - reinterpret_cast<uint32_t>(other_entry), 2);
        pc::print(" eax ");
        pc::print_hex(other_tss.eax, 4);
    }
    pc::print('\n');
}

void routes() {
    prepare();
    attempt("call", call_task);
    attempt("call again", call_task);
    prepare(other_entry, 1);
    attempt("jump", jump_task);
    prepare();
    attempt("call through a gate", call_gate_task);
    prepare(other_entry, 1);
    attempt("jump through a gate", jump_gate_task);
    prepare();
    attempt("call from level 3", call_user_gate, Level::user);
    prepare();
    attempt("gate of level 0 from level 3", call_gate_task, Level::user);
    prepare();
    attempt("tss of level 0 from level 3", call_task, Level::user);
    prepare();
    gates[0x42] = gate(other_task, 0u, task_gate | user_level);
    attempt("interrupt", interrupt_task);
    prepare();
    attempt("interrupt from level 3", interrupt_task, Level::user);
    prepare();
    other_tss.ldt = local_table;
    other_tss.ds = 4; // of the new local table
    attempt("with a local table", call_task);
}

// An exception's frame is the old task's TSS: the handler mends ECX there and the instruction is repeated.
extern "C" {
void mend_and_return();
void mend_error_and_return();
}
asm(R"(
    .pushsection .text
mend_error_and_return:
    popl task_seen + 40
mend_and_return:
    movl main_tss + 0x20, %eax      # EIP
    movl %eax, task_seen
    str task_seen + 4
    movl $1, main_tss + 0x2C        # ECX: a divisor, and a null selector
    iret
    .popsection
)");
void exception(const char* label, uint32_t number, Code code, void (*handler)()) {
    prepare(handler);
    const uint64_t before = gates[number];
    gates[number] = gate(other_task, 0u, task_gate);
    print_outcome(label, watch(code));
    gates[number] = before;
    asm volatile("clts");
    pc::report("at", task_seen[0] - reinterpret_cast<uint32_t>(code));
    pc::report("in task", task_seen[1] & 0xFFFF);
    pc::report("error", task_seen[10]);
    pc::report("nested", main_tss.eflags & flag::nested);
}

// The new task's data segments are loaded last: what is wrong there is the new task's fault.
void bad_new_task() {
    for (const uint32_t selector :
         {uint32_t{absent_data}, uint32_t{main_task}, 0xFFF8u, uint32_t{user_data}}) {
        prepare();
        other_tss.es = selector;
        const Outcome outcome = watch(call_task);
        uint16_t task;
        asm volatile("clts\n\tstr %0" : "=r"(task));
        pc::print("es ");
        pc::print_hex(selector, 4);
        pc::print(": ");
        if (outcome.ended_by_exception)
            print_exception(outcome.frame);
        else
            pc::print("done");
        pc::print(" in task ");
        pc::print_hex(task, 2);
        pc::print('\n');
        segments[main_task >> 3] &= ~(uint64_t{busy_bit} << 32);
        asm volatile("pushfl\n\tandl $~0x4000, (%%esp)\n\tpopfl\n\tltr %w0" : : "r"(uint32_t{main_task}));
    }
}

void refusals() {
    prepare();
    attempt("busy", jump_self);
    attempt("short", call_short);
    attempt("absent", call_absent);
    attempt("absent gate", call_absent_gate);
    attempt("ltr busy", load_busy);
    attempt("ltr code", load_code);
    attempt("ltr absent", load_absent);
    attempt("iret without link", return_no_link);
}

} // namespace

void run() {
    static uint64_t local[2];
    local[0] = descriptor(0, 0xF'FFFF, data_access, page_granular);
    set_segment(other_gate, gate(other_task, 0u, task_gate));
    set_segment(user_task_gate, gate(other_task, 0u, task_gate | user_level));
    set_segment(absent_gate, gate(other_task, 0u, task_gate & ~0x80u));
    set_segment(short_task, descriptor(reinterpret_cast<uint32_t>(&other_tss), 0x66, tss_available, 0));
    set_segment(absent_task,
                descriptor(reinterpret_cast<uint32_t>(&other_tss), 0x67, tss_available & ~0x80u, 0));
    set_segment(local_table, descriptor(reinterpret_cast<uint32_t>(local), sizeof local - 1, ldt_access, 0));
    set_segment(absent_data, descriptor(0, 0xF'FFFF, data_access & ~0x80u, page_granular));
    routes();
    exception("divide error", vector::divide_error, divide_task, mend_and_return);
    exception("bad selector", vector::general_protection, protection_task, mend_error_and_return);
    bad_new_task();
    refusals();
}
