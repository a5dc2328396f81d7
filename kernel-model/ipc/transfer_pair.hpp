// Two threads in the transfer of a memory message, and whose turn it is.
//
//   role      state                          meaning
//   --------  -----------------------------  ----------------------------------------------------------------------
//   sender    running                        copies when it has the processor; Frame::vector is VECTOR_IN_TRANSFER, so
//                                            that arch/entries.S goes on with the transfer instead of user level
//             locked                         waits until the receiver's page fault has been served
//             polling, waiting (page_fault)  asks its own pager
//   receiver  locked                         waits for the sender
//             polling, waiting (page_fault)  asks its pager
//
// Both TCBs name each other, and all that is needed to go on is in them: a transfer survives a crash between
// any two of its steps. After a recovery one TCB may come back before the other.
#pragma once

#include "kernel-model/thread/tcb.hpp"

namespace kernel {

inline bool in_transfer(const Tcb& thread) {
    return thread.transfer.role != TransferRole::none;
}

// More than registers and one map item: of a sending thread whose dopes have been read (ipc.cpp).
bool sends_memory(const Tcb& sender);

// Must something be copied, or the receiver's window be read, in the receiver's memory? A receiver that takes registers
// only is never locked: nobody can hold it up by page faults.
bool needs_transfer(const Tcb& sender, const Tcb& receiver);

// The send phase of `sender` is over, it transfers to `receiver`, which is locked from here on.
void pair_up(Tcb& sender, Tcb& receiver);

// The other thread of the pair; null: it does not know of it (any more), or has not come back from the store yet.
// Touches no TCB that may be absent.
Tcb* partner_in_transfer(const Tcb& thread);

// The thread is in no transfer any more; a sender's frame is again that of its ipc.
void leave_transfer(Tcb& thread);

// The pager has answered a page fault of the transfer: whose turn it is goes on.
void transfer_page_arrived(Tcb& thread);

} // namespace kernel
