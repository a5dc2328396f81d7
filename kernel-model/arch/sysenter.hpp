// ipc by SYSENTER.
//
// SYSENTER saves nothing: not EIP, not ESP, not EFLAGS. The caller leaves its return address, ECX and EBP on its own
// stack and its ESP in ECX (abi/sysenter.hpp), so the kernel must read memory that it cannot trust. It does so at
// few instructions, listed in `sysenter_reads`, on the kernel stack and before any side effect. A fault there is a
// page fault of the user's, and the call is to be repeated; but where the SYSENTER stands is unknown. So the thread
// goes on at `repeat_address`, where nothing is ever mapped, with the registers that it had at the SYSENTER: its
// instruction fetch faults, and the kernel takes that for the SYSENTER. A program that jumps there itself executes
// nothing but a SYSENTER. All of that is data in the TCB, as the recovery of a thread in such a fault needs it.
//
// EFLAGS come in as the caller has them: a single step (TF) traps at the kernel's first instruction and becomes the
// caller's debug exception; NT and DF are cleared before anything that they could disturb. IOPL is a task's, not a
// thread's, so SYSEXIT, which keeps it, is used only between tasks with equal rights.
#pragma once

#include <cstdint>

namespace kernel {

struct Frame;
struct Tcb;

inline constexpr uint32_t sysenter_repeat_address = 0xFFFFFFF0u; // above all that is mapped

// Sets the processor up if it has SYSENTER (CPUID leaf 1).
void enable_sysenter(uint32_t signature, uint32_t features);

// A trap in the kernel's own code that is the doing of SYSENTER's caller. 0: it is not; 1: go on where frame->eip
// says; 2: the code is abandoned and current_thread resumes.
enum class SysenterTrap { none, go_on, abandoned };
SysenterTrap trap_in_sysenter(Frame& frame);

// The frame repeats the SYSENTER of an ipc whose arguments are still in it.
void rewind_sysenter(Frame& frame);

// A page fault of the current thread's at the repeat address: the SYSENTER is executed instead, and this does not
// return.
void repeat_sysenter(const Tcb& thread, uint32_t address);

} // namespace kernel
