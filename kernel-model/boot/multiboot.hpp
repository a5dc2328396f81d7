// Multiboot 1 structures. Source: Multiboot Specification 0.6.96.
#pragma once

#include <cstdint>

namespace kernel::multiboot {

inline constexpr uint32_t loader_magic = 0x2BADB002;
inline constexpr uint32_t has_memory = 1u << 0, has_command_line = 1u << 2, has_modules = 1u << 3;

struct Information {
    uint32_t flags;
    uint32_t memory_low_kib, memory_high_kib; // below 640 KB, above 1 MB
    uint32_t boot_device;
    uint32_t command_line; // physical address
    uint32_t module_count, modules;
    uint32_t symbols[4];
    uint32_t memory_map_bytes, memory_map;
    uint32_t drives_bytes, drives;
    uint32_t configuration_table, boot_loader_name, apm_table;
};
static_assert(sizeof(Information) == 72);

struct Module {
    uint32_t start, end; // physical, end exclusive
    uint32_t command_line;
    uint32_t reserved;
};
static_assert(sizeof(Module) == 16);

} // namespace kernel::multiboot
