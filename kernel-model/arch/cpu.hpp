// The processor's privileged instructions, one function each. Source: Intel SDM volume 3.
#pragma once

#include <cstdint>

namespace kernel::cpu {

inline constexpr uint32_t cr0_task_switched = 1u << 3;
inline constexpr uint32_t cr4_global_pages = 1u << 7;
inline constexpr uint32_t eflags_reserved_one = 1u << 1, eflags_trap = 1u << 8, eflags_interrupts = 1u << 9;
inline constexpr uint32_t eflags_io_privilege_3 = 3u << 12, eflags_nested = 1u << 14,
                          eflags_resume = 1u << 16;

// CPUID leaf 1, EDX.
inline constexpr uint32_t feature_fpu = 1u << 0, feature_time_stamp_counter = 1u << 4, feature_apic = 1u << 9,
                          feature_global_pages = 1u << 13;

inline uint32_t read_cr0() {
    uint32_t value;
    asm volatile("movl %%cr0, %0" : "=r"(value));
    return value;
}
inline void write_cr0(uint32_t value) {
    asm volatile("movl %0, %%cr0" : : "r"(value) : "memory");
}
inline uint32_t read_cr2() {
    uint32_t value;
    asm volatile("movl %%cr2, %0" : "=r"(value));
    return value;
}
inline uint32_t read_cr3() {
    uint32_t value;
    asm volatile("movl %%cr3, %0" : "=r"(value));
    return value;
}
inline void write_cr3(uint32_t value) {
    asm volatile("movl %0, %%cr3" : : "r"(value) : "memory");
}
inline uint32_t read_cr4() {
    uint32_t value;
    asm volatile("movl %%cr4, %0" : "=r"(value));
    return value;
}
inline void write_cr4(uint32_t value) {
    asm volatile("movl %0, %%cr4" : : "r"(value) : "memory");
}
inline uint64_t read_msr(uint32_t number) {
    uint64_t value;
    asm volatile("rdmsr" : "=A"(value) : "c"(number));
    return value;
}
inline void write_msr(uint32_t number, uint32_t value) {
    asm volatile("wrmsr" : : "c"(number), "a"(value), "d"(0));
}
inline uint64_t read_time_stamp() {
    uint64_t cycles;
    asm volatile("rdtsc" : "=A"(cycles));
    return cycles;
}
inline void invalidate_page(uint32_t address) {
    asm volatile("invlpg (%0)" : : "r"(address) : "memory");
}
inline void clear_task_switched() {
    asm volatile("clts");
}

inline void out8(uint16_t port, uint8_t value) {
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}
inline uint8_t in8(uint16_t port) {
    uint8_t value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

[[noreturn]] inline void halt_for_ever() {
    for (;;)
        asm volatile("cli\n\thlt");
}

} // namespace kernel::cpu
