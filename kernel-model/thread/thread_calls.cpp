// INT 0x31 id_nearest, 0x33 thread_switch, 0x34 thread_schedule, 0x35 lthread_ex_regs.
#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/handlers.hpp"
#include "kernel-model/ipc/ipc_engine.hpp"
#include "kernel-model/thread/scheduler.hpp"
#include "kernel-model/thread/task.hpp"
#include "kernel-model/thread/tcb_array.hpp"

namespace kernel {

namespace {

constexpr uint32_t keep = 0xFFFFFFFFu;

// thread_schedule's word: m_t 8 | e_t 4 | 0 4 | small 8 | prio 8.
constexpr uint64_t slice_us_of(uint32_t param) {
    const uint64_t us = l4::Timeouts::decode_us(param >> 20 & 0xF, param >> 24);
    return us == l4::Timeouts::infinite_us ? 0 : us;
}
uint32_t param_of(const Tcb& thread) {
    uint32_t slice = 0;
    if (thread.slice_us != 0) {
        const uint32_t encoded = l4::Timeouts::encode_us(thread.slice_us); // m << 8 | e
        slice = (encoded >> 8) << 24 | (encoded & 0xF) << 20;
    }
    return slice | static_cast<uint32_t>(thread.state) << 16 | thread.priority;
}

// A thread may be scheduled by its own task and by those above it.
bool is_in_clan_of(unsigned task, unsigned chief) {
    for (unsigned steps = 0; steps < l4::task_count; ++steps) {
        if (task == chief)
            return true;
        const unsigned above = task_entry(task).chief();
        if (above == task)
            return false;
        task = above;
    }
    return false;
}

} // namespace

void call_id_nearest() {
    Frame& frame = current_thread->frame;
    constexpr uint32_t same_clan = 0xC; // type: dest is itself the nearest partner; clans are not redirected
    if (frame.esi == 0)
        frame.esi = current_thread->id;
    frame.eax = same_clan;
}

void call_thread_switch() {
    const l4::ThreadId dest{current_thread->frame.esi};
    if (!dest.is_nil() && dest != l4::invalid_thread && dest.task() != 0) {
        Tcb& target = tcb_of(dest);
        touch_read(target);
        if (target.id == dest.raw && target.state == ThreadState::running && &target != current_thread &&
            scheduler.entry(target).priority >= scheduler.entry(*current_thread).priority)
            scheduler.prefer(target);
    }
    scheduler.yield();
    scheduler.reschedule();
}

void call_thread_schedule() {
    Frame& frame = current_thread->frame;
    const l4::ThreadId dest{frame.esi};
    if (dest.is_nil() || dest == l4::invalid_thread || dest.task() == 0) {
        frame.eax = keep;
        return;
    }
    Tcb& thread = tcb_of(dest);
    touch_read(thread);
    const unsigned caller_task = task_of(*current_thread);
    const unsigned caller_mcp = task_entry(caller_task).state.mcp;
    if (thread.id != dest.raw || thread.state == ThreadState::unused ||
        !is_in_clan_of(dest.task(), caller_task) || thread.priority > caller_mcp) {
        frame.eax = keep;
        return;
    }
    const uint32_t old_param = param_of(thread), param = frame.eax;
    const uint32_t old_preempter = thread.external_preempter;
    if (frame.ebx != keep)
        thread.external_preempter = frame.ebx;
    if (param != keep && (param & 0xFF) <= caller_mcp) {
        const uint64_t slice_us = slice_us_of(param);
        thread.slice_us = slice_us > 0xFFFFFFFFu ? 0 : static_cast<uint32_t>(slice_us);
        scheduler.entry(thread).slice_left_us = thread.slice_us;
        scheduler.set_priority(thread, static_cast<uint8_t>(param & 0xFF));
    }
    frame.eax = old_param;
    frame.ebx = old_preempter;
    frame.ecx = frame.edx = 0;
    frame.esi =
        thread.state == ThreadState::polling || thread.state == ThreadState::waiting ? thread.partner : 0;
    scheduler.reschedule();
}

// EAX lthread, ECX ESP, EDX EIP, EBX internal preempter, ESI pager. A new EIP or ESP cancels what the thread
// waits for; a thread that has never run starts when it has both.
void call_lthread_ex_regs() {
    Tcb& caller = *current_thread;
    Frame& in = caller.frame;
    const unsigned task = task_of(caller);
    const unsigned lthread = in.eax & (l4::threads_per_task - 1);
    Tcb& thread = tcb_at(task * l4::threads_per_task + lthread);
    touch_write(thread);

    const uint32_t new_esp = in.ecx, new_eip = in.edx, new_preempter = in.ebx, new_pager = in.esi;
    if (thread.state == ThreadState::unused) {
        const l4::ThreadId pager = new_pager == keep ? l4::ThreadId{caller.pager} : l4::ThreadId{new_pager};
        initialise_thread(thread, l4::ThreadId{caller.id}.with_lthread(lthread), 0, 0, pager, caller.priority,
                          caller.slice_us);
    }
    const Frame old = thread.frame;
    const uint32_t old_pager = thread.pager, old_preempter = thread.internal_preempter;
    if (new_pager != keep)
        thread.pager = new_pager;
    if (new_preempter != keep)
        thread.internal_preempter = new_preempter;
    if (new_eip != keep || new_esp != keep) {
        if (&thread != &caller)
            cancel_communication(thread);
        if (new_eip != keep)
            thread.frame.eip = new_eip;
        if (new_esp != keep)
            thread.frame.esp = new_esp;
        if (thread.state == ThreadState::halted && new_eip != keep && new_esp != keep)
            scheduler.make_ready(thread);
    }
    in.eax = old.eflags;
    in.ecx = old.esp;
    in.edx = old.eip;
    in.ebx = old_preempter;
    in.esi = old_pager;
    scheduler.reschedule();
}

} // namespace kernel
