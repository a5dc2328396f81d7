// Segment descriptors and gates as they stand in memory (SDM vol. 3, 3.4.5 and 6.11).
#pragma once

#include <cstdint>

namespace pc {

// Access bytes.
enum Access : uint32_t {
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
enum SegmentFlags : uint32_t { byte_granular = 0x4, page_granular = 0xC, byte_granular16 = 0x0 };

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

// The operand of LGDT and LIDT.
struct [[gnu::packed]] TablePointer {
    uint16_t limit;
    uint32_t base;
};

} // namespace pc
