// The modules that the boot loader left in memory (Multiboot specification 0.6.96, section 3.3).
#pragma once

#include "workloads/runtime/arguments.hpp"

#include <cstddef>
#include <cstdint>

namespace workloads {

struct MultibootInfo {
    uint32_t flags;
    uint32_t memory_lower_kib, memory_upper_kib; // flags bit 0
    uint32_t boot_device;
    uint32_t command_line;          // flags bit 2
    uint32_t module_count, modules; // flags bit 3
};
static_assert(offsetof(MultibootInfo, modules) == 24);

struct MultibootModule {
    uint32_t start, end; // physical addresses
    uint32_t text;       // command line
    uint32_t reserved;
};
static_assert(sizeof(MultibootModule) == 16);

struct BootModule {
    const uint8_t* file = nullptr;
    uint32_t file_bytes = 0;
    TextView name;              // of the file, without folders
    const char* arguments = ""; // what follows the file's name on the command line
};

class BootModules {
public:
    static constexpr unsigned max_modules = 32;

    // nullptr or what is wrong.
    const char* parse(const MultibootInfo& info);

    unsigned count() const { return count_; }
    const BootModule& operator[](unsigned i) const { return modules_[i]; }
    // nullptr if there is none of this name.
    const BootModule* find(const char* name) const;
    // First physical address behind the last module.
    uint32_t high() const { return high_; }

private:
    BootModule modules_[max_modules] = {};
    unsigned count_ = 0;
    uint32_t high_ = 0;
};

// Splits "path/to/FILE ARGS" into FILE and ARGS.
void split_command_line(const char* text, TextView& name, const char*& arguments);

} // namespace workloads
