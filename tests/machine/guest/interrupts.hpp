// Interrupts for the guest programs that compare the modelled machine with QEMU's: each line is counted by an
// entry in interrupts.S.
#pragma once

#include "workloads/bare_pc/descriptors.hpp"
#include "workloads/bare_pc/ports.hpp"

namespace pc {

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
void interrupt_entry_1();
void interrupt_entry_4();
void interrupt_entry_8();
void interrupt_entry_13();
void interrupt_entry_14();
}

// Flat segments, vectors 0x20-0x2F for the two 8259, all lines masked.
inline void set_up_interrupts() {
    static constexpr uint64_t segments[3] = {0, descriptor(0, 0xF'FFFF, code_access, page_granular),
                                             descriptor(0, 0xF'FFFF, data_access, page_granular)};
    static const TablePointer segment_table{sizeof segments - 1, reinterpret_cast<uint32_t>(segments)};
    asm volatile("lgdt %0\n\tljmp $8, $1f\n1:\tmovw $16, %%ax\n\tmovw %%ax, %%ds\n\tmovw %%ax, %%es\n\t"
                 "movw %%ax, %%ss\n\tmovw %%ax, %%fs\n\tmovw %%ax, %%gs"
                 :
                 : "m"(segment_table)
                 : "eax", "memory");
    static uint64_t gates[0x30];
    const auto set = [](unsigned irq, void (*entry)()) {
        gates[0x20 + irq] = gate(8, entry, interrupt_gate32);
    };
    set(0, interrupt_entry_0);
    set(1, interrupt_entry_1);
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

} // namespace pc
