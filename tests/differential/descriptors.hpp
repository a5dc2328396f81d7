// Descriptors and gates as they stand in memory (Intel SDM vol. 3, 3.4.5 and 6.11), and the ones of the template.
#pragma once

#include "tests/differential/guest/layout.hpp"

#include <cstdint>

namespace differential {

namespace descriptor {
// The access byte: type and S, DPL, present.
inline constexpr uint32_t data_read_only = 0x10, data = 0x12, data_down = 0x16, code_execute_only = 0x18,
                          code = 0x1A, conforming = 0x1E, accessed = 0x01;
inline constexpr uint32_t tss_16 = 0x01, ldt = 0x02, call_gate_16 = 0x04, task_gate = 0x05,
                          interrupt_gate_16 = 0x06, trap_gate_16 = 0x07, tss_32 = 0x09, call_gate_32 = 0x0C,
                          interrupt_gate_32 = 0x0E, trap_gate_32 = 0x0F, busy = 0x02;
inline constexpr uint32_t present = 0x80;
// Bits 20-23 of the high doubleword.
inline constexpr uint32_t big = 4, granular = 8;
} // namespace descriptor

constexpr uint64_t segment_descriptor(uint32_t type, unsigned level, uint32_t base, uint32_t limit,
                                      uint32_t flags, bool present = true) {
    const uint32_t access = type | level << 5 | (present ? descriptor::present : 0);
    const uint32_t low = (limit & 0xFFFF) | base << 16;
    const uint32_t high =
        (base >> 16 & 0xFF) | access << 8 | (limit & 0xF'0000) | (flags & 0xF) << 20 | (base & 0xFF00'0000);
    return uint64_t{high} << 32 | low;
}
constexpr uint64_t gate(uint32_t type, unsigned level, uint16_t selector, uint32_t offset,
                        unsigned parameters = 0, bool present = true) {
    const uint32_t access = type | level << 5 | (present ? descriptor::present : 0);
    return uint64_t{(offset & 0xFFFF'0000) | access << 8 | parameters} << 32 | uint32_t{selector} << 16 |
           (offset & 0xFFFF);
}

// Selectors of the template's GDT beside the driver's (layout.hpp). Every test segment has its base at the arena
// and a limit of 64 KiB, so that an offset means the same everywhere. [0]-[3]: privilege level.
namespace selector {
constexpr uint16_t of_level(uint16_t first, unsigned level) {
    return static_cast<uint16_t>(first + 8 * level + level);
}
constexpr uint16_t code32(unsigned level) {
    return of_level(0x40, level);
}
constexpr uint16_t data32(unsigned level) {
    return of_level(0x60, level);
}
constexpr uint16_t code16(unsigned level) {
    return of_level(0x80, level);
}
constexpr uint16_t data16(unsigned level) {
    return of_level(0xA0, level);
}
constexpr uint16_t conforming(unsigned level) {
    return static_cast<uint16_t>(0xC0 + 8 * level);
} // RPL 0
constexpr bool is_conforming(uint16_t selector) {
    return (selector & ~3u) >= conforming(0) && (selector & ~3u) <= conforming(3);
}
inline constexpr uint16_t real_switch_code = 0x28, real_switch_data = 0x30;
inline constexpr uint16_t ldt = 0xE0, tss_32 = 0xE8, tss_16 = 0xF0, tss_32b = 0xF8, tss_16b = 0x100;
inline constexpr uint16_t own = 0x108; // from here on: the case's own, absent in the template
inline constexpr uint16_t own_count = 16, end = own + 8 * own_count;
inline constexpr uint16_t in_ldt = 4; // table indicator
inline constexpr uint16_t ldt_count = 16;
} // namespace selector

} // namespace differential
