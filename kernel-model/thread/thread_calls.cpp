// INT 0x31 id_nearest, 0x33 thread_switch, 0x34 thread_schedule, 0x35 lthread_ex_regs.
#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/handlers.hpp"
#include "kernel-model/ipc/ipc_engine.hpp"
#include "kernel-model/thread/clans.hpp"
#include "kernel-model/thread/scheduler.hpp"
#include "kernel-model/thread/task.hpp"
#include "kernel-model/thread/tcb_array.hpp"

namespace kernel {

namespace {

constexpr uint32_t keep = 0xFFFFFFFFu;

// thread_schedule's word: m_t 8 | e_t 4 | state 4 | small 8 | prio 8. There are no small spaces: 0, and ignored.
uint32_t slice_us_of(uint32_t param) {
    const uint64_t us = l4::Timeouts::decode_us(param >> 20 & 0xF, param >> 24);
    return us > 0xFFFFFFFFu ? 0 : static_cast<uint32_t>(us);
}

// A timeout's mantissa and exponent as the scheduling words have them: m 8 | e 4, at bit 20.
constexpr uint32_t mantissa_exponent_at_20(uint64_t us) {
    const uint32_t encoded = l4::Timeouts::encode_us(us); // m << 8 | e
    return (encoded >> 8) << 24 | (encoded & 0xF) << 20;
}

l4::ThreadRunState run_state_of(const Tcb& thread) {
    using enum l4::ThreadRunState;
    if (thread.state == ThreadState::halted)
        return dead;
    const bool calls_pager = thread.kind != IpcKind::user;
    if (thread.transfer.role == TransferRole::sender)
        return calls_pager ? sending_calls_pager : sending;
    if (thread.transfer.role == TransferRole::receiver)
        return calls_pager ? receiving_calls_pager : receiving;
    if (thread.state == ThreadState::running)
        return running;
    if (calls_pager)
        return running_calls_pager;
    return thread.state == ThreadState::polling ? pending : waiting;
}

bool waits_in_own_ipc(l4::ThreadRunState state) {
    return state == l4::ThreadRunState::waiting || state == l4::ThreadRunState::pending;
}

uint32_t param_of(const Tcb& thread) {
    const uint32_t slice = thread.slice_us == 0 ? 0 : mantissa_exponent_at_20(thread.slice_us);
    return slice | static_cast<uint32_t>(run_state_of(thread)) << 16 | thread.priority;
}

// ECX and EDX of thread_schedule: m_w 8 | e_w 4 | e_p 4 | consumed processor time in microseconds 48. m_w and e_w are
// what remains of the thread's timeout while it waits or sends; e_p is 0: faults at user level wait for ever.
uint64_t times_of(const Tcb& thread) {
    constexpr unsigned consumed_bits = 48;
    uint32_t wakeup = 0;
    if (waits_in_own_ipc(run_state_of(thread)) && thread.wakeup_us != no_wakeup) {
        const uint64_t now_us = scheduler.clock_us();
        wakeup = mantissa_exponent_at_20(thread.wakeup_us > now_us ? thread.wakeup_us - now_us : 0);
    }
    return uint64_t{wakeup} << 32 | (thread.consumed_us & ((uint64_t{1} << consumed_bits) - 1));
}

// A thread may be scheduled from its own task and from those above it, if its priority is none that the caller's task
// may not give. (The manual asks for the priority only.)
bool may_schedule(unsigned caller_task, const Tcb& thread) {
    const unsigned task = task_of(thread);
    if (!is_at_or_below(task, caller_task, chief_of_task))
        touch_chiefs(task);
    return is_at_or_below(task, caller_task, chief_of_task) &&
           thread.priority <= task_entry(caller_task).state.mcp;
}

} // namespace

// ESI dest. Out: EAX type, ESI whom a message to dest reaches first. nil: the caller itself; invalid: its chief.
void call_id_nearest() {
    Frame& frame = current_thread->frame;
    const l4::ThreadId dest{frame.esi};
    const unsigned caller_task = task_of(*current_thread);
    touch_chiefs(caller_task);
    l4::ThreadId nearest = dest;
    auto relation = l4::ClanRelation::same_clan;
    if (dest.is_nil()) {
        nearest = current_thread->thread_id();
    } else if (dest == l4::invalid_thread) {
        nearest = first_thread_of(chief_of_task(caller_task));
        relation = l4::ClanRelation::outer_clan;
    } else if (dest.task() != 0) { // else an interrupt or the kernel: nobody stands between
        touch_chiefs(dest.task());
        const NearestTask found = nearest_task(caller_task, dest.task(), chief_of_task);
        relation = found.relation;
        if (relation != l4::ClanRelation::same_clan)
            nearest = first_thread_of(found.task);
    }
    frame.esi = nearest.raw;
    frame.eax = static_cast<uint32_t>(relation);
}

// ESI dest. A ready dest runs on the caller's time slice, whatever its priority; else somebody of the highest
// priority does, perhaps the caller again.
void call_thread_switch() {
    Tcb* const dest = find_thread({current_thread->frame.esi});
    if (dest != nullptr && scheduler.is_ready(*dest))
        scheduler.donate_to(*dest);
    else
        scheduler.yield();
    scheduler.reschedule();
}

// EAX param word, EBX external preempter, ESI dest; 0xFFFFFFFF keeps either. Out: EAX old param word, EBX old
// preempter, ECX and EDX times, ESI partner of the thread's own IPC (invalid: anybody; nil: none).
// Refused, with EAX 0xFFFFFFFF and nothing changed: no such thread, not the caller's to schedule, or a new priority
// above the caller's mcp.
void call_thread_schedule() {
    Frame& frame = current_thread->frame;
    const unsigned caller_task = task_of(*current_thread);
    Tcb* const thread = find_thread({frame.esi});
    const uint32_t param = frame.eax, new_preempter = frame.ebx;
    const auto priority = static_cast<uint8_t>(param);
    if (thread == nullptr || !may_schedule(caller_task, *thread) ||
        (param != keep && priority > task_entry(caller_task).state.mcp)) {
        frame.eax = frame.ebx = keep;
        frame.ecx = frame.edx = frame.esi = 0;
        return;
    }
    const uint64_t times = times_of(*thread);
    frame.eax = param_of(*thread);
    frame.ebx = thread->external_preempter;
    frame.ecx = static_cast<uint32_t>(times);
    frame.edx = static_cast<uint32_t>(times >> 32);
    frame.esi = waits_in_own_ipc(run_state_of(*thread)) ? thread->partner : 0;
    if (new_preempter != keep)
        thread->external_preempter = new_preempter;
    if (param != keep) {
        thread->slice_us = slice_us_of(param);
        scheduler.entry(*thread).slice_left_us = thread->slice_us;
        scheduler.set_priority(*thread, priority);
    }
    scheduler.reschedule();
}

// EAX lthread, ECX ESP, EDX EIP, EBX internal preempter, ESI pager; 0xFFFFFFFF keeps. Out: the old values, EAX EFLAGS.
// A new EIP or ESP cancels what the thread waits for, a page fault as well. An lthread without a thread gets one by
// them, with the caller's priority and slice and, if none is given, its pager; its old values are 0xFFFFFFFF, EFLAGS 0.
// A thread that is not running (new, or stopped by an exception) starts with a new EIP.
void call_lthread_ex_regs() {
    Tcb& caller = *current_thread;
    Frame& in = caller.frame;
    const uint32_t new_esp = in.ecx, new_eip = in.edx, new_preempter = in.ebx, new_pager = in.esi;
    const bool moves = new_eip != keep || new_esp != keep;
    const unsigned lthread = in.eax & (l4::threads_per_task - 1);
    Tcb& thread = tcb_at(task_of(caller) * l4::threads_per_task + lthread);
    if (moves)
        touch_write(thread);
    else
        touch_read(thread); // to ask for a thread that is not there creates none

    uint32_t old_eflags = 0, old_esp = keep, old_eip = keep, old_preempter = keep, old_pager = keep;
    if (thread.state != ThreadState::unused) {
        old_eflags = thread.frame.eflags;
        old_esp = thread.frame.esp;
        old_eip = thread.frame.eip;
        old_preempter = thread.internal_preempter;
        old_pager = thread.pager;
    } else if (moves) {
        initialise_thread(thread, l4::ThreadId{caller.id}.with_lthread(lthread), 0, 0,
                          l4::ThreadId{caller.pager}, caller.priority, caller.slice_us);
    }
    if (thread.state != ThreadState::unused) {
        if (new_pager != keep)
            thread.pager = new_pager;
        if (new_preempter != keep)
            thread.internal_preempter = new_preempter;
        if (moves && &thread != &caller)
            cancel_communication(thread);
        if (new_esp != keep)
            thread.frame.esp = new_esp;
        if (new_eip != keep)
            thread.frame.eip = new_eip;
        if (new_eip != keep && thread.state == ThreadState::halted)
            scheduler.make_ready(thread);
    }
    in.eax = old_eflags;
    in.ecx = old_esp;
    in.edx = old_eip;
    in.ebx = old_preempter;
    in.esi = old_pager;
    scheduler.reschedule();
}

} // namespace kernel
