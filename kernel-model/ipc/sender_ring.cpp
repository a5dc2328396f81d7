#include "kernel-model/ipc/sender_ring.hpp"

#include "kernel-model/thread/recovery.hpp"

namespace kernel {

namespace {

constinit uint64_t next_send_order = 1;

void append(Tcb& partner, Tcb& sender) {
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
    Tcb* const oldest = partner.senders;
    append(partner, sender); // the youngest, until an older place is found
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
