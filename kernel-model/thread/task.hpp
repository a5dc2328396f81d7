// Tasks: an address space and up to 64 threads.
//
// Every task number is active or inactive. The chief of an active task, the owner of an inactive one, may
// create, delete or give away the task. An owner need not exist yet. What must outlive a crash is in the TCB of
// lthread 0 (TaskState); a resident copy here spares the TCB (I6). Numbers that were never used belong to the
// root task.
#pragma once

#include "kernel-model/abi/types.hpp"
#include "kernel-model/thread/tcb.hpp"

#include <cstdint>

namespace kernel {

struct Task {
    uint32_t directory = 0; // physical; 0: no space
    TaskState state{};

    bool active() const { return state.active != 0; }
    unsigned chief() const { return state.recorded ? state.chief : l4::root_thread.task(); }
};

extern Task task_table[l4::task_count];
inline Task& task_entry(unsigned task) {
    return task_table[task];
}
inline uint32_t task_directory(unsigned task) {
    return task_table[task].directory;
}

// The id of the task's lthread 0, from the resident state.
l4::ThreadId first_thread_of(unsigned task);

// Touch points. After a recovery a task's state may still be with the TCB pager: these fetch it, so that chief() is
// the truth. The TCB pager thread itself goes by what is there (I6).
void touch_task_state(unsigned task);
void touch_chiefs(unsigned task); // and those of all above it

inline unsigned chief_of_task(unsigned task) {
    return task_entry(task).chief();
}

// Starts a thread that has never run: registers 0, interrupts on, user segments.
void initialise_thread(Tcb& thread, l4::ThreadId id, uint32_t eip, uint32_t esp, l4::ThreadId pager,
                       uint8_t priority, uint32_t slice_us);

// Makes the task of the first thread `id` active with a fresh space; false: no memory.
bool activate_task(l4::ThreadId id, unsigned chief, unsigned mcp);

// Recovery: the task's state has come back with its lthread 0, or a thread of it before that.
bool restore_task(unsigned task, const TaskState* state);

// Removes a thread from the world: queues, timeouts, interrupts. Its TCB becomes all zero but for the task
// state.
void remove_thread(Tcb& thread);

} // namespace kernel
