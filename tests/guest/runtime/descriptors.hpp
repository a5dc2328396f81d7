// The tables that every guest self-test starts with, and the task state segment (SDM vol. 3, 7.2).
#pragma once

#include "workloads/bare_pc/descriptors.hpp"

#include <cstdint>

namespace guest {

using pc::descriptor;
using pc::gate;
using pc::TablePointer;
using enum pc::Access;
using enum pc::SegmentFlags;

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

} // namespace guest
