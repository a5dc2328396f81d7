// The kernel's memory: where the pool lies and how it is divided.
//
// At boot a range below the end of memory (and of the window) is set aside, reserved1 of the kernel info
// page. Its bottom holds the scheduler's resident arrays and the mapping nodes; the rest is the pool of
// tables and TCB pages.
#pragma once

#include "kernel-model/arch/layout.hpp"
#include "kernel-model/memory/page_pool.hpp"

#include <cstdint>

namespace kernel {

struct WindowMemory {
    static uint32_t* pointer(uint32_t physical) { return window<uint32_t>(physical); }
};

using KernelPool = PagePool<WindowMemory>;
extern KernelPool kernel_pool;

// How many bytes the kernel sets aside on a machine with this much memory.
uint32_t kernel_memory_bytes(uint32_t memory_bytes);

// Divides physical [low, high) and starts scheduler, mapping database and pool on it.
void initialise_kernel_memory(uint32_t low, uint32_t high, uint32_t memory_bytes);

} // namespace kernel
