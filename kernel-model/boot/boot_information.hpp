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
    // A booter has loaded sigma0 and the root task and named them in the kernel info page: modules are not looked at.
    bool servers_loaded = false;
    uint32_t information = 0;         // physical address of the Multiboot information that the root task gets
    l4::MemoryRange modules_and_copy; // ours; of a booter: what it has put into dedicated[1]
    uint32_t used_end = 0;            // above it is free memory
};

// Reads the loader's structures. Unless a booter has loaded the servers, copies them, with all strings, behind the last
// module: wherever the loader had put them, the root task finds them intact. Refuses to boot when there is nothing to boot.
BootInformation read_boot_information(uint32_t magic, uint32_t information);

// Fills the info page's fixed part: build id, TCB geometry, the kernel's image, sigma0's initial stack.
void initialise_kernel_info();

} // namespace kernel
