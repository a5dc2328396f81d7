// Lazy switching of the x87 registers.
//
// Nobody owns them at first. CR0.TS is set whenever a thread other than the owner runs; its first x87
// instruction traps, the owner's registers go to the owner's TCB, and the thread becomes the owner. A
// checkpoint server makes the kernel save the owner by one x87 instruction of its own before it copies TCBs.
#pragma once

namespace kernel {

struct Tcb;

void detect_floating_point(bool present);
void trap_floating_point(bool trap);
void floating_point_forget(const Tcb* thread); // the thread is deleted, its registers with it

extern Tcb* floating_point_owner;
extern bool floating_point_traps; // CR0.TS as last written

// Sets or clears CR0.TS for the thread that runs next.
inline void floating_point_switch(const Tcb* next) {
    if (floating_point_traps != (next != floating_point_owner)) [[unlikely]]
        trap_floating_point(next != floating_point_owner);
}

} // namespace kernel
