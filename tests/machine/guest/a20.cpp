// The A20 gate: with it closed, addresses in odd megabytes reach the even ones below. Switched through port
// 0x92 and through the 8042's output port, with and without paging. What is used while it is closed
// stands below 1 MB, for the program itself is at an address with bit 20.
#include "workloads/bare_pc/console.hpp"

#include <cstddef>

extern "C" {
// Between gate_routine and gate_routine_end: closes the gate (BL: 0 through port 0x92, else through the 8042),
// reads and writes beyond 1 MB, opens the gate. EDX is written to 0x100604; EAX returns what 0x100600 reads.
extern const char gate_routine[], gate_routine_end[];
}

asm(R"(
    .text
gate_routine:
    testb %bl, %bl
    jnz 1f
    inb $0x92, %al
    andb $0xFC, %al
    outb %al, $0x92
    jmp 2f
1:  movb $0xD1, %al
    outb %al, $0x64
    movb $0xDD, %al
    outb %al, $0x60
2:  movl 0x100600, %ecx
    movl %edx, 0x100604
    testb %bl, %bl
    jnz 3f
    inb $0x92, %al
    andb $0xFE, %al
    orb $2, %al
    outb %al, $0x92
    jmp 4f
3:  movb $0xD1, %al
    outb %al, $0x64
    movb $0xDF, %al
    outb %al, $0x60
4:  movl %ecx, %eax
    ret
gate_routine_end:
)");

namespace {

constexpr uint32_t low_routine = 0x7000, directory = 0x8000, marks = 0x600, alias = 0x10'0000;

volatile uint32_t& word(uint32_t address) {
    return *reinterpret_cast<volatile uint32_t*>(address);
}

uint32_t through_closed_gate(bool controller, uint32_t written) {
    uint32_t result = 0;
    asm volatile("call *%[routine]"
                 : "=a"(result), "+d"(written)
                 : [routine] "S"(low_routine), "b"(controller ? 1 : 0)
                 : "ecx", "memory", "cc");
    return result;
}

void report_alias(const char* name, bool controller, uint32_t mark) {
    const uint32_t before = word(alias + marks + 4), low_before = word(marks);
    word(marks) = mark;
    pc::report(name, through_closed_gate(controller, ~mark));
    pc::report("  written below", word(marks + 4) == ~mark);
    pc::report("  unchanged above", word(alias + marks + 4) == before);
    word(marks) = low_before;
}

} // namespace

extern "C" void run(const void*) {
    pc::start_console();
    for (size_t i = 0; i < static_cast<size_t>(gate_routine_end - gate_routine); ++i)
        reinterpret_cast<volatile char*>(low_routine)[i] = gate_routine[i];
    report_alias("port 92", false, 0x1234'5678);
    report_alias("8042", true, 0x8765'4321);
    word(marks) = ~word(alias + marks);
    pc::report("gate open", word(marks) != word(alias + marks));

    for (uint32_t i = 0; i < 1024; ++i)
        word(directory + i * 4) = i << 22 | 0x83; // 4 MB pages, everything where it is
    asm volatile("movl %%cr4, %%eax\n\torl $0x10, %%eax\n\tmovl %%eax, %%cr4\n\t"
                 "movl %0, %%cr3\n\tmovl %%cr0, %%eax\n\torl $0x80000000, %%eax\n\tmovl %%eax, %%cr0"
                 :
                 : "r"(directory)
                 : "eax", "memory");
    report_alias("port 92, paging", false, 0x0BAD'F00D);
    report_alias("8042, paging", true, 0x600D'CAFE);
    pc::leave(0x20);
}
