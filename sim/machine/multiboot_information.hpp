// What a Multiboot 1 loader tells the kernel, as it stands in memory (Multiboot Specification 0.6.96,
// section 3.3). Fields that QEMU does not pass (APM, drives, video and configuration tables) stay 0, with
// their flags.
#pragma once

#include <cstdint>
#include <type_traits>

namespace fixpoint::sim {

struct MultibootInformation {
    enum Flag : uint32_t {
        has_memory = 1u << 0,
        has_boot_device = 1u << 1,
        has_command_line = 1u << 2,
        has_modules = 1u << 3,
        has_elf_sections = 1u << 5,
        has_memory_map = 1u << 6,
        has_loader_name = 1u << 9,
    };
    uint32_t flags;
    uint32_t memory_lower_kb, memory_upper_kb;
    uint32_t boot_device;
    uint32_t command_line;
    uint32_t module_count, modules;
    struct {
        uint32_t count, entry_bytes, table, names;
    } elf_sections;
    uint32_t memory_map_bytes, memory_map;
    uint32_t drives_bytes, drives;
    uint32_t configuration_table;
    uint32_t loader_name;
    uint32_t apm_table;
    uint32_t vbe[4];
};
static_assert(sizeof(MultibootInformation) == 88 && std::is_trivially_copyable_v<MultibootInformation>);

struct MultibootModule {
    uint32_t begin, end, string, reserved;
};
static_assert(sizeof(MultibootModule) == 16);

struct [[gnu::packed]] MultibootMapEntry {
    uint32_t bytes_that_follow;
    uint64_t base, bytes;
    uint32_t type;
};
static_assert(sizeof(MultibootMapEntry) == 24);

inline constexpr uint32_t multiboot_loader_magic = 0x2BADB002; // in EAX

} // namespace fixpoint::sim
