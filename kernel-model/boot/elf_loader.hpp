// Loads a statically linked IA-32 ELF program to the physical addresses it is linked for.
#pragma once

#include "kernel-model/abi/kernel_info.hpp"

#include <cstdint>

namespace kernel {

struct LoadedProgram {
    uint32_t entry = 0;
    l4::MemoryRange memory; // whole pages
};

// Memory that no program may be loaded to.
struct OccupiedRange {
    l4::MemoryRange range;
    const char* what;
};

// `file` is a physical range. Refuses to boot, naming program and reason, when the file is no such program or
// its segments overlap something in `occupied` or leave main memory.
LoadedProgram load_elf(const char* name, l4::MemoryRange file, const OccupiedRange* occupied,
                       unsigned occupied_count, uint32_t memory_bytes);

} // namespace kernel
