// The threads that poll on one thread: a ring through their TCBs, from the oldest (Tcb::senders) on.
//
// Every polling thread stands in its partner's ring (when a thread is deleted, its senders are told), or it is an
// orphan of a recovery that is not complete; then the partner's TCB may be absent (I6).
#pragma once

#include "kernel-model/thread/tcb.hpp"

namespace kernel {

// Behind all others, with the next send_order.
void enqueue_sender(Tcb& partner, Tcb& sender);
void dequeue_sender(Tcb& partner, Tcb& sender);

// Leaves the ring of the thread it polls on.
void stop_polling(Tcb& sender);

// Recovery: puts a polling thread back into its partner's ring by its send_order; the next one to be given is higher.
void insert_sender_by_order(Tcb& partner, Tcb& sender);
void note_send_order(uint64_t order);

} // namespace kernel
