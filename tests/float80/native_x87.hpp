// The host's own x87 as the reference: one instruction on given operands under a given control word.
//
// The state is read by FNSAVE, which does not wait: exceptions that are unmasked and pending can be seen without
// being taken.
#pragma once

#include "models/float80/float80.hpp"

#include <cstdint>

namespace fixpoint::tests {

using models::Float80;

namespace native {

enum class Instruction {
    fadd,
    fsub,
    fmul,
    fdiv,
    fsqrt,
    frndint,
    fscale,
    fxtract,
    fprem,
    fprem1,
    fcom,
    fucom,
    fxam,
    fld_m32,
    fld_m64,
    fild_m64,
    fbld,
    fst_m32,
    fst_m64,
    fist_m16,
    fist_m32,
    fistp_m64,
    fbstp,
    f2xm1,
    fyl2x,
    fyl2xp1,
    fpatan,
    fsin,
    fcos,
    fsincos,
    fptan,
    fld1,
    fldl2t,
    fldl2e,
    fldpi,
    fldlg2,
    fldln2,
    fldz,
};

// Bits of the status word beside the exception flags.
inline constexpr uint16_t c0 = 1 << 8;
inline constexpr uint16_t c1 = 1 << 9;
inline constexpr uint16_t c2 = 1 << 10;
inline constexpr uint16_t c3 = 1 << 14;
inline constexpr uint16_t top_mask = 7 << 11;

struct Outcome {
    Float80 st0;
    Float80 st1;
    uint8_t memory[10] = {}; // the destination of a store, as filled before if nothing was stored
    uint16_t status = 0;
};

inline constexpr uint8_t untouched_memory = 0xA5;

uint16_t control_word(models::Rounding rounding, uint8_t precision_bits, uint8_t masked);

// With a in ST(0) and b in ST(1); `source` is the memory operand of a load.
Outcome execute(Instruction instruction, Float80 a, Float80 b, const uint8_t (&source)[10], uint16_t control);

} // namespace native
} // namespace fixpoint::tests
