// What an instruction does to the flow of control and to the stack, as far as a profiler's call stacks care.
#pragma once

#include <cstdint>
#include <span>

namespace fixpoint::sim {

enum class FlowKind : uint8_t {
    plain,        // goes on with the next instruction, or jumps within the same stack
    jump,         //
    call,         // near
    near_return,  //
    stack_change, // loads ESP: perhaps another stack
    kernel_entry, // INT n, SYSENTER, far calls and jumps: perhaps another stack
    kernel_exit,  // IRET, SYSEXIT, far returns: the stack is done with
};

struct ControlFlow {
    FlowKind kind = FlowKind::plain;
    uint8_t bytes = 1;         // of the instruction
    uint8_t address_bytes = 4; // of a call's or return's address on the stack
    uint16_t released = 0;     // what a return drops beyond its address
};

// Bytes that are no instruction are plain.
[[nodiscard]] ControlFlow control_flow_of(std::span<const uint8_t> code, bool code32);

} // namespace fixpoint::sim
