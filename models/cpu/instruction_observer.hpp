// What a debugger or a profiler hears of every instruction, and what it may watch.
//
// Neither changes modelled time: blocks are cut and charged as without an observer.
#pragma once

#include <cstdint>

namespace fixpoint::models {

struct InstructionObserver {
    virtual ~InstructionObserver() = default;
    // Before each instruction, at its exact cycle and count: Cpu::state(), cycles() and instructions() hold
    // for this instant, fetching the instruction not included. `linear`: its address, CS base + EIP. False:
    // stop before it; Cpu::run() returns Stop::observer, and the next run() begins with this instruction
    // without asking again.
    virtual bool before_instruction(uint32_t linear) = 0;
};

// Bytes at a linear address that a debugger watches, beside the guest's own debug registers.
struct Watchpoint {
    uint32_t linear = 0;
    uint32_t bytes = 1; // at least 1; does not wrap around the end of the address space
    bool reads = false; // stop at reads too, not only at writes
};

} // namespace fixpoint::models
