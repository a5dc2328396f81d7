// Repeating a system call from its beginning, once something that it needs is there.
#pragma once

namespace kernel {

struct Frame;

// The frame of a system call that has not changed anything yet: when the thread goes on it makes the call again. A fault,
// also one that the kernel takes for the thread (INT 3), repeats its instruction anyway; and the frame is that of a fault
// from here on: to rewind it once more, for a TCB fault on the way to a pager, changes nothing.
void rewind_system_call(Frame& frame);

} // namespace kernel
