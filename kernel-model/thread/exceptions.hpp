// Exceptions of user threads.
//
// A thread may have a table of gates at user level (general_protection.cpp emulates its LIDT). Its exceptions then go on
// at its handlers with the frame that a bare processor would push without a change of privilege: EFLAGS, CS, EIP and the
// error code if the vector has one, below ESP. TF, NT and RF are clear in the handler. The table and the stack are
// user memory: where they are absent the thread has a page fault first. After that
//   - a fault is repeated by its instruction;
//   - a trap (debug, breakpoint) cannot be: its instruction is over. The thread goes on at `trap_repeat_address`, where
//     nothing is ever mapped, and its instruction fetch becomes the trap again (as in arch/sysenter.hpp). All of it is
//     data in the TCB, so recovery needs no more.
// Page faults and the first use of the x87 are the kernel's; NMI, machine check and double fault nobody's. An exception
// that cannot be delivered stops the thread.
#pragma once

#include "kernel-model/thread/tcb.hpp"

namespace kernel {

inline constexpr uint32_t trap_repeat_address = 0xFFFFFFE0u; // above all that is mapped

// Halts the thread and says so on the console: which thread, why, vector, EIP, error code, address.
void stop_thread(Tcb& thread, const char* reason, uint32_t address = 0);

// The current thread has the exception of its frame's vector and error code: its handler, a page fault, or the end.
void raise_exception();
// The same with another vector, a trap after the instruction before the frame's EIP.
void raise_trap(unsigned vector);
// The same, but if it cannot be delivered nothing happens.
void offer_trap(unsigned vector);

// A page fault of the current thread's at `address`: is it one of a trap's that shall be repeated? If so it has been.
bool repeat_trap(uint32_t address);

// As Hazelnut has it: room for 32 gates below the end of user space.
constexpr bool may_be_gate_table(uint32_t address) {
    constexpr uint32_t bytes_max = 32 * 8;
    return address < l4::user_space_end - bytes_max;
}

// Could the kernel have written what the TCB says about exceptions?
bool has_sound_exception_state(const Tcb& thread);

} // namespace kernel
