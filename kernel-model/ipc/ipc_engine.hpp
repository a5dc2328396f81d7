// The transfer of messages between threads: what ipc, page faults, TCB faults, interrupts and timeouts share.
//
// A thread's communication is described by its state, kind and partner and by its entry frame:
//   polling  sends to `partner`; it stands in the partner's ring of senders
//   waiting  receives from `partner` (any_partner: from anybody; 0: sleeps)
// A message through memory is transferred by a pair of threads, transfer_pair.hpp.
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

// The kernel asks `partner` on the thread's behalf; what is not over after `timeout_us` is given up. Blocks the
// thread; the caller reschedules.
void start_kernel_rpc(Tcb& thread, IpcKind kind, Tcb& partner, uint32_t w0, uint32_t w1, uint64_t timeout_us);

// The receive phase of a user ipc. May complete the send phases of others in turn.
void start_receive(Tcb& receiver);

// Ends the ipc of a user-kind thread with this code, or the RPC of a fault-kind one, and makes the thread
// ready: for user level, or for the transfer it is in.
void complete(Tcb& thread, uint32_t message_dope);

// An interrupt message for a waiting thread.
void deliver_interrupt(Tcb& receiver, unsigned line);

// The thread's wait has lasted long enough.
void timeout_expired(Tcb& thread);

// lthread_ex_regs: whatever the thread waits for is cancelled.
void cancel_communication(Tcb& thread);

// The thread is deleted: it leaves its partner's ring, and those who poll on it learn that it is gone.
void forget_communication(Tcb& thread);

// The message is over: both threads have their results, the sender goes on to its receive phase.
void finish_transfer(Tcb& sender, Tcb& receiver);

// The transfer ends here, for both: cancelled, or one of them is gone. The partner may not know of it.
void abort_transfer(Tcb& thread);

// The pager of `thread`, which is in a transfer, has not answered in time.
void give_up_page_fault(Tcb& thread);

} // namespace kernel
