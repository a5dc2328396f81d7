// The transfer of messages between threads: what ipc, page faults, TCB faults, interrupts and timeouts share.
//
// A thread's communication is described by its state, kind and partner and by its entry frame:
//   polling  sends to `partner`; it stands in the partner's ring of senders
//   waiting  receives from `partner` (any_partner: from anybody; 0: sleeps)
// For kind user the frame still holds the call's arguments until the call is complete, so nothing else is
// stored.
#pragma once

#include "kernel-model/abi/types.hpp"
#include "kernel-model/thread/tcb.hpp"

#include <cstdint>

namespace kernel {

constexpr uint32_t condition_code(l4::IpcError error) {
    return static_cast<uint32_t>(error) << 4;
}

inline bool waits_for(const Tcb& receiver, uint32_t sender_id) {
    return receiver.state == ThreadState::waiting &&
           (receiver.partner == sender_id || receiver.partner == any_partner);
}

// `sender` (running, with kind and message set) sends to the existing thread `partner`: at once, or it polls.
void start_send(Tcb& sender, Tcb& partner, uint64_t timeout_us);

// The kernel asks `partner` on the thread's behalf. Blocks the thread; the caller reschedules.
void start_kernel_rpc(Tcb& thread, IpcKind kind, Tcb& partner, uint32_t w0, uint32_t w1);

// The receive phase of a user ipc. May complete the send phases of others in turn.
void start_receive(Tcb& receiver);

// Ends the ipc of a user-kind thread with this code, or the RPC of a fault-kind one, and makes the thread
// ready.
void complete(Tcb& thread, uint32_t message_dope);

// An interrupt message for a waiting thread.
void deliver_interrupt(Tcb& receiver, unsigned line);

// The thread's wait has lasted long enough.
void timeout_expired(Tcb& thread);

// lthread_ex_regs: whatever the thread waits for is cancelled.
void cancel_communication(Tcb& thread);

// The thread is deleted: it leaves its partner's ring, and those who poll on it learn that it is gone.
void forget_communication(Tcb& thread);

// Recovery: puts a polling thread back into its partner's ring, by send_order.
void insert_sender_by_order(Tcb& partner, Tcb& sender);
void note_send_order(uint64_t order); // the next to be given is higher

} // namespace kernel
