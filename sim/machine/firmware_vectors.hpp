// The real-mode interrupt vectors where no firmware runs: each leads to a handler that returns.
//
// A kernel that opens interrupts in real mode, or goes back to it, gets those of the chips as a BIOS has programmed them.
// The timer's handler counts the ticks since midnight (not round midnight), the keyboard's takes the code, all of them
// tell the 8259 pair that they are done. Every other vector is an IRET: a BIOS function returns with all registers as
// they were.
//
// Source: IBM PC/AT Technical Reference, section 5; the addresses of the IRET, the timer's and the keyboard's handlers
// are those of that BIOS.
#pragma once

#include "models/memory/physical_memory.hpp"

namespace fixpoint::sim {

// Writes the vectors (0 to 400h) and the handlers, into the memory where a BIOS would be.
void write_firmware_vectors(models::PhysicalMemory& memory);

} // namespace fixpoint::sim
