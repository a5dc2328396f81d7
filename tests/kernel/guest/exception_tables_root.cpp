// LIDT at user level: every way to address its operand, hostile operands, tables and stacks that are absent, read-only
// or wrong; whose table it is; and the other instructions that the kernel carries out instead of raising #GP.
//
// A case runs in a thread that the root thread starts and waits for: it reports when it is through, or it is stopped.
#include "tests/kernel/guest/exception_handlers.hpp"

#include <initializer_list>

using namespace kernel_test;

namespace {

constexpr unsigned pager = 1, subject = 2, left = 3, right = 4, newcomer = 5, first_stepping = 10;
constexpr unsigned paged_task = 30;
constexpr uint32_t user_end = l4::user_space_end;
constexpr uint32_t kernel_image = 0xF9000000, data_selector = 0x23;

[[noreturn]] void report() {
    l4::send(l4::root_thread, {});
    for (;;)
        l4::sleep_us(l4::Timeouts::infinite_us);
}

void (*current_case)();
void run_case() {
    current_case();
    report();
}

// True: the case is through. False: its thread has been stopped, or it hangs.
bool through(void (*body)(), l4::ThreadId thread) {
    l4::Message message;
    current_case = body;
    seen.count = 0;
    if (thread.task() == l4::root_task)
        start_thread(thread.lthread(), run_case);
    else
        start_task(thread.task(), run_case, own_thread(pager));
    for (unsigned wait = 0; wait < 20; ++wait) {
        if (l4::receive(thread, message, within_us(20'000)).ok())
            return true;
        if (l4::schedule_thread(thread, 0xFFFFFFFFu).state() == l4::ThreadRunState::dead)
            return false;
    }
    check(false, "a case ends");
    return false;
}
bool through(void (*body)()) {
    return through(body, own_thread(subject));
}

// By the handlers of exception_handlers.cpp.
bool handles_exceptions() {
    seen.count = 0;
    FAULT("ud2", : : "memory");
    return saw(vector_invalid_opcode, 0);
}
void forget_gates() {
    l4::load_gate_table({});
}

// --- Operands

alignas(8) uint8_t operand_bytes[32];
template<class Pointer>
void put(Pointer at, l4::GateTable table) {
    *reinterpret_cast<l4::GateTable*>(at) = table;
}

void test_addressing() {
    uint8_t* const at = operand_bytes + 3;
    put(at, all_gates());
    asm volatile("lidt (%%eax)" : : "a"(at) : "memory");
    check(handles_exceptions(), "LIDT (%eax)");
    forget_gates();
    asm volatile("lidt -0x1000(%%ebx, %%ecx, 8)" : : "b"(at - 0x1000), "c"(0x2000 / 8) : "memory");
    check(handles_exceptions(), "LIDT with base, scaled index and displacement");
    forget_gates();
    put(operand_bytes, all_gates());
    asm volatile("lidt (, %%esi, 4)" : : "S"(reinterpret_cast<uint32_t>(operand_bytes) / 4) : "memory");
    check(handles_exceptions(), "LIDT with an index alone");
    forget_gates();
    asm volatile("pushl %0\n\tpushw $255\n\tlidt (%%esp)\n\taddl $6, %%esp" : : "r"(gates) : "memory", "cc");
    check(handles_exceptions(), "LIDT of the stack");
    forget_gates();
    asm volatile("lidt %%gs:(%%eax)" : : "a"(operand_bytes) : "memory");
    check(handles_exceptions(), "LIDT with a segment prefix");
    forget_gates();
    put(0x8000u, all_gates());
    asm volatile(".byte 0x67, 0x0F, 0x01, 0x1E, 0x00, 0x80" : : : "memory");
    check(handles_exceptions(), "LIDT with a 16-bit address");
    forget_gates();
    put(operand_bytes, {all_gates().limit, all_gates().base | 0x7F000000});
    asm volatile(".byte 0x66\n\tlidt (%%eax)" : : "a"(operand_bytes) : "memory");
    check(handles_exceptions(), "LIDT of a 16-bit operand: the base has 24 bits");
}

void test_hostile_operands() {
    l4::load_gate_table(all_gates());
    for (uint32_t address : {user_end - 5, user_end - 1, user_end, 0xE0000000u, 0xE0000000u + 0x8000,
                             0xF0000000u, kernel_image, 0xFFFFFFE0u, 0xFFFFFFFDu, 0xFFFFFFFFu}) {
        asm volatile("lidt (%%eax)" : : "a"(address) : "memory");
        check(handles_exceptions(), "LIDT outside user space changes nothing");
    }
    asm volatile("lidt 0x7FFFFFFF(%%eax, %%eax, 2)"
                 :
                 : "a"(0x80000000u)
                 : "memory"); // wraps round to FFFFFFFFh
    check(handles_exceptions(), "LIDT of an address that wraps round");
}

// --- Cases that stop their thread

void faults_without_table() {
    forget_gates();
    asm volatile("ud2");
}
void table_in_kernel() {
    l4::load_gate_table({255, kernel_image});
    asm volatile("ud2");
}
void table_at_the_end() {
    l4::load_gate_table({255, user_end - 256});
    asm volatile("ud2");
}
void table_too_short() {
    l4::load_gate_table({vector_invalid_opcode * 8 + 6, all_gates().base});
    asm volatile("ud2");
}
void empty_table() {
    l4::load_gate_table({0, all_gates().base});
    asm volatile("ud2");
}
void gate_absent() {
    gates[vector_invalid_opcode].flags = 0;
    l4::load_gate_table(all_gates());
    asm volatile("ud2");
}
void handler_in_kernel() {
    gates[vector_invalid_opcode] = l4::Gate::to(user_end);
    l4::load_gate_table(all_gates());
    asm volatile("ud2");
}
uint32_t bad_stack;
void stack_outside() {
    l4::load_gate_table(all_gates());
    asm volatile("movl %0, %%esp\n\tud2" : : "r"(bad_stack));
}
void step_with_stack_outside() {
    l4::load_gate_table(all_gates());
    asm volatile("pushl $0x302\n\tpopfl\n\tmovl %0, %%esp\n\tnop" : : "r"(bad_stack));
}

void test_refusals() {
    for (void (*body)() : {faults_without_table, table_in_kernel, table_at_the_end, table_too_short,
                           empty_table, gate_absent, handler_in_kernel}) {
        check(!through(body), "an exception that cannot be delivered stops the thread");
        fill_gates();
    }
    unsigned stepping = first_stepping;
    for (uint32_t esp : {0u, 8u, 11u, user_end + 1, 0xE0000000u, kernel_image, 0xFFFFFFFFu}) {
        bad_stack = esp;
        check(!through(stack_outside), "a stack outside user space stops the thread");
        check(!through(step_with_stack_outside, own_thread(stepping++)),
              "so it does for a trap"); // TF stays set
    }
}

void uses_own_table() {
    check(handles_exceptions(), "a thread that was stopped keeps its table");
}
void loads_table() {
    l4::load_gate_table(all_gates());
}
void test_restart() {
    check(through(loads_table), "the thread runs again");
    bad_stack = 0;
    check(!through(stack_outside), "it is stopped");
    check(through(uses_own_table), "and runs again");
}

// --- Whose table it is

extern "C" uint32_t left_hits, right_hits;
uint32_t left_hits = 0, right_hits = 0;
asm(R"(
left_handler:
    incl left_hits
    addl $2, (%esp)
    iretl
right_handler:
    incl right_hits
    addl $2, (%esp)
    iretl
)");
extern "C" char left_handler[], right_handler[];
l4::Gate left_gates[7], right_gates[7];

void faults_and_switches(l4::Gate* own_gates, const char* handler) {
    own_gates[vector_invalid_opcode] = l4::Gate::to(reinterpret_cast<uint32_t>(handler));
    l4::load_gate_table({7 * sizeof(l4::Gate) - 1, reinterpret_cast<uint32_t>(own_gates)});
    for (unsigned round = 0; round < 10; ++round) {
        l4::thread_switch();
        asm volatile("ud2" : : : "memory");
    }
    report();
}
void left_main() {
    faults_and_switches(left_gates, left_handler);
}
void right_main() {
    faults_and_switches(right_gates, right_handler);
}

void test_owners() {
    start_thread(left, left_main);
    start_thread(right, right_main);
    l4::Message message;
    check(l4::receive(own_thread(left), message, within_us(500'000)).ok() &&
              l4::receive(own_thread(right), message, within_us(500'000)).ok() && left_hits == 10 &&
              right_hits == 10,
          "each thread's exceptions go to its own table");
    const auto just_faults = [] { asm volatile("ud2"); };
    check(!through(just_faults, own_thread(newcomer)), "a new thread has no table");
}

// --- Memory that is absent: a task whose pages come from a pager and are unmapped beforehand

alignas(4096) uint8_t two_pages[2 * 4096];

template<class Pointer>
void unmap(Pointer page, uint32_t how = l4::unmap_own_too | l4::unmap_fully) {
    l4::fpage_unmap(l4::Fpage::make(reinterpret_cast<uint32_t>(page), l4::page_bits), how);
    fault_log.served = 0;
}
bool faulted_once_at(const void* page, uint32_t write) {
    return fault_log.served == 1 &&
           (fault_log.last_w0 & ~0xFFFu) == (reinterpret_cast<uint32_t>(page) & ~0xFFFu) &&
           (fault_log.last_w0 & 2) == write;
}

void table_absent() {
    l4::load_gate_table(all_gates());
    check(handles_exceptions(), "everything is there");
    unmap(gates);
    check(handles_exceptions() && faulted_once_at(gates, 0), "the table is paged in for a fault");
    unmap(gates);
    TRAP("int3", : : "memory");
    check(saw(vector_breakpoint, 0) && faulted_once_at(gates, 0), "for INT 3");
    gates[vector_breakpoint].flags = 0;
    unmap(gates);
    TRAP("int3", : : "memory");
    check(seen.count == 0 && faulted_once_at(gates, 0), "for an INT 3 that has no gate");
    fill_gates();
    unmap(gates);
    TRAP("pushfl\n\torl $0x100, (%%esp)\n\tpopfl\n\tnop", : : "memory", "cc");
    check(saw(vector_debug, 0) && faulted_once_at(gates, 0), "for a single step");
    unmap(gates);
    FAULT("int $0x40", : : "memory");
    check(saw(vector_protection, 0x202) && faulted_once_at(gates, 0), "for INT n");
}

// A gate on a page border, the second page absent.
void gate_across_pages() {
    l4::load_gate_table(all_gates());
    check(handles_exceptions(), "everything is there");
    uint8_t* const table = two_pages + 4096 - 4 - vector_invalid_opcode * sizeof(l4::Gate);
    *reinterpret_cast<l4::Gate*>(two_pages + 4096 - 4) = gates[vector_invalid_opcode];
    l4::load_gate_table({255, reinterpret_cast<uint32_t>(table)});
    unmap(two_pages + 4096);
    check(handles_exceptions() && faulted_once_at(two_pages + 4096, 0), "a gate across two pages");
}

uint32_t own_esp;
#define ON_OTHER_STACK(esp, instructions)                                                                    \
    asm volatile("movl %%esp, %1\n\tmovl $1f, fault_eip\n\tmovl $2f, fix_eip\n\t"                            \
                 "movl %0, %%esp\n\tmovl %0, fault_esp\n\t" instructions "\n2:\tmovl %1, %%esp"              \
                 :                                                                                           \
                 : "r"(esp), "m"(own_esp)                                                                    \
                 : "memory", "cc")

void stack_absent() {
    l4::load_gate_table(all_gates());
    check(handles_exceptions(), "everything is there");
    uint8_t* const stack_end = two_pages + sizeof two_pages;
    ON_OTHER_STACK(stack_end, "1:\tud2");
    check(saw(vector_invalid_opcode, 0), "another stack");
    unmap(two_pages + 4096);
    ON_OTHER_STACK(stack_end, "1:\tud2");
    check(saw(vector_invalid_opcode, 0) && faulted_once_at(two_pages + 4096, 2), "a stack is paged in");
    unmap(two_pages + 4096);
    ON_OTHER_STACK(stack_end, "int3\n1:\tnop");
    check(saw(vector_breakpoint, 0) && faulted_once_at(two_pages + 4096, 2), "for INT 3");
    unmap(two_pages + 4096, l4::unmap_own_too);
    ON_OTHER_STACK(stack_end, "1:\tud2");
    check(saw(vector_invalid_opcode, 0) && faulted_once_at(two_pages + 4096, 2),
          "a read-only stack becomes writable");
    unmap(two_pages);
    ON_OTHER_STACK(two_pages + 4096 + 8, "1:\tud2");
    check(saw(vector_invalid_opcode, 0) && faulted_once_at(two_pages, 2), "a frame across two pages");
    unmap(two_pages);
    unmap(two_pages + 4096);
    ON_OTHER_STACK(two_pages + 4096 + 4, "1:\tint $0x40");
    check(saw(vector_protection, 0x202) && fault_log.served == 2, "both pages of a frame absent");
}

void operand_absent() {
    uint8_t* const at = two_pages + 4096 - 3;
    put(at, all_gates());
    for (unsigned page : {0u, 1u}) {
        forget_gates();
        unmap(two_pages + 4096 * page);
        asm volatile("lidt (%%eax)" : : "a"(at) : "memory");
        check(faulted_once_at(two_pages + 4096 * page, 0), "an operand across two pages");
        check(handles_exceptions(), "LIDT is repeated");
    }
    uint8_t* const code = two_pages + 4096 - 2; // 0F 01 | 18, RET
    code[0] = 0x0F;
    code[1] = 0x01;
    code[2] = 0x18;
    code[3] = 0xC3;
    put(operand_bytes, all_gates());
    forget_gates();
    unmap(two_pages + 4096);
    asm volatile("call *%%ebx" : : "b"(code), "a"(operand_bytes) : "memory");
    check(handles_exceptions(), "LIDT across two pages");
}

void test_absent_memory() {
    start_thread(pager, serve_program_faults);
    unsigned version = 0;
    for (void (*body)() : {table_absent, gate_across_pages, stack_absent, operand_absent})
        check(through(body, l4::ThreadId::make(paged_task, 0, ++version, l4::root_task)),
              "a case with absent pages");
}

// --- What else the kernel carries out

uint32_t segment_fs() {
    uint32_t value;
    asm volatile("movl %%fs, %0" : "=r"(value));
    return value & 0xFFFF;
}

void test_carried_out() {
    forget_gates(); // a #GP would stop this thread
    uint32_t version = 0;
    asm volatile("hlt" : "+a"(version));
    check(version == 0xB1400003u, "HLT tells the kernel's version");
    asm volatile("wbinvd" : : : "memory");
    asm volatile("movl %0, %%fs" : : "r"(0x7777));
    check(segment_fs() == data_selector, "MOV of a bad selector loads the flat segment");
    uint32_t before, after;
    asm volatile("movl %%esp, %0\n\tpushl $0x10\n\tpopl %%ds\n\tpushl $0x666\n\tpopl %%es\n\tpushl $0x28\n\t"
                 "popl %%gs\n\tpushw $0x77\n\tpopw %%fs\n\tmovl %%esp, %1"
                 : "=&r"(before), "=&r"(after)
                 :
                 : "memory");
    check(before == after, "POP of a bad selector");
    uint16_t selector = 0x1234;
    asm volatile("movw %0, %%ss" : : "m"(selector));
    uint32_t value = 0; // a null FS is mended where it is used, if the processor minds
    asm volatile("movl %0, %%fs\n\tmovl %0, %%gs\n\tmovl %%fs:(%1), %0"
                 : "+r"(value)
                 : "r"(&version)
                 : "memory");
    check(value == version, "an access by way of a null FS");
}

} // namespace

extern "C" void test_main(uint32_t) {
    fill_gates();
    test_addressing();
    test_hostile_operands();
    test_refusals();
    test_restart();
    test_owners();
    test_absent_memory();
    test_carried_out();
    finish();
}
