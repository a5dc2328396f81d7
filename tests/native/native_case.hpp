// A test case, and what became of it: the same for the host's processor and the model.
//
// A sequence ends with INT3, or earlier with any other exception. A debug exception does not end it: it is a step,
// recorded, and the sequence goes on.
#pragma once

#include "tests/native/address_space.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace fixpoint::native {

struct Registers {
    std::array<uint32_t, 8> general{}; // by models::RegisterIndex
    uint32_t eip = 0;
    uint32_t eflags = 0;
    std::array<uint16_t, 6> selector{}; // by models::SegmentIndex

    bool operator==(const Registers&) const = default;
};

// As FXSAVE shows it: the tags are one bit a register (SDM vol. 2, FXSAVE).
struct X87Registers {
    uint16_t control = 0, status = 0;
    uint8_t occupied = 0;
    std::array<std::array<uint8_t, 10>, 8> stack{}; // ST(0) first

    bool operator==(const X87Registers&) const = default;
};

struct Outcome {
    static constexpr unsigned steps_max = 48; // the sequence is abandoned after as many

    uint8_t vector = 0;
    uint32_t error = 0; // 0 for vectors without error code
    uint32_t cr2 = 0;   // of a page fault, else 0
    Registers end;      // as the exception's handler finds them saved
    X87Registers x87;   // likewise
    unsigned step_count = 0;
    std::array<Registers, steps_max> steps;
};

struct Program {
    uint32_t address = 0;       // linear
    std::vector<uint8_t> code;  // with the INT3 at its end
    Registers before;           // EIP follows from the address and CS
    bool code_writable = false; // the code area, for this program
};

} // namespace fixpoint::native
