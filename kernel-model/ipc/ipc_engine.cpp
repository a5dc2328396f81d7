#include "kernel-model/ipc/ipc_engine.hpp"

#include "kernel-model/arch/layout.hpp"
#include "kernel-model/ipc/interrupts.hpp"
#include "kernel-model/memory/address_spaces.hpp"
#include "kernel-model/memory/fpage_operations.hpp"
#include "kernel-model/thread/recovery.hpp"
#include "kernel-model/thread/scheduler.hpp"
#include "kernel-model/thread/task.hpp"
#include "kernel-model/thread/tcb_array.hpp"

namespace kernel {

namespace {

constinit uint64_t next_send_order = 1;

void enqueue_sender(Tcb& partner, Tcb& sender) {
    if (partner.senders == nullptr) {
        sender.next_sender = sender.previous_sender = &sender;
        partner.senders = &sender;
        return;
    }
    Tcb& oldest = *partner.senders;
    sender.next_sender = &oldest;
    sender.previous_sender = oldest.previous_sender;
    oldest.previous_sender->next_sender = &sender;
    oldest.previous_sender = &sender;
}

void dequeue_sender(Tcb& partner, Tcb& sender) {
    if (sender.next_sender == &sender) {
        partner.senders = nullptr;
    } else {
        sender.next_sender->previous_sender = sender.previous_sender;
        sender.previous_sender->next_sender = sender.next_sender;
        if (partner.senders == &sender)
            partner.senders = sender.next_sender;
    }
    sender.next_sender = sender.previous_sender = nullptr;
}

// A polling thread stands in its partner's ring (the partner exists: when it is deleted, its senders are
// told), or it is an orphan of a recovery that is not complete; then the partner's TCB may be absent (I6).
void stop_polling(Tcb& thread) {
    if (thread.next_sender == nullptr)
        forget_orphan(thread);
    else
        dequeue_sender(tcb_of({thread.partner}), thread);
}

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

// Copies the message and its map item. Returns the receiver's condition code without the sender's view: an
// error of the transfer is the receive variant, the sender's is the next number.
uint32_t transfer(const Tcb& sender, Tcb& receiver) {
    uint32_t w0 = sender.fault_w0, w1 = sender.fault_w1, w2 = 0;
    if (sender.kind == IpcKind::user) {
        w0 = sender.frame.edx;
        w1 = sender.frame.ebx;
        w2 = sender.frame.edi;
    }
    uint32_t code = sender.kind == IpcKind::tcb_fault ? l4::MessageResult::tcb_fault_bit : 0;
    if (sends_map(sender)) {
        const Window window = window_of(receiver);
        if (!window.open)
            code = condition_code(l4::IpcError::receive_cut);
        else if (window.task == tcb_array_task)
            code = receive_tcb_page(sender, receiver, {w0, l4::Fpage{w1}})
                       ? l4::MessageResult::mapped_bit
                       : condition_code(l4::IpcError::receive_map_failed);
        else if (!map_fpage(task_of(sender), {w0, l4::Fpage{w1}}, window.task, window.fpage))
            code = condition_code(l4::IpcError::receive_map_failed);
        else
            code = l4::MessageResult::mapped_bit;
    } else if (receiver.kind == IpcKind::tcb_fault) {
        tcb_pager_knows_nothing(receiver);
    }
    if (receiver.kind == IpcKind::user) {
        receiver.frame.edx = w0;
        receiver.frame.ebx = w1;
        receiver.frame.edi = w2;
        receiver.frame.esi = sender.id;
    }
    return code;
}

constexpr unsigned error_of(uint32_t code) {
    return code >> 4 & 0xF;
}

// Of each error in a transfer the sender's code is the one after the receiver's.
constexpr uint32_t as_seen_by_sender(uint32_t receiver_code) {
    return receiver_code + (1u << 4);
}

// The send phase is over. True: the sender goes on to its receive phase.
bool finish_send(Tcb& sender, uint32_t code) {
    if (sender.kind != IpcKind::user) {
        sender.state = ThreadState::waiting; // for the reply, with infinite timeout
        sender.wakeup_us = no_wakeup;
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
        scheduler.cancel_wakeup(*sender);
        const uint32_t code = transfer(*sender, receiver);
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
        const uint32_t code = transfer(sender, partner);
        complete(partner, code);
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
    sender.send_order = next_send_order++;
    scheduler.not_ready(sender);
    enqueue_sender(partner, sender);
    scheduler.set_wakeup(sender, timeout_us);
}

void start_kernel_rpc(Tcb& thread, IpcKind kind, Tcb& partner, uint32_t w0, uint32_t w1) {
    thread.kind = kind;
    thread.fault_w0 = w0;
    thread.fault_w1 = w1;
    thread.partner = partner.id;
    start_send(thread, partner, l4::Timeouts::infinite_us);
}

void complete(Tcb& thread, uint32_t message_dope) {
    if (thread.kind == IpcKind::user)
        thread.frame.eax = message_dope;
    else if (thread.kind == IpcKind::page_fault)
        scheduler.entry(thread).repeats_fault = true;
    thread.kind = IpcKind::user;
    scheduler.make_ready(thread);
}

void deliver_interrupt(Tcb& receiver, unsigned line) {
    scheduler.cancel_wakeup(receiver);
    receiver.frame.edx = receiver.frame.ebx = receiver.frame.edi = 0;
    receiver.frame.esi = l4::ThreadId::interrupt(line).raw;
    complete(receiver, 0);
}

void timeout_expired(Tcb& thread) {
    if (thread.state == ThreadState::polling) {
        stop_polling(thread);
        complete(thread, condition_code(l4::IpcError::send_timeout));
    } else if (thread.state == ThreadState::waiting) {
        complete(thread, condition_code(l4::IpcError::receive_timeout));
    }
}

void cancel_communication(Tcb& thread) {
    scheduler.cancel_wakeup(thread);
    if (thread.state == ThreadState::polling) {
        stop_polling(thread);
        complete(thread, condition_code(l4::IpcError::send_cancelled));
    } else if (thread.state == ThreadState::waiting) {
        complete(thread, condition_code(l4::IpcError::receive_cancelled));
    }
}

void forget_communication(Tcb& thread) {
    scheduler.cancel_wakeup(thread);
    if (thread.state == ThreadState::polling)
        stop_polling(thread);
    while (thread.senders != nullptr) {
        Tcb& sender = *thread.senders;
        dequeue_sender(thread, sender);
        scheduler.cancel_wakeup(sender);
        complete(sender, condition_code(l4::IpcError::no_such_thread));
    }
}

void insert_sender_by_order(Tcb& partner, Tcb& sender) {
    Tcb* const oldest = partner.senders;
    enqueue_sender(partner, sender); // the youngest, until an older place is found
    if (oldest == nullptr)
        return;
    Tcb* position = oldest->previous_sender->previous_sender; // the youngest of the others
    while (position->send_order > sender.send_order) {
        if (position == partner.senders) {
            partner.senders = &sender; // older than all others: the ring's order is already right
            return;
        }
        position = position->previous_sender;
    }
    dequeue_sender(partner, sender);
    sender.next_sender = position->next_sender;
    sender.previous_sender = position;
    position->next_sender->previous_sender = &sender;
    position->next_sender = &sender;
}

void note_send_order(uint64_t order) {
    if (order >= next_send_order)
        next_send_order = order + 1;
}

} // namespace kernel
