// Recovery of threads (INT 0x37, for the TCB pager's task only; its third operation, take_written, is tcb_array.hpp's).
//
// The TCB pager tells the snapshot's clock (begin), then names every TCB page it has saved (adopt). A page
// arrives by an ordinary TCB fault; as it arrives, and before anything else looks at it, its threads are
// mended:
//
//   state in the snapshot                         | after recovery
//   ----------------------------------------------|---------------------------------------------------------
//   running                                       | ready
//   ipc with a persistent partner                 | exactly as it was; rings of senders rebuilt by send_order
//   ipc, sending to a non-persistent partner      | returns send_aborted (13)
//   ipc, closed receive from one                  | returns receive_aborted (12)
//   open wait, sleep                              | as it was
//   page-fault RPC to a persistent pager          | as it was: the reply still arrives
//   page-fault RPC to a non-persistent pager      | the instruction is repeated
//   TCB fault                                     | the system call is repeated
//   timeouts                                      | rebased: the clock goes on from the snapshot's
//   priority, slice, pager, registers             | as they were
//   ready and wakeup queues                       | membership rebuilt here
//   page directory, mappings                      | empty; page faults fill them
//   task state (chief, mcp, version, owner)       | from the TCB of lthread 0
//   FPU                                           | nobody's; registers are in the TCB
//
// A polling thread whose partner's page has not arrived yet is an *orphan* until it does.
#pragma once

#include "kernel-model/thread/tcb.hpp"

#include <cstdint>

namespace kernel {

// A TCB page has just been mapped.
void tcb_page_arrived(unsigned page);

// An orphan gives up (timeout, cancelled, deleted) before its partner has come back.
void forget_orphan(Tcb& thread);

} // namespace kernel
