#include "kernel-model/ipc/sender_ring.hpp"

#include "kernel-model/thread/recovery.hpp"

namespace kernel {

namespace {

constinit uint64_t next_send_order = 1;

void link_before(Tcb& next, Tcb& sender) {
    sender.next_sender = &next;
    sender.previous_sender = next.previous_sender;
    next.previous_sender->next_sender = &sender;
    next.previous_sender = &sender;
}

void append(Tcb& partner, Tcb& sender) {
    if (partner.senders != nullptr) {
        link_before(*partner.senders, sender);
        return;
    }
    sender.next_sender = sender.previous_sender = &sender;
    partner.senders = &sender;
}

} // namespace

void enqueue_sender(Tcb& partner, Tcb& sender) {
    sender.send_order = next_send_order++;
    append(partner, sender);
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

void stop_polling(Tcb& sender) {
    if (sender.next_sender == nullptr)
        forget_orphan(sender);
    else
        dequeue_sender(tcb_of({sender.partner}), sender);
}

void insert_sender_by_order(Tcb& partner, Tcb& sender) {
    Tcb* younger = partner.senders;
    while (younger != nullptr && younger->send_order < sender.send_order)
        younger = younger->next_sender != partner.senders ? younger->next_sender : nullptr;
    if (younger == nullptr) {
        append(partner, sender);
        return;
    }
    link_before(*younger, sender);
    if (younger == partner.senders)
        partner.senders = &sender;
}

void note_send_order(uint64_t order) {
    if (order >= next_send_order)
        next_send_order = order + 1;
}

} // namespace kernel
