// Page faults where the processor itself reads and writes: descriptor tables, the TSS's stacks and bitmap, a task
// to switch to, the stack of level 0. Such accesses are made as by level 0 (SDM vol. 3, 4.6.1). And double
// faults, which a task of its own survives: its TSS brings a stack, the old task's TSS tells where it was (6.15).
//
// Left out, since QEMU 7.2 differs from the manual: RF in the saved flags (clear); the write bit of the error
// code (it tries pages in another order).
#include "tests/guest/runtime/capture.hpp"
#include "tests/guest/runtime/paging.hpp"

using namespace guest;

// The first 32 descriptors are in a good page, all others in the target page.
enum : uint16_t {
    double_fault_task = first_free,
    other_task = first_free + 0x08,
    crossing_task = first_free + 0x10,
    level1_gate = first_free + 0x18,
    level1_code = first_free + 0x20,
    level1_data = first_free + 0x28,
};

extern "C" {
alignas(4096) uint8_t table_faults_good[4096], table_faults_target[4096];
alignas(128) Tss table_faults_tss;
uint32_t table_faults_stack[64];
volatile uint32_t table_faults_seen[5];
void table_faults_double();
extern char entry_stack_top[];
}

// The double fault's task notes what it finds and sends the old task to the end of the watched call.
asm(R"(
    .pushsection .text
table_faults_double:
    popl table_faults_seen
    movl %cr2, %eax
    movl %eax, table_faults_seen + 4
    movl main_tss + 0x20, %eax      # EIP
    movl %eax, table_faults_seen + 8
    movl main_tss + 0x4C, %eax      # CS
    movl %eax, table_faults_seen + 12
    str %ax
    movzwl %ax, %eax
    movl %eax, table_faults_seen + 16
    movl $end_watched_call, main_tss + 0x20
    movl $2, main_tss + 0x24        # EFLAGS
    movl $entry_stack_top, main_tss + 0x38
    movl $0x08, main_tss + 0x4C
    movl $0x10, %eax
    movl %eax, main_tss + 0x48      # ES
    movl %eax, main_tss + 0x50      # SS
    movl %eax, main_tss + 0x54      # DS
    iret
    jmp table_faults_double
    .popsection
)");

SNIPPET(load_far, "movl $0x0103, %ecx; movl %ecx, %fs");
SNIPPET(read_rights, "movl $0x0103, %ecx; lar %ecx, %edx");
SNIPPET(verify, "movl $0x0103, %ecx; verr %cx");
SNIPPET(call_far, "lcall $0x0103, $0");
SNIPPET(load_local, "movl $0x0100, %ecx; lldt %cx");
SNIPPET(load_task, "movl $0x0100, %ecx; ltr %cx");
SNIPPET(return_far, "pushl $0x0103; pushl $0; lret");
SNIPPET(call_level1, "lcall $0x4B, $0");
SNIPPET(level1_target, "lret");
SNIPPET(input, "inb $0x80, %al");
SNIPPET(call_task, "lcall $0x38, $0");
SNIPPET(call_crossing_task, "lcall $0x40, $0");
SNIPPET(interrupt, "nop; int $0x30");
SNIPPET(undefined, "nop; nop; ud2");
SNIPPET(bad_selector, "movl $0xFFF8, %ecx; movl %ecx, %fs");

namespace {

using paging::map;

constexpr unsigned good_page = 4, target_page = 5; // of the window
constexpr uint32_t target = paging::window + target_page * paging::page_bytes;
constexpr uint32_t write_bit = 2, busy_bit = 1u << 9;

void load_segments(uint32_t base, uint32_t bytes) {
    const TablePointer table{static_cast<uint16_t>(bytes - 1), base};
    asm volatile("lgdt %0" : : "m"(table) : "memory");
}

// `known`: which bits of the address are certain. Any byte of a descriptor will do.
void report_fault(const char* label, Code code, Level level, uint32_t known = ~7u) {
    const Outcome outcome = watch(code, 0, level);
    pc::print(label);
    pc::print(level == Level::user ? ", level 3: " : ", level 0: ");
    if (!outcome.ended_by_exception) {
        pc::print("done\n");
        return;
    }
    if (outcome.frame.vector == vector::page_fault) {
        pc::print("page fault ");
        pc::print_hex(outcome.frame.error & ~write_bit, 1);
        pc::print(" in the target page ");
        pc::print_hex((outcome.cr2 & known) - target, 3);
    } else {
        print_exception(outcome.frame);
    }
    pc::print(" at +");
    pc::print_hex(outcome.frame.eip - reinterpret_cast<uint32_t>(code), 2);
    pc::print('\n');
}
void both(const char* label, Code code) {
    report_fault(label, code, Level::kernel);
    report_fault(label, code, Level::user);
}

// Absent, then of level 0 only: that does for the processor's own accesses.
void descriptors() {
    constexpr uint32_t more = 64;
    memcpy(table_faults_good + paging::page_bytes - sizeof segments, segments, sizeof segments);
    const uint64_t data = descriptor(0, 0xF'FFFF, data_access | user_level, page_granular);
    memcpy(table_faults_target, &data, sizeof data);
    load_segments(target - sizeof segments, sizeof segments + more);
    for (const uint32_t rights : {0u, uint32_t{paging::present | paging::writable}}) {
        map(target_page, paging::address(table_faults_target) | rights);
        pc::print(rights == 0 ? "descriptor absent\n" : "descriptor of level 0\n");
        both("load", load_far);
        both("lar", read_rights);
        both("verr", verify);
        both("call", call_far);
        both("return", return_far);
        report_fault("lldt", load_local, Level::kernel);
        report_fault("ltr", load_task, Level::kernel);
    }
    load_segments(reinterpret_cast<uint32_t>(segments), sizeof segments);
}

void use_task(uint16_t selector, uint32_t base, uint32_t limit) {
    set_segment(selector, descriptor(base, limit, tss_available, byte_granular16));
    asm volatile("ltr %w0" : : "r"(uint32_t{selector}) : "memory");
}

// The TSS lies over the end of the good page; what is behind `split` is in the target page.
void task_fields(const char* label, Code code, uint32_t split) {
    const uint32_t base = target - split;
    map(target_page, paging::address(table_faults_target) | paging::all_rights);
    memcpy(reinterpret_cast<uint8_t*>(base), &main_tss, 0x68 + 32);
    use_task(crossing_task, base, 0x68 + 31);
    map(target_page, 0);
    report_fault(label, code, Level::user);
    map(target_page, paging::address(table_faults_target) | paging::present);
    report_fault(label, code, Level::user);
    use_task(main_task, reinterpret_cast<uint32_t>(&main_tss), sizeof main_tss - 1);
}

void task_state() {
    main_tss.io_map = 0x68;
    memset(main_tss.ports, 0, 32);
    task_fields("stack of level 1", call_level1, 0x0C);
    task_fields("bitmap's place", input, 0x64);
    task_fields("bitmap", input, 0x68 + 0x10);
    main_tss.io_map = sizeof main_tss;
}

void new_task() {
    for (const uint32_t split : {0u, 0x20u, 0x60u}) {
        set_segment(other_task, descriptor(target - split, 0x67, tss_available, byte_granular16));
        map(target_page, 0);
        report_fault("new task absent", call_task, Level::kernel, ~(paging::page_bytes - 1));
        uint16_t task;
        asm volatile("str %0" : "=r"(task));
        pc::print("task ");
        pc::print_hex(task, 4);
        pc::print((segments[other_task >> 3] >> 32 & busy_bit) != 0 ? " busy\n" : " free\n");
    }
}

void double_fault(const char* label, Code code, Level level) {
    for (volatile uint32_t& word : table_faults_seen)
        word = 0xEEEEEEEE;
    asm volatile("xorl %%eax, %%eax\n\tmovl %%eax, %%cr2" : : : "eax");
    print_outcome(label, watch(code, 0, level));
    asm volatile("clts");
    pc::print(" error ");
    pc::print_hex(table_faults_seen[0], 4);
    pc::print(" cr2 ");
    pc::print_hex(table_faults_seen[1] == 0 ? 0 : table_faults_seen[1] - target, 4);
    pc::print(" at +");
    pc::print_hex(table_faults_seen[2] - reinterpret_cast<uint32_t>(code), 2);
    pc::print(" cs ");
    pc::print_hex(table_faults_seen[3] & 0xFFFF, 4);
    pc::print(" in task ");
    pc::print_hex(table_faults_seen[4], 4);
    uint16_t task;
    asm volatile("str %0" : "=r"(task));
    pc::print(" then ");
    pc::print_hex(task, 4);
    pc::print('\n');
}

void double_faults() {
    Tss& tss = table_faults_tss;
    tss.cr3 = main_tss.cr3 = paging::address(paging::directory);
    tss.eip = reinterpret_cast<uint32_t>(table_faults_double);
    tss.eflags = flag::always;
    tss.esp = reinterpret_cast<uint32_t>(table_faults_stack + 64);
    tss.cs = kernel_code;
    tss.ss = tss.ds = tss.es = kernel_data;
    set_segment(double_fault_task,
                descriptor(reinterpret_cast<uint32_t>(&tss), 0x67, tss_available, byte_granular16));
    gates[vector::double_fault] = gate(double_fault_task, 0u, task_gate);
    // The stack of level 0: absent, read-only, and in part.
    const uint32_t good_stack = main_tss.esp0;
    paging::set_cr0(paging::cr0() | paging::cr0_wp);
    map(good_page, paging::address(table_faults_good) | paging::all_rights);
    for (const uint32_t rights : {0u, uint32_t{paging::present}}) {
        map(target_page, rights == 0 ? 0 : paging::address(table_faults_target) | rights);
        main_tss.esp0 = target + 0x800;
        double_fault("interrupt without a stack", interrupt, Level::user);
        double_fault("exception without a stack", undefined, Level::user);
    }
    main_tss.esp0 = good_stack;
    // A gate that cannot be passed.
    const uint64_t before = gates[vector::general_protection];
    gates[vector::general_protection] = 0;
    double_fault("protection fault without a gate", bad_selector, Level::kernel);
    double_fault("protection fault without a gate", bad_selector, Level::user);
    gates[vector::general_protection] = before & ~(uint64_t{0x80} << 40);
    double_fault("protection fault with an absent gate", bad_selector, Level::user);
    gates[vector::double_fault] = gate(kernel_code, vector_entry(vector::double_fault), interrupt_gate32);
    print_outcome("the same without a task", watch(bad_selector, 0, Level::user));
    gates[vector::general_protection] = before;
}

} // namespace

void run() {
    paging::switch_on();
    map(good_page, paging::address(table_faults_good) | paging::all_rights);
    set_segment(level1_gate, gate(level1_code | 1, level1_target, call_gate32 | user_level));
    set_segment(level1_code, descriptor(0, 0xF'FFFF, code_access | 0x20, page_granular));
    set_segment(level1_data, descriptor(0, 0xF'FFFF, data_access | 0x20, page_granular));
    main_tss.ss1 = level1_data | 1;
    main_tss.esp1 = reinterpret_cast<uint32_t>(table_faults_stack + 64);
    descriptors();
    task_state();
    new_task();
    double_faults();
}
