// The APICs as firmware leaves them, and what systems of the time do with them: timer, messages to oneself, priority, NMI,
// the clock tick through the I/O APIC, and the global enable bit off while the 8259 stays in use.
#include "tests/machine/guest/interrupts.hpp"
#include "workloads/bare_pc/console.hpp"

extern "C" {
volatile uint32_t apic_count[3], nmi_count;
void apic_entry_0();
void apic_entry_1();
void apic_entry_2();
void nmi_entry();
void spurious_entry();
}
asm(".macro APIC_ENTRY number\n"
    "apic_entry_\\number: incl apic_count + 4 * \\number\n"
    "movl $0, 0xFEE000B0\n" // end of interrupt
    "iretl\n"
    ".endm\n"
    "APIC_ENTRY 0\nAPIC_ENTRY 1\nAPIC_ENTRY 2\n"
    "nmi_entry: incl nmi_count\n"
    "spurious_entry: iretl\n");

namespace {

enum : uint32_t {
    task_priority = 0x80,
    spurious = 0xF0,
    command = 0x300,
    command_destination = 0x310,
    timer = 0x320,
    lint0 = 0x350,
    lint1 = 0x360,
    initial_count = 0x380,
    current_count = 0x390,
    divide = 0x3E0,
    requests_of_0x40 = 0x220
};
constexpr uint32_t vector = 0x40, periodic = 1u << 17, masked = 1u << 16, to_self = 1u << 18, nmi = 4u << 8;

volatile uint32_t& apic(uint32_t offset) {
    return *reinterpret_cast<volatile uint32_t*>(0xFEE0'0000 + offset);
}
void set_io_apic(uint32_t index, uint32_t value) {
    *reinterpret_cast<volatile uint32_t*>(0xFEC0'0000) = index;
    *reinterpret_cast<volatile uint32_t*>(0xFEC0'0010) = value;
}
uint32_t io_apic(uint32_t index) {
    *reinterpret_cast<volatile uint32_t*>(0xFEC0'0000) = index;
    return *reinterpret_cast<volatile uint32_t*>(0xFEC0'0010);
}
uint64_t read_msr(uint32_t number) {
    uint64_t value;
    asm volatile("rdmsr" : "=A"(value) : "c"(number));
    return value;
}
void write_msr(uint32_t number, uint64_t value) {
    asm volatile("wrmsr" : : "A"(value), "c"(number));
}

void set_gates() {
    pc::TablePointer table;
    asm volatile("sidt %0" : "=m"(table));
    static uint64_t gates[256];
    for (unsigned i = 0; i * 8 < table.limit; ++i)
        gates[i] = reinterpret_cast<const uint64_t*>(table.base)[i];
    gates[2] = pc::gate(8, nmi_entry, pc::interrupt_gate32);
    gates[vector] = pc::gate(8, apic_entry_0, pc::interrupt_gate32);
    gates[vector + 1] = pc::gate(8, apic_entry_1, pc::interrupt_gate32);
    gates[vector + 2] = pc::gate(8, apic_entry_2, pc::interrupt_gate32);
    gates[0xFF] = pc::gate(8, spurious_entry, pc::interrupt_gate32);
    const pc::TablePointer own{sizeof gates - 1, reinterpret_cast<uint32_t>(gates)};
    asm volatile("lidt %0" : : "m"(own));
}

void firmware_state() {
    uint32_t features = 1, unused_b, unused_c, edx;
    asm volatile("cpuid" : "+a"(features), "=b"(unused_b), "=c"(unused_c), "=d"(edx));
    pc::report("in the features", edx >> 9 & 1);
    pc::report("base", static_cast<uint32_t>(read_msr(0x1B)));
    pc::report("identifier", apic(0x20));
    pc::report("spurious", apic(spurious));
    pc::report("pin 0", apic(lint0));
    pc::report("pin 1", apic(lint1));
    pc::report("timer", apic(timer));
    pc::report("i/o pins", io_apic(1) >> 16);
    pc::report("i/o entry", io_apic(0x10));
}

void timer_cases() {
    apic(divide) = 0xB; // by 1
    apic(timer) = vector;
    apic(initial_count) = 100'000;
    pc::report("counts", apic(current_count) <= 100'000 && apic(current_count) != 0);
    while (apic_count[0] == 0)
        pc::wait_for_interrupt();
    pc::report("counted down", apic(current_count));
    apic(timer) = vector | periodic;
    apic(initial_count) = 50'000;
    while (apic_count[0] < 20)
        pc::wait_for_interrupt();
    apic(timer) = vector | masked;
    apic(initial_count) = 0;
    pc::report("periods", apic_count[0] >= 20);
}

void message_cases() {
    apic(command) = to_self | (vector + 1);
    pc::interrupts_on();
    asm volatile("nop; nop");
    pc::interrupts_off();
    pc::report("to itself", apic_count[1]);
    apic(task_priority) = 0x50;
    apic(command) = to_self | (vector + 1);
    pc::interrupts_on();
    asm volatile("nop; nop");
    pc::interrupts_off();
    pc::report("held back", apic_count[1]);
    pc::report("requested", apic(requests_of_0x40));
    apic(task_priority) = 0;
    pc::interrupts_on();
    asm volatile("nop; nop");
    pc::interrupts_off();
    pc::report("let through", apic_count[1]);
    apic(command_destination) = 0;
    apic(command) = nmi; // with interrupts off
    asm volatile("nop; nop");
    pc::report("not maskable", nmi_count);
}

void tick_through_the_io_apic() {
    pc::out8(0x43, 0x34);
    pc::out8(0x40, 1193 & 0xFF);
    pc::out8(0x40, 1193 >> 8);
    set_io_apic(0x15, 0);
    set_io_apic(0x14, vector + 2); // pin 2
    while (apic_count[2] < 10)
        pc::wait_for_interrupt();
    set_io_apic(0x14, masked | (vector + 2));
    pc::report("ticks", apic_count[2] >= 10);
}

void without_apic() {
    write_msr(0x1B, read_msr(0x1B) & ~uint64_t{1u << 11});
    pc::unmask(0);
    while (pc::interrupt_count[0] < 5)
        pc::wait_for_interrupt();
    pc::out8(0x21, 0xFF);
    pc::report("ticks without it", pc::interrupt_count[0] >= 5);
    write_msr(0x1B, read_msr(0x1B) | 1u << 11);
    apic(spurious) = 0x1FF;
    apic(command) = to_self | (vector + 1);
    pc::interrupts_on();
    asm volatile("nop; nop");
    pc::interrupts_off();
    pc::report("on again", apic_count[1]);
}

} // namespace

extern "C" void run(uint32_t) {
    pc::start_console();
    pc::set_up_interrupts();
    set_gates();
    firmware_state();
    timer_cases();
    message_cases();
    tick_through_the_io_apic();
    without_apic();
    pc::leave(0x10);
}
