// A thread's own exception handlers: LIDT at user level names a table of gates, as on the bare processor.
//
// Of a gate only the handler's address and the present bit count. The handler finds EIP, CS and EFLAGS on the stack,
// below them (at ESP) the error code if the processor has one for the vector, and ends with IRET. INT n that is no
// system call comes as vector 13 with error code 8 n + 2 and the address of the INT. See docs/abi.md.
#pragma once

#include <cstdint>

namespace l4 {

struct [[gnu::packed]] Gate {
    uint16_t handler_low = 0, selector = 0, flags = 0, handler_high = 0;

    static constexpr uint16_t present_flag = 0x8000, interrupt_gate = 0xEE00;

    static constexpr Gate to(uint32_t handler) {
        return {static_cast<uint16_t>(handler), 0x1B, interrupt_gate, static_cast<uint16_t>(handler >> 16)};
    }
    constexpr uint32_t handler() const { return uint32_t{handler_high} << 16 | handler_low; }
    constexpr bool present() const { return flags & present_flag; }
};
static_assert(sizeof(Gate) == 8);

// The operand of LIDT.
struct [[gnu::packed]] GateTable {
    uint16_t limit = 0; // of the last byte
    uint32_t base = 0;  // 0: no table
};
static_assert(sizeof(GateTable) == 6);

// For the calling thread only; those that it creates have none.
inline void load_gate_table(GateTable table) {
    asm volatile("lidt %0" : : "m"(table));
}

} // namespace l4
