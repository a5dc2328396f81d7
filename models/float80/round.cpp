// Results at the ends of the exponent range (SDM vol. 1, 8.5.4 and 8.5.5).
//
// Tininess is detected after rounding: a result is tiny if, rounded as if the exponent were unbounded, it is below the
// smallest normal number. Masked, underflow is raised if a tiny result is also inexact; unmasked, if it is tiny.
#include "models/float80/round.hpp"

namespace fixpoint::models::float80 {
namespace {

constexpr int32_t wrapped_bias = 24576; // 3 * 2^13: brings an unmasked result into the middle of the range

bool is_masked(const FloatContext& context, uint8_t exception) {
    return (context.masked & exception) != 0;
}

Float80 overflowed(bool negative, unsigned precision_bits, FloatContext& context) {
    context.raised |= float_exception::overflow | float_exception::precision;
    const bool to_infinity = context.rounding == Rounding::nearest ||
                             context.rounding == (negative ? Rounding::down : Rounding::up);
    context.rounded_up = to_infinity;
    if (to_infinity)
        return infinity(negative);
    return pack(negative, largest_exponent, ~uint64_t{0} << (full_precision - precision_bits));
}

Float80 denormalized(bool negative, int32_t exponent, uint64_t high, uint64_t low, unsigned precision_bits,
                     bool tiny, FloatContext& context) {
    const Wide128 shifted = shift_right_sticky((Wide128{high} << 64) | low, 1 - exponent);
    const RoundedSignificand rounded =
        round_significand(negative, static_cast<uint64_t>(shifted >> 64), static_cast<uint64_t>(shifted),
                          precision_bits, context.rounding);
    note_inexact(rounded, context);
    if (tiny && rounded.inexact)
        context.raised |= float_exception::underflow;
    // Rounded up into the integer bit it is the smallest normal number.
    return pack(negative, (rounded.significand & integer_bit) != 0 ? 1 : 0, rounded.significand);
}

} // namespace

Float80 round_at_limits(bool negative, int32_t exponent, uint64_t high, uint64_t low, unsigned precision_bits,
                        FloatContext& context) {
    RoundedSignificand rounded = round_significand(negative, high, low, precision_bits, context.rounding);
    int32_t rounded_exponent = exponent;
    if (rounded.carried) {
        rounded.significand = integer_bit;
        ++rounded_exponent;
    }
    const bool tiny = rounded_exponent < 1;
    const bool huge = rounded_exponent > largest_exponent;
    if (huge && is_masked(context, float_exception::overflow))
        return overflowed(negative, precision_bits, context);
    if (exponent < 1 && (!tiny || is_masked(context, float_exception::underflow)))
        return denormalized(negative, exponent, high, low, precision_bits, tiny, context);
    if (huge || tiny) {
        context.raised |= huge ? float_exception::overflow : float_exception::underflow;
        if (!context.stack_result)
            return Float80{};
        rounded_exponent += huge ? -wrapped_bias : wrapped_bias;
        // Only FSCALE gets so far out that the bias does not help (SDM vol. 1, 8.5.4 and 8.5.5).
        const bool beyond = rounded_exponent > largest_exponent;
        if (beyond || rounded_exponent < 1) {
            context.raised |= float_exception::precision;
            context.rounded_up = beyond;
            return beyond ? infinity(negative) : zero(negative);
        }
    }
    note_inexact(rounded, context);
    return pack(negative, rounded_exponent, rounded.significand);
}

} // namespace fixpoint::models::float80
