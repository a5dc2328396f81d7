// Who is who in the image, and where things lie in every address space: numbers that the kernel's command line, the
// root task, the servers and the simulator's observers must agree on.
#pragma once

#include "kernel-model/abi/types.hpp"

namespace l4 {

// Task numbers. Tasks from first_persistent_task on are paged by the checkpoint server: their memory and their TCBs
// are the persistent world; every task below is outside it and starts afresh at each boot.
inline constexpr unsigned sigma0_task = 2, root_task = 4, disk_driver_task = 5, checkpoint_task = 6,
                          console_driver_task = 7;
inline constexpr unsigned first_persistent_task = 16;
inline constexpr unsigned console_log_task = task_count - 1; // persistent; only in worlds with output commit

inline constexpr ThreadId disk_driver_thread = ThreadId::make(disk_driver_task, 0, 1, root_task);
// lthread 0 of the checkpoint server answers page faults, lthread 1 takes checkpoints.
inline constexpr ThreadId pager_thread = ThreadId::make(checkpoint_task, 0, 1, root_task);
inline constexpr ThreadId checkpointer_thread = ThreadId::make(checkpoint_task, 1, 1, root_task);
// lthread 0 of the console driver answers clients, lthread 1 waits for checkpoints.
inline constexpr ThreadId console_driver_thread = ThreadId::make(console_driver_task, 0, 1, root_task);
inline constexpr ThreadId console_releaser_thread = ThreadId::make(console_driver_task, 1, 1, root_task);
// lthread 0 of the console log answers programs, lthread 1 waits for the driver.
inline constexpr ThreadId console_log_thread = ThreadId::make(console_log_task, 0, 1, root_task);
inline constexpr ThreadId console_collector_thread = ThreadId::make(console_log_task, 1, 1, root_task);

inline constexpr unsigned priority_max = 255; // the checkpoint server: nothing persistent runs beside it
inline constexpr unsigned priority_disk_driver = 254; // its driver
inline constexpr unsigned priority_console_driver = 200;
inline constexpr unsigned priority_boot = 50; // sigma0 and the root task start here

// User space ends where the kernel's begins. The TCB array is indexed by task and lthread.
inline constexpr uint32_t user_space_end = 0xC0000000u;
inline constexpr uint32_t tcb_array_base = 0xE0000000u, tcb_size = 1024;
inline constexpr uint32_t tcb_array_size = task_count * threads_per_task * tcb_size;
// Neighbouring TCB pages of which the kernel tells in one call whether they were written to.
inline constexpr uint32_t tcb_group_pages = 32;
inline constexpr uint32_t tcb_group_bytes = tcb_group_pages * page_size;
constexpr uint32_t tcb_address(ThreadId id) {
    return tcb_array_base + (id.task() * threads_per_task + id.lthread()) * tcb_size;
}
constexpr unsigned task_of_tcb_address(uint32_t address) {
    return (address - tcb_array_base) / tcb_size / threads_per_task;
}
static_assert(page_size % tcb_size == 0, "a TCB page holds TCBs of one task only");

} // namespace l4
