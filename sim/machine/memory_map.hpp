// The map of physical memory that the firmware reports (INT 15h, function E820h): as SeaBIOS does on a
// `-M pc` machine, observed on QEMU 7.2 with 2 MiB to 3 GiB.
#pragma once

#include <array>
#include <cstdint>

namespace fixpoint::sim {

inline constexpr uint64_t base_memory_end = 0x9FC00; // behind it the extended BIOS data area
inline constexpr uint64_t video_memory = 0xA0000;    // and adapters' ROMs
inline constexpr uint64_t bios_area = 0xF0000;
inline constexpr uint64_t upper_memory = 0x100000;

struct MemoryRange {
    enum Type : uint32_t { usable = 1, reserved = 2 };
    uint64_t base, bytes;
    Type type;
};

constexpr std::array<MemoryRange, 6> firmware_memory_map(uint64_t memory_bytes) {
    constexpr uint64_t tables = 128 << 10; // the firmware's own, at the end of memory
    constexpr uint64_t rom = 0xFFFC'0000;
    using enum MemoryRange::Type;
    return {{{0, base_memory_end, usable},
             {base_memory_end, video_memory - base_memory_end, reserved},
             {bios_area, upper_memory - bios_area, reserved},
             {upper_memory, memory_bytes - tables - upper_memory, usable},
             {memory_bytes - tables, tables, reserved},
             {rom, (uint64_t{1} << 32) - rom, reserved}}};
}

} // namespace fixpoint::sim
