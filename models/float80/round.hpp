// Rounding and packing of a result: where rounding control, precision control, overflow, underflow and inexact meet.
#pragma once

#include "models/float80/format.hpp"

namespace fixpoint::models::float80 {

inline constexpr unsigned full_precision = 64;

struct RoundedSignificand {
    uint64_t significand;
    bool carried; // out of bit 63: the significand is 0 and stands for 2^64
    bool inexact;
    bool up;
};

// Rounds `high` to its upper `bits` bits; `low` follows behind it, with every lost bit kept in its last.
[[gnu::always_inline]] inline RoundedSignificand round_significand(bool negative, uint64_t high, uint64_t low,
                                                                   unsigned bits, Rounding rounding) {
    constexpr uint64_t half = uint64_t{1} << 63;
    const uint64_t unit = uint64_t{1} << (full_precision - bits);
    const uint64_t rest = bits == full_precision ? low : (high << bits) | (low != 0 ? 1 : 0);
    const uint64_t kept = high & ~(unit - 1);
    bool up = false;
    switch (rounding) {
    case Rounding::nearest:
        up = rest > half || (rest == half && (high & unit) != 0);
        break;
    case Rounding::down:
        up = negative && rest != 0;
        break;
    case Rounding::up:
        up = !negative && rest != 0;
        break;
    case Rounding::toward_zero:
        break;
    }
    const uint64_t rounded = kept + (up ? unit : 0);
    return {rounded, rounded < kept, rest != 0, up};
}

inline void note_inexact(const RoundedSignificand& rounded, FloatContext& context) {
    if (rounded.inexact)
        context.raised |= float_exception::precision;
    context.rounded_up = rounded.up;
}

// For exponents at the end of the range, or outside.
[[gnu::noinline]] Float80 round_at_limits(bool negative, int32_t exponent, uint64_t high, uint64_t low,
                                          unsigned precision_bits, FloatContext& context);

// The value high:low / 2^127 * 2^(exponent - exponent_bias), bit 63 of `high` set, rounded to `precision_bits`.
[[gnu::always_inline]] inline Float80 round_and_pack(bool negative, int32_t exponent, uint64_t high,
                                                     uint64_t low, unsigned precision_bits,
                                                     FloatContext& context) {
    if (exponent < 1 || exponent >= largest_exponent) [[unlikely]]
        return round_at_limits(negative, exponent, high, low, precision_bits, context);
    const RoundedSignificand rounded =
        round_significand(negative, high, low, precision_bits, context.rounding);
    note_inexact(rounded, context);
    if (rounded.carried)
        return pack(negative, exponent + 1, integer_bit);
    return pack(negative, exponent, rounded.significand);
}
[[gnu::always_inline]] inline Float80 round_and_pack(bool negative, int32_t exponent, Wide128 significand,
                                                     unsigned precision_bits, FloatContext& context) {
    return round_and_pack(negative, exponent, static_cast<uint64_t>(significand >> 64),
                          static_cast<uint64_t>(significand), precision_bits, context);
}

// Shifts right, `count` at least 0; what falls out is kept in the last bit.
[[nodiscard]] constexpr Wide128 shift_right_sticky(Wide128 value, int32_t count) {
    if (count == 0)
        return value;
    if (count >= 128)
        return value != 0 ? 1 : 0;
    return (value >> count) | ((value << (128 - count)) != 0 ? 1 : 0);
}
[[nodiscard]] constexpr int leading_zeros(Wide128 value) {
    const auto high = static_cast<uint64_t>(value >> 64);
    return high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(static_cast<uint64_t>(value));
}
[[nodiscard]] constexpr Wide128 multiply_64(uint64_t a, uint64_t b) {
    return Wide128{a} * b;
}

} // namespace fixpoint::models::float80
