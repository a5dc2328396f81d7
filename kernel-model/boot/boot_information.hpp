// What the kernel learns at boot, and the kernel info page in which it tells user level.
#pragma once

#include "kernel-model/abi/kernel_info.hpp"
#include "kernel-model/boot/multiboot.hpp"

#include <cstdint>

namespace kernel {

extern "C" l4::KernelInfo kernel_info; // at the start of a page of its own

inline constexpr unsigned modules_max = 64;

struct BootInformation {
    uint32_t memory_bytes = 0; // end of main memory
    const char* command_line = "";
    unsigned module_count = 0;
    multiboot::Module modules[modules_max] = {};
    uint32_t copy = 0; // physical address of the copied Multiboot information, for the root task
    uint32_t copy_end = 0;
    uint32_t modules_low = 0; // lowest module byte, or the copy
};

// Reads the loader's structures and copies them, with all strings, behind the last module: wherever the
// loader had put them, the root task finds them intact. Refuses to boot when there is nothing to boot.
BootInformation read_boot_information(uint32_t magic, uint32_t information);

// Fills the info page's fixed part: magic, version, build id, TCB geometry.
void initialise_kernel_info();

} // namespace kernel
