// The kernel info page: offsets as Hazelnut has them, and our own fields behind its last one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace l4 {

struct MemoryRange {
    uint32_t low = 0, high = 0; // bytes, high is exclusive; low == high: none
};

inline constexpr uint32_t no_program = 0xFFFFFFFFu; // EIP of a boot server that is not there

struct BootServer { // initial ESP and EIP, and the memory it was loaded to
    uint32_t esp = 0, eip = 0;
    MemoryRange memory;
};

struct KernelInfo {
    uint32_t magic; // 'L' '4' E6 'K'
    uint32_t version;
    uint32_t reserved_08[2];
    BootServer kdebug, sigma0, sigma1, root;
    uint32_t configuration[4];
    MemoryRange main_memory;
    MemoryRange reserved0;    // the kernel's image
    MemoryRange reserved1;    // the kernel's page tables, mapping nodes and resident TCBs
    MemoryRange dedicated[5]; // [0] 640 KB to 1 MB, [1] boot information and modules
    uint64_t clock_us;
    uint32_t reserved_a8[2];
    uint32_t processor_frequency_hz, bus_frequency_hz;
    uint32_t reserved_b8[2];
    // Ours.
    uint8_t build_id[20]; // the kernel's linker build id: TCBs hold kernel stacks, valid for this build only
    uint32_t tcb_bytes;
    uint32_t tcb_base;
    uint32_t tcb_used_bytes; // of each TCB: the rest is always zero
};
static_assert(offsetof(KernelInfo, kdebug) == 0x10 && offsetof(KernelInfo, sigma0) == 0x20);
static_assert(offsetof(KernelInfo, root) == 0x40 && offsetof(KernelInfo, configuration) == 0x50);
static_assert(offsetof(KernelInfo, main_memory) == 0x60 && offsetof(KernelInfo, reserved0) == 0x68);
static_assert(offsetof(KernelInfo, reserved1) == 0x70 && offsetof(KernelInfo, dedicated) == 0x78);
static_assert(offsetof(KernelInfo, clock_us) == 0xA0 && offsetof(KernelInfo, processor_frequency_hz) == 0xB0);
static_assert(offsetof(KernelInfo, build_id) == 0xC0);

inline constexpr uint32_t kernel_info_magic = 0x4BE6344Cu;

} // namespace l4
