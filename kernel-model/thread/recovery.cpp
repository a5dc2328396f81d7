#include "kernel-model/thread/recovery.hpp"

#include "kernel-model/abi/kernel_info.hpp"
#include "kernel-model/abi/syscalls.hpp"
#include "kernel-model/abi/system_layout.hpp"
#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/entry_layout.h"
#include "kernel-model/arch/handlers.hpp"
#include "kernel-model/arch/interrupt_table.hpp"
#include "kernel-model/arch/layout.hpp"
#include "kernel-model/arch/selectors.h"
#include "kernel-model/boot/boot_information.hpp"
#include "kernel-model/ipc/ipc_engine.hpp"
#include "kernel-model/ipc/sender_ring.hpp"
#include "kernel-model/ipc/transfer_pair.hpp"
#include "kernel-model/memory/address_spaces.hpp"
#include "kernel-model/thread/exceptions.hpp"
#include "kernel-model/thread/scheduler.hpp"
#include "kernel-model/thread/task.hpp"
#include "kernel-model/thread/tcb_array.hpp"

namespace kernel {

namespace {

using Operation = l4::RecoveryOperation;
using Result = l4::RecoveryResult;

constinit ThreadIndex first_orphan = no_thread;
constinit uint64_t wakeup_shift_us = 0; // what the snapshot's absolute timeouts lack on this boot's clock
constinit uint32_t damaged_pages[tcb_page_count / 32] = {};

void mark_damaged(unsigned page) {
    damaged_pages[page / 32] |= 1u << page % 32;
}
bool is_damaged(unsigned page) {
    return damaged_pages[page / 32] >> page % 32 & 1;
}

bool names_persistent_thread(uint32_t id) {
    return id != any_partner && is_persistent(l4::ThreadId{id}.task());
}

// The eflags that user level can have changed: arithmetic, trap, direction, nested task, resume, alignment
// check, ID.
constexpr uint32_t user_eflags = 0x00254DD5u;

bool is_system_call_of_ipc(uint32_t vector) {
    return vector == vector_ipc || vector == VECTOR_SYSENTER || vector == VECTOR_SYSENTER_PLAIN;
}

// The states of ipc/transfer_pair.hpp's table.
bool is_state_in_transfer(const Tcb& tcb) {
    const bool asks_pager = tcb.state == ThreadState::polling || tcb.state == ThreadState::waiting;
    switch (tcb.transfer.role) {
    case TransferRole::none:
        return tcb.state != ThreadState::locked;
    case TransferRole::sender:
        if (asks_pager)
            return tcb.kind != IpcKind::user;
        return tcb.state == ThreadState::running || tcb.state == ThreadState::locked;
    case TransferRole::receiver:
        return asks_pager ? tcb.kind == IpcKind::page_fault : tcb.state == ThreadState::locked;
    }
    return false;
}

// The frame of a sender, and only that, says that a transfer goes on. What the progress says needs no check: it is only
// compared with what is in user memory.
bool is_transfer_sound(const Tcb& tcb) {
    const TransferState& transfer = tcb.transfer;
    const bool sends = transfer.role == TransferRole::sender;
    return is_state_in_transfer(tcb) && transfer.progress.stage <= TransferStage::done &&
           sends == (tcb.frame.vector == VECTOR_IN_TRANSFER) &&
           (!sends || is_system_call_of_ipc(transfer.entry_vector));
}

// A TCB is believed only if the kernel itself could have written it.
bool is_sound(const Tcb& tcb) {
    const l4::ThreadId id = tcb.thread_id();
    const Frame& frame = tcb.frame;
    return tcb.magic == tcb_magic && id.task() == task_of(tcb) && id.lthread() == lthread_of(tcb) &&
           tcb.state <= ThreadState::locked && tcb.kind <= IpcKind::tcb_fault && is_transfer_sound(tcb) &&
           (tcb.kind == IpcKind::user || tcb.state == ThreadState::polling ||
            tcb.state == ThreadState::waiting) &&
           has_sound_exception_state(tcb) && frame.cs == SELECTOR_USER_CODE &&
           frame.ss == SELECTOR_USER_DATA && tcb.interrupt_lines == 0 &&
           (frame.eflags & ~user_eflags) == (cpu::eflags_reserved_one | cpu::eflags_interrupts);
}

void remember_orphan(Tcb& thread) {
    scheduler.entry(thread).orphan_next = first_orphan;
    first_orphan = index_of(thread);
}

// Orphans that poll on `partner` join its ring.
void collect_orphans_of(Tcb& partner) {
    ThreadIndex* link = &first_orphan;
    while (*link != no_thread) {
        Tcb& orphan = tcb_at(*link);
        SchedulerEntry& entry = scheduler.entry(orphan);
        if (orphan.partner != partner.id) {
            link = &entry.orphan_next;
            continue;
        }
        *link = entry.orphan_next;
        entry.orphan_next = no_thread;
        insert_sender_by_order(partner, orphan);
    }
}

void restore_wakeup(Tcb& thread, uint64_t saved_us) {
    if (saved_us != no_wakeup)
        scheduler.set_absolute_wakeup(thread, saved_us + wakeup_shift_us);
}

void mend_polling(Tcb& thread, uint64_t wakeup_us) {
    if (!names_persistent_thread(thread.partner)) {
        complete(thread, condition_code(l4::IpcError::send_aborted));
        return;
    }
    note_send_order(thread.send_order);
    restore_wakeup(thread, wakeup_us);
    Tcb& partner = tcb_of({thread.partner});
    if (scheduler.entry(partner).known)
        insert_sender_by_order(partner, thread);
    else
        remember_orphan(thread);
}

void mend_waiting(Tcb& thread, uint64_t wakeup_us) {
    const bool sleeps = thread.partner == 0, open = thread.partner == any_partner;
    if (!sleeps && !open && !names_persistent_thread(thread.partner))
        complete(thread, condition_code(l4::IpcError::receive_aborted));
    else
        restore_wakeup(thread, wakeup_us);
}

// A pair of threads in a transfer goes on when both are back. False: the thread's partner is outside the persistent world
// or knows of no transfer; its ipc is aborted.
bool mend_transfer(Tcb& thread) {
    const bool is_back = scheduler.entry(tcb_of({thread.transfer.partner})).known;
    if (names_persistent_thread(thread.transfer.partner) &&
        (!is_back || partner_in_transfer(thread) != nullptr))
        return true;
    abort_transfer(thread);
    return false;
}

void mend_state(Tcb& thread, uint64_t wakeup_us) {
    // A sender looks for itself whether the receiver's page has come.
    const bool transfers =
        thread.state == ThreadState::locked && thread.transfer.role == TransferRole::sender;
    if (thread.state == ThreadState::polling)
        mend_polling(thread, wakeup_us);
    else if (thread.state == ThreadState::waiting)
        mend_waiting(thread, wakeup_us);
    else if (thread.state == ThreadState::running || transfers)
        scheduler.make_ready(thread);
}

void mend_thread(Tcb& thread) {
    SchedulerEntry& entry = scheduler.entry(thread);
    entry.known = true;
    entry.priority = thread.priority;
    entry.slice_left_us = thread.slice_us;
    thread.senders = thread.next_sender = thread.previous_sender = nullptr;
    const uint64_t wakeup_us = thread.wakeup_us;
    thread.wakeup_us = no_wakeup; // it is in no queue yet
    if (!in_transfer(thread) || mend_transfer(thread))
        mend_state(thread, wakeup_us);
    entry.repeats_fault = false; // its fault_begin belongs to the run before the crash
    collect_orphans_of(thread);
}

Result begin(uint64_t snapshot_clock_us) {
    const uint64_t now_us = kernel_info.clock_us;
    if (snapshot_clock_us >= now_us) {
        const uint64_t forward_us = snapshot_clock_us - now_us;
        kernel_info.clock_us = snapshot_clock_us;
        scheduler.shift_wakeups(forward_us);
        wakeup_shift_us = 0;
    } else {
        wakeup_shift_us = now_us - snapshot_clock_us;
    }
    return Result::ok;
}

// `offered`: the caller's page with the content; 0: the TCB pager is asked.
Result adopt(uint32_t address, l4::Fpage offered) {
    if (!in_tcb_array(address) || address % l4::page_size != 0 ||
        !is_persistent(l4::task_of_tcb_address(address)))
        return Result::bad_argument;
    const unsigned page = (address - l4::tcb_array_base) / l4::page_size;
    forget_unused_tcb_page(page);
    if (offered.raw != 0 && !receive_tcb_page(task_of(*current_thread), address, {0, offered}))
        return Result::bad_argument;
    if (!touch_read(*reinterpret_cast<const Tcb*>(address)))
        return Result::bad_argument; // the TCB pager thread would have to ask itself
    return is_damaged(page) ? Result::damaged_tcb : Result::ok;
}

} // namespace

void forget_orphan(Tcb& thread) {
    ThreadIndex* link = &first_orphan;
    while (*link != no_thread && *link != index_of(thread))
        link = &scheduler.entry(*link).orphan_next;
    if (*link == no_thread)
        return;
    *link = scheduler.entry(thread).orphan_next;
    scheduler.entry(thread).orphan_next = no_thread;
}

void tcb_page_arrived(unsigned page) {
    for (unsigned slot = 0; slot < tcbs_per_page; ++slot) {
        Tcb& tcb = tcb_in_page(page, slot);
        if (scheduler.entry(tcb).known)
            continue;
        const unsigned task = task_of(tcb);
        const bool task_state = lthread_of(tcb) == 0 && tcb.task.recorded;
        if (tcb.state == ThreadState::unused && tcb.id == 0 && !task_state)
            continue;
        const bool sound = tcb.state == ThreadState::unused ? tcb.magic == tcb_magic : is_sound(tcb);
        if (!sound) {
            mark_damaged(page);
            tcb.id = 0;
            tcb.state = ThreadState::unused;
            continue;
        }
        const bool first = lthread_of(tcb) == 0;
        if (!restore_task(task, first ? &tcb.task : nullptr)) {
            mark_damaged(page); // no memory for its directory: the thread cannot run
            continue;
        }
        if (tcb.state != ThreadState::unused)
            mend_thread(tcb);
    }
}

void call_recovery() {
    Frame& frame = current_thread->frame;
    const bool permitted =
        tcb_paging.pager != 0 && task_of(*current_thread) == l4::ThreadId{tcb_paging.pager}.task();
    Result result = Result::not_permitted;
    if (permitted) {
        switch (Operation{frame.eax}) {
        case Operation::begin:
            result = begin(uint64_t{frame.ecx} << 32 | frame.edx);
            break;
        case Operation::adopt:
            result = adopt(frame.ebx, l4::Fpage{frame.edx});
            break;
        case Operation::take_written:
            result = take_written_tcb_pages(frame.ebx) ? Result::ok : Result::bad_argument;
            break;
        default:
            result = Result::bad_argument;
        }
    }
    frame.eax = static_cast<uint32_t>(result);
    scheduler.reschedule();
}

} // namespace kernel
