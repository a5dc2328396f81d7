#include "kernel-model/ipc/ipc_engine.hpp"

#include "kernel-model/arch/layout.hpp"
#include "kernel-model/ipc/interrupts.hpp"
#include "kernel-model/ipc/sender_ring.hpp"
#include "kernel-model/ipc/transfer_pair.hpp"
#include "kernel-model/memory/address_spaces.hpp"
#include "kernel-model/memory/fpage_operations.hpp"
#include "kernel-model/thread/scheduler.hpp"
#include "kernel-model/thread/task.hpp"
#include "kernel-model/thread/tcb_array.hpp"

namespace kernel {

namespace {

bool sends_map(const Tcb& sender) {
    return sender.kind == IpcKind::user && (sender.frame.eax & l4::send_map);
}

// Where a receiver wants map items, and in whose space.
struct Window {
    unsigned task;
    l4::Fpage fpage;
    bool open;
};
Window window_of(const Tcb& receiver) {
    const unsigned task = task_of(receiver);
    switch (receiver.kind) {
    case IpcKind::page_fault:
        return {task, l4::Fpage::whole_space(), true};
    case IpcKind::tcb_fault:
        return {tcb_array_task, l4::Fpage::make(page_of(receiver.fault_w0), l4::page_bits), true};
    case IpcKind::user:
        break;
    }
    const uint32_t descriptor = receiver.frame.ebp;
    if (descriptor & l4::receive_window_bit)
        return {task, l4::Fpage{descriptor & ~3u}, true};
    return {task, {}, false};
}

// The map item in words 0 and 1; the receiver's condition code. In a message between threads of one space nothing is
// mapped, as Hazelnut has it; the answer of a pager to its own task's fault is.
uint32_t transfer_map_item(const Tcb& sender, const Tcb& receiver) {
    const MapItem item{sender.frame.edx, l4::Fpage{sender.frame.ebx}};
    const Window window = window_of(receiver);
    if (window.task == task_of(sender) && receiver.kind == IpcKind::user)
        return 0;
    if (!window.open)
        return condition_code(l4::IpcError::receive_cut);
    const bool mapped = window.task == tcb_array_task
                            ? receive_tcb_page(task_of(sender), receiver.fault_w0, item)
                            : map_fpage(task_of(sender), item, window.task, window.fpage);
    return mapped ? l4::MessageResult::mapped_bit : condition_code(l4::IpcError::receive_map_failed);
}

// In whose name a message comes: the sender's, or, if it is propagated, that of the thread whose message the sender has
// received last. Either that thread or the receiver must be of the sender's task: others are not spoken for.
Tcb* propagated_sender(const Tcb& sender, const Tcb& receiver) {
    if (sender.kind != IpcKind::user || !(sender.frame.eax & l4::send_propagated))
        return nullptr;
    const l4::ThreadId id{sender.last_sender};
    const bool may_speak = id.task() == task_of(sender) || task_of(receiver) == task_of(sender);
    return may_speak && is_thread_present(id) && id.raw != receiver.id ? &tcb_of(id) : nullptr;
}

// The words and the sender; returns what of the condition code tells of them. If the message is propagated and its
// originator waits for the sender's answer, it waits for the receiver's from here on.
uint32_t deliver_words(const Tcb& sender, Tcb& receiver) {
    const bool of_user = sender.kind == IpcKind::user;
    Frame& to = receiver.frame;
    to.edx = of_user ? sender.frame.edx : sender.fault_w0;
    to.ebx = of_user ? sender.frame.ebx : sender.fault_w1;
    to.edi = of_user ? sender.frame.edi : 0;
    Tcb* const originator = propagated_sender(sender, receiver);
    to.esi = receiver.last_sender = originator != nullptr ? originator->id : sender.id;
    if (originator == nullptr)
        return 0;
    if (originator->state == ThreadState::waiting && originator->kind == IpcKind::user &&
        originator->partner == sender.id)
        originator->partner = receiver.id;
    return l4::MessageResult::propagated_bit;
}

constexpr unsigned error_of(uint32_t code) {
    return code >> 4 & 0xF;
}

// A register message with its map item. Returns the receiver's condition code: an error of the transfer is the
// receive variant, the sender's is the next number.
uint32_t transfer_registers(const Tcb& sender, Tcb& receiver) {
    uint32_t code = sender.kind == IpcKind::tcb_fault ? l4::MessageResult::tcb_fault_bit : 0;
    if (sends_map(sender))
        code = transfer_map_item(sender, receiver);
    else if (receiver.kind == IpcKind::tcb_fault)
        tcb_pager_knows_nothing(receiver);
    if (receiver.kind != IpcKind::user)
        return code; // of a pager's answer only the map item counts
    code |= deliver_words(sender, receiver);
    if (sends_memory(sender) && error_of(code) == 0)
        code |= condition_code(l4::IpcError::receive_cut);
    return code;
}

// Of each error in a transfer the sender's code is the one after the receiver's.
constexpr uint32_t as_seen_by_sender(uint32_t receiver_code) {
    return condition_code(static_cast<l4::IpcError>(error_of(receiver_code) + 1));
}

// The send phase is over. True: the sender goes on to its receive phase.
bool finish_send(Tcb& sender, uint32_t code) {
    if (sender.kind != IpcKind::user) {
        sender.state = ThreadState::waiting; // for the reply, until the time at which all of it is given up
        scheduler.not_ready(sender);
        return false;
    }
    if (error_of(code) != 0) {
        complete(sender, as_seen_by_sender(code));
        return false;
    }
    if (sender.frame.ebp == l4::no_receive) {
        complete(sender, 0);
        return false;
    }
    return true;
}

// One receive phase. Returns the thread whose send phase it has ended and whose receive phase is next, or
// null.
Tcb* receive_step(Tcb& receiver) {
    const uint32_t descriptor = receiver.frame.ebp;
    const bool open = descriptor & l4::open_wait;
    const l4::ThreadId source{receiver.frame.esi};
    const l4::Timeouts timeouts{receiver.frame.ecx};

    if (receiver.interrupt_lines != 0 && (open || source.is_interrupt())) {
        const int line = take_pending_interrupt(receiver, open, source);
        if (line >= 0) {
            deliver_interrupt(receiver, static_cast<unsigned>(line));
            return nullptr;
        }
    }
    Tcb* sender = nullptr;
    if (open) {
        sender = receiver.senders;
    } else if (!source.is_nil() && !source.is_interrupt()) {
        Tcb& candidate = tcb_of(source);
        if (candidate.state == ThreadState::polling && candidate.partner == receiver.id &&
            candidate.id == source.raw)
            sender = &candidate;
    }
    if (sender != nullptr) {
        dequeue_sender(receiver, *sender);
        if (sender->kind == IpcKind::user)
            scheduler.cancel_wakeup(*sender); // that of a page fault is for question and answer
        if (needs_transfer(*sender, receiver)) {
            pair_up(*sender, receiver);
            return nullptr;
        }
        const uint32_t code = transfer_registers(*sender, receiver);
        complete(receiver, code);
        return finish_send(*sender, code) ? sender : nullptr;
    }
    const uint64_t timeout_us = timeouts.receive_us();
    if (timeout_us == 0) {
        complete(receiver, condition_code(l4::IpcError::receive_timeout));
        return nullptr;
    }
    receiver.partner = open ? any_partner : source.raw;
    receiver.state = ThreadState::waiting;
    scheduler.not_ready(receiver);
    scheduler.set_wakeup(receiver, timeout_us);
    return nullptr;
}

} // namespace

void start_receive(Tcb& receiver) {
    for (Tcb* thread = &receiver; thread != nullptr;)
        thread = receive_step(*thread);
}

void start_send(Tcb& sender, Tcb& partner, uint64_t timeout_us) {
    if (waits_for(partner, sender.id)) {
        scheduler.cancel_wakeup(partner);
        if (needs_transfer(sender, partner)) {
            pair_up(sender, partner);
            return;
        }
        const uint32_t code = transfer_registers(sender, partner);
        complete(partner, code);
        if (partner.state ==
            ThreadState::running) // else it was asked for a page of a transfer, where the sender goes on
            scheduler.hand_over_to(partner);
        if (finish_send(sender, code))
            start_receive(sender);
        return;
    }
    if (timeout_us == 0) {
        complete(sender, condition_code(l4::IpcError::send_timeout));
        return;
    }
    sender.partner = partner.id;
    sender.state = ThreadState::polling;
    scheduler.not_ready(sender);
    enqueue_sender(partner, sender);
    scheduler.set_wakeup(sender, timeout_us);
}

void start_kernel_rpc(Tcb& thread, IpcKind kind, Tcb& partner, uint32_t w0, uint32_t w1,
                      uint64_t timeout_us) {
    thread.kind = kind;
    thread.fault_w0 = w0;
    thread.fault_w1 = w1;
    thread.partner = partner.id;
    scheduler.set_wakeup(thread, timeout_us);
    start_send(thread, partner, l4::Timeouts::infinite_us);
}

void complete(Tcb& thread, uint32_t message_dope) {
    const IpcKind kind = thread.kind;
    thread.kind = IpcKind::user;
    if (in_transfer(thread)) {
        transfer_page_arrived(thread);
        return;
    }
    if (kind == IpcKind::user)
        thread.frame.eax = message_dope;
    else if (kind == IpcKind::page_fault)
        scheduler.entry(thread).repeats_fault = true;
    scheduler.make_ready(thread);
}

void finish_transfer(Tcb& sender, Tcb& receiver) {
    const uint32_t code = sender.transfer.progress.result | deliver_words(sender, receiver);
    leave_transfer(sender);
    leave_transfer(receiver);
    complete(receiver, code);
    scheduler.hand_over_to(receiver);
    if (finish_send(sender, code))
        start_receive(sender);
}

namespace {

// Whatever the thread does for the transfer, it does no longer.
void withdraw_from_transfer(Tcb& thread) {
    scheduler.cancel_wakeup(thread);
    if (thread.state == ThreadState::polling)
        stop_polling(thread);
    thread.kind = IpcKind::user;
    leave_transfer(thread);
}

uint32_t code_for(TransferRole role, l4::IpcError receiver_error) {
    const uint32_t code = condition_code(receiver_error);
    return role == TransferRole::sender ? as_seen_by_sender(code) : code;
}

// Ends the transfer for the thread's partner.
void release_partner(Tcb& thread, l4::IpcError receiver_error) {
    Tcb* const partner = partner_in_transfer(thread);
    if (partner == nullptr)
        return;
    const uint32_t code = code_for(partner->transfer.role, receiver_error);
    withdraw_from_transfer(*partner);
    complete(*partner, code);
}

void break_transfer_off(Tcb& thread, l4::IpcError receiver_error) {
    const uint32_t code = code_for(thread.transfer.role, receiver_error);
    release_partner(thread, receiver_error);
    withdraw_from_transfer(thread);
    complete(thread, code);
}

} // namespace

void abort_transfer(Tcb& thread) {
    break_transfer_off(thread, l4::IpcError::receive_aborted);
}

void give_up_page_fault(Tcb& thread) {
    break_transfer_off(thread, thread.transfer.role == TransferRole::sender
                                   ? l4::IpcError::receive_page_fault_timeout
                                   : l4::IpcError::send_page_fault_timeout);
}

void deliver_interrupt(Tcb& receiver, unsigned line) {
    scheduler.cancel_wakeup(receiver);
    receiver.frame.edx = receiver.frame.ebx = receiver.frame.edi = 0;
    receiver.frame.esi = receiver.last_sender = l4::ThreadId::interrupt(line).raw;
    complete(receiver, 0);
}

void timeout_expired(Tcb& thread) {
    if (in_transfer(thread)) {
        give_up_page_fault(thread);
    } else if (thread.state == ThreadState::polling) {
        stop_polling(thread);
        complete(thread, condition_code(l4::IpcError::send_timeout));
    } else if (thread.state == ThreadState::waiting) {
        complete(thread, condition_code(l4::IpcError::receive_timeout));
    }
}

void cancel_communication(Tcb& thread) {
    if (in_transfer(thread)) {
        abort_transfer(thread);
        return;
    }
    scheduler.cancel_wakeup(thread);
    if (thread.state == ThreadState::polling) {
        stop_polling(thread);
        complete(thread, condition_code(l4::IpcError::send_cancelled));
    } else if (thread.state == ThreadState::waiting) {
        complete(thread, condition_code(l4::IpcError::receive_cancelled));
    }
}

void forget_communication(Tcb& thread) {
    if (in_transfer(thread)) {
        release_partner(thread, l4::IpcError::receive_aborted);
        withdraw_from_transfer(thread);
    } else {
        scheduler.cancel_wakeup(thread);
        if (thread.state == ThreadState::polling)
            stop_polling(thread);
    }
    while (thread.senders != nullptr) {
        Tcb& sender = *thread.senders;
        dequeue_sender(thread, sender);
        scheduler.cancel_wakeup(sender);
        complete(sender, condition_code(l4::IpcError::no_such_thread));
    }
}

} // namespace kernel
