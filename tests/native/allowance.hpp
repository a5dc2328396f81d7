// What may differ between two processors that both do as the manuals say: the open datum only, never a whole case.
#pragma once

#include "tests/native/native_case.hpp"

#include <cstdint>

namespace fixpoint::native {

struct Allowance {
    bool fault = false;        // which exception: its vector, error code and CR2
    uint32_t flags = 0;        // of EFLAGS
    uint32_t general = 0;      // general registers, as a mask of 1 << RegisterIndex
    uint32_t pushed_bytes = 0; // below the top of the stack, written or not
};

// Where both processors end with an exception at the same instruction.
[[nodiscard]] Allowance allowance_for_fault(const Program& program, const LocalTable& table,
                                            const Outcome& expected, const Outcome& got);

// At a debug exception: the flags that may differ.
[[nodiscard]] uint32_t flags_open_after_step(const Program& program, const LocalTable& table,
                                             const Registers& step);

// As far as it is compared: without the bits that only later processors have.
[[nodiscard]] uint32_t comparable_error(const Outcome& outcome);

} // namespace fixpoint::native
