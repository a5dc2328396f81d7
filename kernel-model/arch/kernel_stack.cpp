#include "kernel-model/arch/kernel_stack.hpp"

#include "kernel-model/arch/entry_layout.h"

extern "C" char kernel_stack_bottom[], kernel_stack_top[];

namespace kernel {

uint32_t kernel_stack_used() {
    const char* used = kernel_stack_bottom;
    while (used != kernel_stack_top && *reinterpret_cast<const uint32_t*>(used) == KERNEL_STACK_PAINT)
        used += sizeof(uint32_t);
    return static_cast<uint32_t>(kernel_stack_top - used);
}

} // namespace kernel
