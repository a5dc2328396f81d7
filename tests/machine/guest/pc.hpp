// The bare PC for the guest programs that compare the modelled machine with QEMU's: ports, console,
// interrupts.
#pragma once

#include <cstdint>

namespace pc {

inline void out8(uint16_t port, uint8_t value) {
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}
inline void out16(uint16_t port, uint16_t value) {
    asm volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}
inline void out32(uint16_t port, uint32_t value) {
    asm volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}
inline uint8_t in8(uint16_t port) {
    uint8_t value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline uint16_t in16(uint16_t port) {
    uint16_t value;
    asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline uint32_t in32(uint16_t port) {
    uint32_t value;
    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

inline void start_console() {
    out8(0x3FB, 0x80); // 115,200 baud, 8N1
    out8(0x3F8, 1);
    out8(0x3F9, 0);
    out8(0x3FB, 0x03);
    out8(0x3FA, 0x07);
    out8(0x3FC, 0x0B);
}
inline void print(char c) {
    while (!(in8(0x3FD) & 0x20)) {
    }
    out8(0x3F8, static_cast<uint8_t>(c));
}
inline void print(const char* text) {
    while (*text != 0)
        print(*text++);
}
inline void print_hex(uint32_t value, unsigned digits = 8) {
    while (digits-- != 0)
        print("0123456789abcdef"[value >> 4 * digits & 15]);
}
inline void print_decimal(uint32_t value) {
    if (value >= 10)
        print_decimal(value / 10);
    print(static_cast<char>('0' + value % 10));
}
// "name value\n"
inline void report(const char* name, uint32_t value) {
    print(name);
    print(' ');
    print_hex(value);
    print('\n');
}
// isa-debug-exit; does not return.
[[noreturn]] inline void leave(uint32_t value) {
    while (!(in8(0x3FD) & 0x40)) { // the last character is out
    }
    out32(0xF4, value);
    for (;;)
        asm volatile("cli; hlt");
}

inline void interrupts_on() {
    asm volatile("sti" : : : "memory");
}
inline void interrupts_off() {
    asm volatile("cli" : : : "memory");
}
inline void wait_for_interrupt() {
    asm volatile("sti; hlt; cli" : : : "memory");
}

extern "C" {
extern volatile uint32_t interrupt_count[16];
extern volatile uint32_t coprocessor_status; // x87 status word as interrupt 13 found it
void interrupt_entry_0();
void interrupt_entry_4();
void interrupt_entry_8();
void interrupt_entry_13();
void interrupt_entry_14();
}

struct [[gnu::packed]] TablePointer {
    uint16_t limit;
    uint32_t base;
};

// Flat segments, vectors 0x20-0x2F for the two 8259, all lines masked.
inline void set_up_interrupts() {
    static const uint64_t segments[3] = {0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF};
    static const TablePointer segment_table{sizeof segments - 1, reinterpret_cast<uint32_t>(segments)};
    asm volatile("lgdt %0\n\tljmp $8, $1f\n1:\tmovw $16, %%ax\n\tmovw %%ax, %%ds\n\tmovw %%ax, %%es\n\t"
                 "movw %%ax, %%ss\n\tmovw %%ax, %%fs\n\tmovw %%ax, %%gs"
                 :
                 : "m"(segment_table)
                 : "eax", "memory");
    static uint64_t gates[0x30];
    const auto set = [](unsigned irq, void (*entry)()) {
        const auto address = reinterpret_cast<uint32_t>(entry);
        gates[0x20 + irq] =
            (address & 0xFFFF) | 8u << 16 | uint64_t{0x8E00} << 32 | uint64_t{address >> 16} << 48;
    };
    set(0, interrupt_entry_0);
    set(4, interrupt_entry_4);
    set(8, interrupt_entry_8);
    set(13, interrupt_entry_13);
    set(14, interrupt_entry_14);
    static const TablePointer gate_table{sizeof gates - 1, reinterpret_cast<uint32_t>(gates)};
    asm volatile("lidt %0" : : "m"(gate_table));
    constexpr uint16_t controllers[] = {0x20, 0xA0};
    for (const uint16_t port : controllers) {
        out8(port, 0x11);
        out8(port + 1, port == 0x20 ? 0x20 : 0x28);
        out8(port + 1, port == 0x20 ? 4 : 2);
        out8(port + 1, 1);
        out8(port + 1, 0xFF);
    }
}
inline void unmask(unsigned irq) {
    if (irq >= 8) {
        out8(0xA1, static_cast<uint8_t>(in8(0xA1) & ~(1u << (irq - 8))));
        irq = 2;
    }
    out8(0x21, static_cast<uint8_t>(in8(0x21) & ~(1u << irq)));
}

inline uint32_t pci_read(uint32_t function, uint32_t field) {
    out32(0xCF8, 0x80000000u | function << 8 | field);
    return in32(0xCFC);
}
inline void pci_write(uint32_t function, uint32_t field, uint32_t value) {
    out32(0xCF8, 0x80000000u | function << 8 | field);
    out32(0xCFC, value);
}

} // namespace pc
