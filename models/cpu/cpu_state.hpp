// The architectural state of the processor, as debuggers, boot loaders and tests see it.
#pragma once

#include "models/cpu/x87_state.hpp"

#include <array>
#include <cstdint>

namespace fixpoint::models {

// A segment register with its hidden part (Intel SDM vol. 3, 3.4.3).
struct SegmentState {
    // Bits 8-23 of a descriptor's high doubleword, moved to bit 0; bits 8-11 (limit 19:16) are not kept here.
    static constexpr uint16_t type_mask = 0x000F, s_bit = 0x0010, present = 0x0080, big = 0x4000,
                              granular = 0x8000;

    uint16_t selector = 0;
    uint16_t attributes = 0; // type 0-3, S 4, DPL 5-6, P 7, AVL 12, D/B 14, G 15; 0: unusable
    uint32_t base = 0;
    uint32_t limit = 0; // last valid offset, in bytes, whatever the granularity

    bool operator==(const SegmentState&) const = default;
};

enum SegmentIndex : uint8_t { seg_es, seg_cs, seg_ss, seg_ds, seg_fs, seg_gs, segment_count };
enum RegisterIndex : uint8_t { reg_eax, reg_ecx, reg_edx, reg_ebx, reg_esp, reg_ebp, reg_esi, reg_edi };

struct DescriptorTableState {
    uint32_t base = 0;
    uint16_t limit = 0xFFFF;

    bool operator==(const DescriptorTableState&) const = default;
};

struct CpuState {
    std::array<uint32_t, 8> general{}; // indexed by RegisterIndex
    uint32_t eip = 0;
    uint32_t eflags = 2;
    std::array<SegmentState, segment_count> segment{}; // indexed by SegmentIndex
    SegmentState ldtr, tr;
    DescriptorTableState gdtr, idtr;
    uint32_t cr0 = 0, cr2 = 0, cr3 = 0, cr4 = 0;
    std::array<uint32_t, 8> debug{}; // DR0-DR7, DR4 and DR5 unused
    uint32_t sysenter_cs = 0, sysenter_esp = 0, sysenter_eip = 0;
    X87State x87;
    bool halted = false;

    [[nodiscard]] bool paging() const { return (cr0 >> 31) != 0; }
    [[nodiscard]] bool protected_mode() const { return (cr0 & 1) != 0; }
    [[nodiscard]] unsigned privilege_level() const { return (segment[seg_ss].attributes >> 5) & 3u; }

    bool operator==(const CpuState&) const = default;
};

} // namespace fixpoint::models
