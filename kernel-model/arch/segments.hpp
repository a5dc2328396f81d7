// Segment descriptors and task state segments.
//
// All segments are flat; pages alone protect the kernel. TR reaches task_state through the port space, where an I/O
// map of the running task's follows it. The kernel's data segment is the user's (see
// entries.S). A second TSS catches double faults on the panic stack.
#pragma once

#include <cstdint>

namespace kernel {

void load_segment_tables();

struct TaskStateSegment {
    uint32_t back_link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
    uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
    uint32_t es, cs, ss, ds, fs, gs, ldt;
    uint16_t trap, io_bitmap_offset;
};
static_assert(sizeof(TaskStateSegment) == 104);

extern TaskStateSegment task_state;

// Where the processor pushes the next entry frame: one past the current thread's Frame.
inline void set_entry_stack(uint32_t esp0) {
    task_state.esp0 = esp0;
}

} // namespace kernel
