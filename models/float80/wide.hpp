// Numbers with 128-bit significands for the transcendental functions: wide enough that some 2^-118 of relative error
// in all remain, 2^-54 units in the last place of the result.
//
// Beside them, fractions: a Wide128 taken as a number in [0, 1) in units of 2^-128.
#pragma once

#include "models/float80/round.hpp"

namespace fixpoint::models::float80 {

// significand / 2^127 * 2^exponent, bit 127 of the significand set; 0 with a significand of 0.
struct Wide {
    bool negative;
    int32_t exponent;
    Wide128 significand;
};

[[nodiscard]] constexpr Wide128 join(uint64_t high, uint64_t low) {
    return (Wide128{high} << 64) | low;
}

[[nodiscard]] constexpr Wide widened(Float80 value) { // finite, not zero
    const Normalized number = normalized(value);
    return {number.negative, number.exponent - exponent_bias, Wide128{number.significand} << 64};
}
// integer * 2^(exponent - 127)
[[nodiscard]] constexpr Wide wide_number(bool negative, int32_t exponent, Wide128 integer) {
    if (integer == 0)
        return {negative, exponent, 0};
    const int shift = leading_zeros(integer);
    return {negative, exponent - shift, integer << shift};
}
[[nodiscard]] constexpr Wide wide_fraction(bool negative, Wide128 fraction) {
    return wide_number(negative, -1, fraction);
}
[[nodiscard]] constexpr Wide negated(Wide value) {
    return {!value.negative, value.exponent, value.significand};
}

// a * b / 2^128, truncated.
[[nodiscard]] constexpr Wide128 high_product(Wide128 a, Wide128 b) {
    const auto a_high = static_cast<uint64_t>(a >> 64);
    const auto a_low = static_cast<uint64_t>(a);
    const auto b_high = static_cast<uint64_t>(b >> 64);
    const auto b_low = static_cast<uint64_t>(b);
    const Wide128 cross_1 =
        multiply_64(a_high, b_low) + static_cast<uint64_t>(multiply_64(a_low, b_low) >> 64);
    const Wide128 cross_2 = multiply_64(a_low, b_high) + static_cast<uint64_t>(cross_1);
    return multiply_64(a_high, b_high) + static_cast<uint64_t>(cross_1 >> 64) +
           static_cast<uint64_t>(cross_2 >> 64);
}

// The magnitude, below 1, as a fraction.
[[nodiscard]] constexpr Wide128 to_fraction(const Wide& value) {
    const int32_t shift = -1 - value.exponent;
    return shift < 128 ? value.significand >> shift : 0;
}
// The square of a number below 1 as a fraction.
[[nodiscard]] constexpr Wide128 square_fraction(const Wide& value) {
    const int32_t shift = 2 * (-1 - value.exponent);
    return shift < 128 ? high_product(value.significand, value.significand) >> shift : 0;
}

Wide multiply(const Wide& a, const Wide& b);
Wide add(const Wide& a, const Wide& b); // a or b may be 0
// What is lost is kept in the last bit.
Wide divide(const Wide& a, const Wide& b);

// value * (1 + fraction) and value * (1 - fraction), the second always below `value`, even if the fraction vanished.
Wide increased(const Wide& value, Wide128 fraction);
Wide decreased(const Wide& value, Wide128 fraction);

// Rounds a value that is known to be none that 128 bits can represent: always inexact.
Float80 round_irrational(const Wide& value, FloatContext& context);

} // namespace fixpoint::models::float80
