#include "kernel-model/thread/task.hpp"

#include "kernel-model/abi/probes.hpp"
#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/floating_point.hpp"
#include "kernel-model/arch/handlers.hpp"
#include "kernel-model/arch/selectors.h"
#include "kernel-model/ipc/interrupts.hpp"
#include "kernel-model/ipc/ipc_engine.hpp"
#include "kernel-model/memory/address_spaces.hpp"
#include "kernel-model/memory/port_spaces.hpp"
#include "kernel-model/thread/clans.hpp"
#include "kernel-model/thread/scheduler.hpp"
#include "kernel-model/thread/tcb_array.hpp"

namespace kernel {

constinit Task task_table[l4::task_count];

namespace {

constexpr unsigned version_max = (1u << l4::ThreadId::version_bits) - 1;
constexpr unsigned tcb_pages_per_task = l4::threads_per_task / tcbs_per_page;

// Each life of a task has a version of its own, so that old ids do not name new threads. But an id with a version is
// taken as it is: Hazelnut takes the whole id from its caller, and programs go on with the one that they have composed.
l4::ThreadId id_for(l4::ThreadId dest, const TaskState& state, unsigned creator) {
    if (dest.version() != 0)
        return dest.with_lthread(0);
    const unsigned version = state.recorded ? state.version : 0;
    return l4::ThreadId::make(dest.task(), 0, version == version_max ? 1 : version + 1, creator);
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
        for (unsigned slot = 0; slot < tcbs_per_page; ++slot)
            if (tcb_in_page(page, slot).state != ThreadState::unused)
                remove_thread(tcb_in_page(page, slot));
    }
    destroy_port_space(task);
    const uint32_t directory = entry.directory;
    destroy_space(task, directory);
    entry.directory = 0;
    l4::probe<l4::Probe::task_space>(task, 0);
    TaskState state = entry.state;
    state.active = 0;
    state.chief = static_cast<uint8_t>(owner);
    record(task, state);
}

void change_owner(unsigned task, unsigned owner) {
    TaskState state = task_entry(task).state;
    state.chief = static_cast<uint8_t>(owner);
    record(task, state);
}

// A task goes with its whole clan and the clans below it. Inactive tasks among them get `caller` as owner.
void delete_with_descendants(unsigned top, unsigned caller) {
    uint32_t doomed[l4::task_count / 32] =
        {}; // all of them, before the first change breaks a chain of chiefs
    for (unsigned task = 1; task < l4::task_count; ++task)
        if (task_entry(task).state.recorded && is_at_or_below(task, top, chief_of_task))
            doomed[task / 32] |= 1u << task % 32;
    for (unsigned task = 1; task < l4::task_count; ++task) {
        if (!(doomed[task / 32] >> task % 32 & 1))
            continue;
        if (task_entry(task).active())
            deactivate(task, caller);
        else
            change_owner(task, caller);
    }
}

// The system call's "new chief" is a thread id; a bare task number does as well. 0 is the caller, and so are an mcp of 255
// and the invalid id: Hazelnut looks at none of them, and programs delete tasks with either.
unsigned owner_named_by(uint32_t argument, unsigned caller) {
    constexpr uint32_t task_number_max = l4::task_count - 1;
    if (argument == 0 || argument == task_number_max || argument == l4::invalid_thread.raw)
        return caller;
    return argument <= task_number_max ? argument : l4::ThreadId{argument}.task();
}

// sigma0's space is the root of all mappings: it is nobody's to delete.
bool may_create(l4::ThreadId dest, unsigned caller) {
    const unsigned task = dest.task();
    if (dest == l4::invalid_thread || task == 0 || task == caller || task == l4::sigma0_task)
        return false;
    if (chief_of_task(task) != caller)
        touch_task_state(task);
    return chief_of_task(task) == caller;
}

// The owner need not exist yet. But one that is deleted in the same call could never use its right, and the chains of
// chiefs must not become circles.
bool may_own(unsigned owner, unsigned task, unsigned caller) {
    if (owner == caller)
        return true;
    touch_chiefs(owner);
    return owner != 0 && !is_at_or_below(owner, task, chief_of_task);
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
                          (holds_all_ports(id.task()) ? cpu::eflags_io_privilege_3 : 0);
    SchedulerEntry& entry = scheduler.entry(thread);
    entry.known = true;
    entry.repeats_fault = false;
    entry.priority = priority;
    entry.slice_left_us = slice_us;
}

bool activate_task(l4::ThreadId id, unsigned chief, unsigned mcp) {
    const unsigned task = id.task();
    const uint32_t directory = create_directory();
    if (directory == 0)
        return false;
    task_entry(task).directory = directory;
    record(task, {.recorded = 1,
                  .active = 1,
                  .chief = static_cast<uint8_t>(chief),
                  .mcp = static_cast<uint8_t>(mcp),
                  .version = static_cast<uint16_t>(id.version()),
                  .chief_in_id = static_cast<uint8_t>(id.chief()),
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

l4::ThreadId first_thread_of(unsigned task) {
    const TaskState& state = task_entry(task).state;
    return l4::ThreadId::make(task, 0, state.version, state.active ? state.chief_in_id : chief_of_task(task));
}

void touch_task_state(unsigned task) {
    if (is_persistent(task) && !task_entry(task).state.recorded)
        touch_read(tcb_at(task * l4::threads_per_task));
}

void touch_chiefs(unsigned task) {
    for (unsigned steps = 0; steps < l4::task_count; ++steps) {
        touch_task_state(task);
        const unsigned chief = chief_of_task(task);
        if (chief == task)
            return;
        task = chief;
    }
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

// task_new: EAX mcp or new chief, ECX ESP, EDX EIP, EBX pager (nil: inactive), ESI dest.
// Out: ESI new id or nil. Refused, with nothing changed: a task number whose chief or owner is not the caller, the
// caller's own task, sigma0, 0; a new chief that is the kernel, the task itself or below it. Without memory for the
// new space the old task is gone, and the number is the caller's.
void call_task_new() {
    Frame& frame = current_thread->frame;
    const l4::ThreadId dest{frame.esi}, pager{frame.ebx};
    const unsigned task = dest.task(), caller = task_of(*current_thread);
    const unsigned owner = pager.is_nil() ? owner_named_by(frame.eax, caller) : caller;
    // Before the touch: who may not create the task shall not cost anybody a TCB page either.
    if (!may_create(dest, caller) || !may_own(owner, task, caller)) {
        frame.esi = 0;
        return;
    }
    Tcb& first = tcb_at(task * l4::threads_per_task);
    touch_write(first);

    Task& entry = task_entry(task);
    if (entry.active())
        delete_with_descendants(task, caller);
    if (pager.is_nil()) {
        change_owner(task, owner);
        frame.esi = l4::ThreadId::make(task, 0, entry.state.version, owner).raw;
        scheduler.reschedule();
        return;
    }
    const l4::ThreadId id = id_for(dest, entry.state, caller);
    const unsigned caller_mcp = task_entry(caller).state.mcp;
    const unsigned mcp = frame.eax & 0xFF;
    if (!activate_task(id, caller, mcp < caller_mcp ? mcp : caller_mcp)) {
        frame.esi = 0;
        scheduler.reschedule();
        return;
    }
    initialise_thread(first, id, frame.edx, frame.ecx, pager, current_thread->priority,
                      current_thread->slice_us);
    frame.esi = id.raw;
    scheduler.make_ready(first);
    scheduler.reschedule();
}

} // namespace kernel
