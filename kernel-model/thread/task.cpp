#include "kernel-model/thread/task.hpp"

#include "kernel-model/abi/probes.hpp"
#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/floating_point.hpp"
#include "kernel-model/arch/handlers.hpp"
#include "kernel-model/arch/selectors.h"
#include "kernel-model/ipc/interrupts.hpp"
#include "kernel-model/ipc/ipc_engine.hpp"
#include "kernel-model/memory/address_spaces.hpp"
#include "kernel-model/thread/scheduler.hpp"
#include "kernel-model/thread/tcb_array.hpp"

namespace kernel {

constinit Task task_table[l4::task_count];

namespace {

constexpr unsigned version_max = (1u << l4::ThreadId::version_bits) - 1;
constexpr unsigned tcb_pages_per_task = l4::threads_per_task / tcbs_per_page;

// Tasks below this number are drivers and servers: their threads may use ports.
bool has_io_privilege(unsigned task) {
    return task < tcb_paging.paged_tasks;
}

unsigned next_version(const TaskState& state) {
    const unsigned version = state.recorded ? state.version : 0;
    return version == version_max ? 1 : version + 1;
}

// The resident copy and the one in the TCB of lthread 0, which the caller has touched.
void record(unsigned task, TaskState state) {
    state.recorded = 1;
    task_entry(task).state = state;
    Tcb& first = tcb_at(task * l4::threads_per_task);
    first.task = state;
    first.magic = tcb_magic;
}

void deactivate(unsigned task, unsigned owner) {
    Task& entry = task_entry(task);
    for (unsigned page = task * tcb_pages_per_task; page < (task + 1) * tcb_pages_per_task; ++page) {
        if (!tcb_page_in_use(page))
            continue;
        for (unsigned half = 0; half < tcbs_per_page; ++half)
            if (tcb_in_page(page, half).state != ThreadState::unused)
                remove_thread(tcb_in_page(page, half));
    }
    const uint32_t directory = entry.directory;
    destroy_space(task, directory);
    entry.directory = 0;
    l4::probe<l4::Probe::task_space>(task, 0);
    TaskState state = entry.state;
    state.active = 0;
    state.chief = static_cast<uint8_t>(owner);
    record(task, state);
}

// A task goes with all tasks that it is, directly or through others, the chief of. Inactive ones change
// their owner.
void delete_with_descendants(unsigned top, unsigned caller, unsigned new_owner) {
    deactivate(top, new_owner);
    for (bool again = true; again;) {
        again = false;
        for (unsigned task = 1; task < l4::task_count; ++task) {
            Task& entry = task_entry(task);
            const unsigned chief = entry.chief();
            if (!entry.state.recorded || chief == caller || task_entry(chief).active())
                continue;
            if (entry.active()) {
                deactivate(task, caller);
                again = true;
            } else {
                TaskState state = entry.state;
                state.chief = static_cast<uint8_t>(caller);
                record(task, state);
            }
        }
    }
}

} // namespace

void initialise_thread(Tcb& thread, l4::ThreadId id, uint32_t eip, uint32_t esp, l4::ThreadId pager,
                       uint8_t priority, uint32_t slice_us) {
    const TaskState task = thread.task;
    thread = Tcb{};
    thread.task = task;
    thread.id = id.raw;
    thread.magic = tcb_magic;
    thread.pager = pager.raw;
    thread.priority = priority;
    thread.slice_us = slice_us;
    thread.wakeup_us = no_wakeup;
    thread.state = ThreadState::halted;
    thread.frame.eip = eip;
    thread.frame.esp = esp;
    thread.frame.cs = SELECTOR_USER_CODE;
    thread.frame.ss = SELECTOR_USER_DATA;
    thread.frame.eflags = cpu::eflags_reserved_one | cpu::eflags_interrupts |
                          (has_io_privilege(id.task()) ? cpu::eflags_io_privilege_3 : 0);
    SchedulerEntry& entry = scheduler.entry(thread);
    entry.known = true;
    entry.repeats_fault = false;
    entry.priority = priority;
    entry.slice_left_us = slice_us;
}

bool activate_task(unsigned task, unsigned chief, unsigned mcp, unsigned version) {
    const uint32_t directory = create_directory();
    if (directory == 0)
        return false;
    task_entry(task).directory = directory;
    record(task, {.recorded = 1,
                  .active = 1,
                  .chief = static_cast<uint8_t>(chief),
                  .mcp = static_cast<uint8_t>(mcp),
                  .version = static_cast<uint16_t>(version),
                  .reserved = 0});
    l4::probe<l4::Probe::task_space>(task, directory);
    return true;
}

bool restore_task(unsigned task, const TaskState* state) {
    Task& entry = task_entry(task);
    if (state != nullptr && state->recorded)
        entry.state = *state;
    const bool needs_space = state == nullptr || state->active;
    if (!needs_space || entry.directory != 0)
        return true;
    entry.directory = create_directory();
    if (entry.directory == 0) {
        entry.state.active = 0; // deleting it later must not look for its space
        return false;
    }
    l4::probe<l4::Probe::task_space>(task, entry.directory);
    return true;
}

void remove_thread(Tcb& thread) {
    forget_communication(thread);
    detach_interrupts(thread);
    floating_point_forget(&thread);
    scheduler.not_ready(thread);
    SchedulerEntry& entry = scheduler.entry(thread);
    entry.known = false;
    entry.repeats_fault = false;
    const TaskState task = thread.task;
    const uint32_t magic = task.recorded ? tcb_magic : 0;
    thread = Tcb{};
    thread.task = task;
    thread.magic = magic;
}

// task_new: EAX mcp or new owner, ECX ESP, EDX EIP, EBX pager (nil: inactive), ESI dest.
// Out: ESI new id or nil.
void call_task_new() {
    Frame& frame = current_thread->frame;
    const unsigned task = l4::ThreadId{frame.esi}.task();
    const unsigned caller = task_of(*current_thread);
    Task& entry = task_entry(task);
    // Before the touch: who may not create the task shall not cost anybody a TCB page either.
    if (task == 0 || task == caller || entry.chief() != caller) {
        frame.esi = 0;
        return;
    }
    Tcb& first = tcb_at(task * l4::threads_per_task);
    touch_write(first);

    const l4::ThreadId pager{frame.ebx};
    const unsigned new_owner = pager.is_nil() ? frame.eax & 0xFF : caller;
    if (entry.active())
        delete_with_descendants(task, caller, new_owner == 0 ? caller : new_owner);
    if (pager.is_nil()) {
        TaskState state = entry.state;
        state.chief = static_cast<uint8_t>(new_owner == 0 ? caller : new_owner);
        record(task, state);
        frame.esi = frame.esi & 0x00FF0000u;
        scheduler.reschedule();
        return;
    }
    const unsigned version = next_version(entry.state);
    const unsigned caller_mcp = task_entry(caller).state.mcp;
    const unsigned mcp = frame.eax & 0xFF;
    if (!activate_task(task, caller, mcp < caller_mcp ? mcp : caller_mcp, version)) {
        frame.esi = 0;
        return;
    }
    const auto id = l4::ThreadId::make(task, 0, version, caller);
    initialise_thread(first, id, frame.edx, frame.ecx, pager, current_thread->priority,
                      current_thread->slice_us);
    frame.esi = id.raw;
    scheduler.make_ready(first);
    scheduler.reschedule();
}

} // namespace kernel
