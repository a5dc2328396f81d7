// Descriptors, gates and the task state segment (SDM vol. 3, 3.4.5, 6.11, 7.2), and the tables that every
// guest self-test starts with.
#pragma once

#include <cstdint>

namespace guest {

// Access bytes.
enum : uint32_t {
    code_access = 0x9B,
    data_access = 0x93,
    conforming = 0x04,
    expand_down = 0x04,
    user_level = 0x60,
    call_gate16 = 0x84,
    task_gate = 0x85,
    interrupt_gate16 = 0x86,
    trap_gate16 = 0x87,
    tss_available = 0x89,
    call_gate32 = 0x8C,
    interrupt_gate32 = 0x8E,
    trap_gate32 = 0x8F,
    ldt_access = 0x82,
};
// The high nibble of byte 6.
enum : uint32_t { byte_granular = 0x4, page_granular = 0xC, byte_granular16 = 0x0 };

constexpr uint64_t descriptor(uint32_t base, uint32_t limit, uint32_t access, uint32_t flags) {
    return (limit & 0xFFFF) | uint64_t{base & 0xFF'FFFF} << 16 | uint64_t{access} << 40 |
           uint64_t{limit >> 16 & 0xF} << 48 | uint64_t{flags} << 52 | uint64_t{base >> 24} << 56;
}
constexpr uint64_t gate(uint16_t selector, uint32_t offset, uint32_t access, uint32_t parameters = 0) {
    return (offset & 0xFFFF) | uint64_t{selector} << 16 | uint64_t{parameters} << 32 |
           uint64_t{access} << 40 | uint64_t{offset >> 16} << 48;
}
inline uint64_t gate(uint16_t selector, void (*target)(), uint32_t access, uint32_t parameters = 0) {
    return gate(selector, reinterpret_cast<uint32_t>(target), access, parameters);
}

// Selectors of the table below; a program uses the entries from first_free on as it likes.
enum : uint16_t {
    kernel_code = 0x08,
    kernel_data = 0x10,
    user_code = 0x1B,
    user_data = 0x23,
    main_task = 0x28,
    first_free = 0x30,
};
constexpr unsigned segment_entries = 32;
extern "C" uint64_t segments[segment_entries];
extern "C" uint64_t gates[256];

inline void set_segment(uint16_t selector, uint64_t value) {
    segments[selector >> 3] = value;
}

struct Tss {
    uint32_t link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
    uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
    uint32_t es, cs, ss, ds, fs, gs, ldt;
    uint16_t trap, io_map;
    uint8_t ports[8192 / 32 + 1]; // the first 2048 ports and the byte of ones behind them
};
static_assert(sizeof(Tss) >= 0x68 + 8192 / 32 + 1 && __builtin_offsetof(Tss, ports) == 0x68);
extern "C" Tss main_tss;

struct [[gnu::packed]] TablePointer {
    uint16_t limit;
    uint32_t base;
};

} // namespace guest
