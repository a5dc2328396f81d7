// Interrupts as messages.
//
// A driver receives with timeout 0 from the interrupt's id to associate itself with the line. When the line
// fires, the kernel masks it, acknowledges it and sends a message from the interrupt id; the line is unmasked
// when the driver next receives. A thread has one line: associating itself with another, or a receive with timeout 0
// from nil, gives up the one before. Tasks outside the persistent world only: after a crash drivers start afresh.
#pragma once

#include "kernel-model/abi/types.hpp"
#include "kernel-model/thread/tcb.hpp"

namespace kernel {

inline constexpr unsigned irq_line_count = 16;

// A line has fired; makes the right thread current.
void interrupt_arrived(unsigned line);

// Associates `thread` with the line if it is free and no interrupt of it waits for the thread already, with the ABI's
// result (receive timeout) in its frame.
bool associate_interrupt(Tcb& thread, l4::ThreadId interrupt);
bool has_interrupt(const Tcb& thread, l4::ThreadId interrupt);

// A line of the thread's that has fired already, or -1 after unmasking those it now waits for.
int take_pending_interrupt(const Tcb& thread, bool open, l4::ThreadId interrupt);

void detach_interrupts(Tcb& thread);

} // namespace kernel
