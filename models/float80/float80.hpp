// The x87's double-extended arithmetic, bit by bit, by integer operations alone: results, exceptions and the rounding
// direction (C1) of every x87 instruction that computes. It knows no register stack, no control word and no memory;
// the caller makes a FloatContext for one instruction and reads from it what to put into the status word.
//
// Masked responses are the result. Unmasked exceptions, as SDM vol. 1, 8.5 has them:
//   invalid, zero divide, denormal operand: found before the operation; the result is meaningless, the operands stay
//       (`context.raised & ~context.masked` tells the caller). But FLD of a denormal m32 or m64 completes;
//   overflow, underflow: the register result has its exponent biased by 24576; a memory operand gets none;
//   precision: the result is the same as if masked.
//
// Precision control applies to add, subtract, multiply, divide and square_root only (SDM vol. 1, 8.1.5.2). The
// transcendental functions round the true mathematical value to within 2^-50 units in the last place beyond the
// rounding itself; their argument reduction is exact, where a P6 uses a value of pi of 66 bits.
#pragma once

#include <cstdint>

namespace fixpoint::models {

struct Float80 {
    uint64_t significand = 0;   // with its explicit integer bit, bit 63
    uint16_t sign_exponent = 0; // sign in bit 15, exponent with bias 16383 below

    bool operator==(const Float80&) const = default;
};

// The control word's RC field.
enum class Rounding : uint8_t { nearest, down, up, toward_zero };

// Bits of the status word's exception flags and of the control word's masks.
namespace float_exception {
inline constexpr uint8_t invalid = 1;
inline constexpr uint8_t denormal = 2;
inline constexpr uint8_t divide_by_zero = 4;
inline constexpr uint8_t overflow = 8;
inline constexpr uint8_t underflow = 16;
inline constexpr uint8_t precision = 32;
inline constexpr uint8_t all = 63;
} // namespace float_exception

// One instruction's environment.
struct FloatContext {
    Rounding rounding = Rounding::nearest;
    uint8_t precision_bits = 64; // 24, 53 or 64: the control word's PC
    uint8_t masked = float_exception::all;
    uint8_t raised = 0;       // out: exceptions
    bool rounded_up = false;  // out: C1, the result's magnitude was rounded up
    bool stack_result = true; // false: an unmasked overflow or underflow leaves no result
};

// The real indefinite: the masked response to an invalid operation.
inline constexpr Float80 indefinite{0xC000'0000'0000'0000, 0xFFFF};

// Basic arithmetic.
Float80 add(Float80 a, Float80 b, FloatContext& context);
Float80 subtract(Float80 a, Float80 b, FloatContext& context);
Float80 multiply(Float80 a, Float80 b, FloatContext& context);
Float80 divide(Float80 a, Float80 b, FloatContext& context);
Float80 square_root(Float80 value, FloatContext& context);
Float80 round_to_integer(Float80 value, FloatContext& context);  // FRNDINT
Float80 scale(Float80 value, Float80 by, FloatContext& context); // FSCALE: value * 2^trunc(by)

struct Extracted {
    Float80 exponent;
    Float80 significand;
};
Extracted extract(Float80 value, FloatContext& context); // FXTRACT

struct Remainder {
    Float80 value;
    uint32_t quotient_low_bits = 0; // 3 bits, of the complete quotient; 0 if the reduction is partial
    bool complete = true;           // false: C2, reduce again
};
Remainder remainder(Float80 a, Float80 b, bool round_to_nearest, FloatContext& context); // FPREM1, else FPREM

// Comparison and classification. FABS and FCHS are the caller's: they change the sign bit of anything.
enum class Order : uint8_t { less, equal, greater, unordered };
Order compare(Float80 a, Float80 b, bool quiet,
              FloatContext& context); // quiet: FUCOM, only SNaNs are invalid

enum class FloatClass : uint8_t { unsupported, nan, normal, infinity, zero, denormal };
FloatClass classify(Float80 value); // FXAM; the sign is bit 15 of sign_exponent

// Conversions into the register format: exact. Signalling NaNs and denormals raise their exceptions (FLD m32, m64).
Float80 from_float32(uint32_t value, FloatContext& context);
Float80 from_float64(uint64_t value, FloatContext& context);
Float80 from_int64(int64_t value); // and the shorter integers
Float80 from_bcd(const uint8_t (&digits)[10]);

// Conversions to memory formats. After an unmasked invalid, overflow or underflow nothing must be stored.
// Integers: rounded by `context.rounding` (toward_zero for FISTTP); the integer indefinite on invalid.
uint32_t to_float32(Float80 value, FloatContext& context);
uint64_t to_float64(Float80 value, FloatContext& context);
int16_t to_int16(Float80 value, FloatContext& context);
int32_t to_int32(Float80 value, FloatContext& context);
int64_t to_int64(Float80 value, FloatContext& context);
void to_bcd(Float80 value, uint8_t (&digits)[10], FloatContext& context);

// Transcendental functions. Where FSINCOS and FPTAN push a second value, it is a NaN, too, if the result is one: both
// registers then hold it.
Float80 f2xm1(Float80 x, FloatContext& context);                      // 2^x - 1
Float80 y_log2_x(Float80 y, Float80 x, FloatContext& context);        // FYL2X
Float80 y_log2_x_plus_1(Float80 y, Float80 x, FloatContext& context); // FYL2XP1
Float80 arctangent(Float80 y, Float80 x, FloatContext& context);      // FPATAN: the angle of the point (x, y)

// in_range is false if |x| >= 2^63: C2 is to be set, the operand stays and nothing is pushed.
struct Trigonometric {
    Float80 value;
    bool in_range = true;
};
struct SineCosine {
    Float80 sine;
    Float80 cosine;
    bool in_range = true;
};
Trigonometric sine(Float80 x, FloatContext& context);
Trigonometric cosine(Float80 x, FloatContext& context);
Trigonometric tangent(Float80 x, FloatContext& context); // FPTAN, which also pushes 1.0
SineCosine sine_cosine(Float80 x, FloatContext& context);

// FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2, FLDZ: in the order of their opcodes, D9 E8 to D9 EE.
enum class FloatConstant : uint8_t { one, log2_10, log2_e, pi, log10_2, ln_2, zero };
Float80 constant(FloatConstant which, Rounding rounding);

} // namespace fixpoint::models
