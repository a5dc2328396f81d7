// The double-extended format (SDM vol. 1, 4.2.2) and what all operations do with their operands first: unsupported
// encodings, NaNs and denormals, in the precedence of SDM vol. 1, 8.6.
#pragma once

#include "models/float80/float80.hpp"

#include <bit>
#include <cstdint>

namespace fixpoint::models::float80 {

// Not ISO C++, hence the keyword, which `using` does not take.
__extension__ typedef unsigned __int128 Wide128; // NOLINT(modernize-use-using)

inline constexpr uint16_t sign_bit = 0x8000;
inline constexpr uint16_t exponent_mask = 0x7FFF; // as an exponent: infinities and NaNs
inline constexpr int32_t exponent_bias = 16383;
inline constexpr int32_t largest_exponent = 0x7FFE; // of a finite number
inline constexpr uint64_t integer_bit = uint64_t{1} << 63;
inline constexpr uint64_t quiet_bit = uint64_t{1} << 62;

[[nodiscard]] constexpr bool is_negative(Float80 value) {
    return (value.sign_exponent & sign_bit) != 0;
}
[[nodiscard]] constexpr int32_t exponent_field(Float80 value) {
    return value.sign_exponent & exponent_mask;
}

[[nodiscard]] constexpr Float80 pack(bool negative, int32_t exponent, uint64_t significand) {
    return {significand, static_cast<uint16_t>(exponent | (negative ? sign_bit : 0))};
}
[[nodiscard]] constexpr Float80 zero(bool negative) {
    return pack(negative, 0, 0);
}
[[nodiscard]] constexpr Float80 infinity(bool negative) {
    return pack(negative, exponent_mask, integer_bit);
}
[[nodiscard]] constexpr Float80 one(bool negative = false) {
    return pack(negative, exponent_bias, integer_bit);
}

// A normal number: the only operands that need no second look.
[[nodiscard]] constexpr bool is_normal(Float80 value) {
    const auto exponent = static_cast<uint32_t>(exponent_field(value));
    return exponent - 1 < uint32_t{largest_exponent} && (value.significand & integer_bit) != 0;
}
// Unnormals, pseudo-infinities and pseudo-NaNs: invalid operands since the 80387 (SDM vol. 1, 8.2.2).
[[nodiscard]] constexpr bool is_unsupported(Float80 value) {
    return exponent_field(value) != 0 && (value.significand & integer_bit) == 0;
}
[[nodiscard]] constexpr bool is_nan(Float80 value) {
    return exponent_field(value) == exponent_mask && value.significand > integer_bit;
}
[[nodiscard]] constexpr bool is_signalling(Float80 value) {
    return is_nan(value) && (value.significand & quiet_bit) == 0;
}
[[nodiscard]] constexpr bool is_infinity(Float80 value) {
    return exponent_field(value) == exponent_mask && value.significand == integer_bit;
}
[[nodiscard]] constexpr bool is_zero(Float80 value) {
    return exponent_field(value) == 0 && value.significand == 0;
}
// Denormals, and pseudo-denormals: exponent field 0 with the integer bit set, worth the same as with exponent 1.
[[nodiscard]] constexpr bool is_denormal(Float80 value) {
    return exponent_field(value) == 0 && value.significand != 0;
}
[[nodiscard]] constexpr Float80 quieted(Float80 nan) {
    return {nan.significand | quiet_bit, nan.sign_exponent};
}

// A finite number that is not zero: significand / 2^63 * 2^(exponent - exponent_bias), the significand's bit 63 set.
// The exponent of a denormal is below 1.
struct Normalized {
    bool negative;
    int32_t exponent;
    uint64_t significand;
};
[[nodiscard]] constexpr Normalized normalized(Float80 value) {
    int32_t exponent = exponent_field(value);
    uint64_t significand = value.significand;
    if (exponent == 0) {
        const int shift = std::countl_zero(significand);
        exponent = 1 - shift;
        significand <<= shift;
    }
    return {is_negative(value), exponent, significand};
}

inline Float80 invalid_operation(FloatContext& context) {
    context.raised |= float_exception::invalid;
    return indefinite;
}

// NaN or unsupported: `result` is then what the operation gives, and it must not go on.
[[nodiscard]] bool decided_by_nan(Float80 value, FloatContext& context, Float80& result);
[[nodiscard]] bool decided_by_nan(Float80 a, Float80 b, FloatContext& context, Float80& result);

// Raises the denormal-operand exception if there is such an operand. True: unmasked, so that the operation must not
// go on. To be asked after the invalid operations and zero divides, which take precedence.
[[nodiscard]] inline bool stopped_by_denormal(Float80 value, FloatContext& context) {
    if (!is_denormal(value))
        return false;
    context.raised |= float_exception::denormal;
    return (context.masked & float_exception::denormal) == 0;
}
[[nodiscard]] inline bool stopped_by_denormal(Float80 a, Float80 b, FloatContext& context) {
    return stopped_by_denormal(is_denormal(a) ? a : b, context);
}

} // namespace fixpoint::models::float80
