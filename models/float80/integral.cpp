// The operations on exponents and integral parts: FRNDINT, FSCALE, FXTRACT, FPREM and FPREM1.
#include "models/float80/round.hpp"

#include <algorithm>

namespace fixpoint::models {

using namespace float80;

Float80 round_to_integer(Float80 value, FloatContext& context) {
    Float80 nan;
    if (decided_by_nan(value, context, nan))
        return nan;
    if (is_zero(value) || exponent_field(value) >= exponent_bias + 63) // infinities, too
        return value;
    if (stopped_by_denormal(value, context))
        return {};
    const Normalized operand = normalized(value);
    const int32_t fraction_bits = exponent_bias + 63 - operand.exponent;
    const Wide128 shifted = shift_right_sticky(Wide128{operand.significand} << 64, fraction_bits);
    const RoundedSignificand rounded =
        round_significand(operand.negative, static_cast<uint64_t>(shifted >> 64),
                          static_cast<uint64_t>(shifted), full_precision, context.rounding);
    note_inexact(rounded, context);
    if (rounded.significand == 0)
        return zero(operand.negative);
    const int shift = std::countl_zero(rounded.significand);
    return pack(operand.negative, exponent_bias + 63 - shift, rounded.significand << shift);
}

// SDM vol. 2, FSCALE, table of results.
Float80 scale(Float80 value, Float80 by, FloatContext& context) {
    Float80 nan;
    if (decided_by_nan(value, by, context, nan))
        return nan;
    const bool negative = is_negative(value);
    if (is_infinity(by)) {
        const bool shrinks = is_negative(by);
        if (shrinks ? is_infinity(value) : is_zero(value))
            return invalid_operation(context);
        if (stopped_by_denormal(value, context))
            return {};
        return shrinks ? zero(negative) : infinity(negative);
    }
    if (stopped_by_denormal(value, by, context))
        return {};
    if (is_zero(value) || is_infinity(value))
        return value;
    const Normalized operand = normalized(value);
    // Beyond this every result is out of range, even a wrapped one.
    constexpr int32_t limit = 0x10000;
    int32_t power = 0;
    if (const int32_t unbiased = exponent_field(by) - exponent_bias; unbiased >= 0)
        power = unbiased >= 16 ? limit : static_cast<int32_t>(by.significand >> (63 - unbiased));
    return round_and_pack(negative, operand.exponent + (is_negative(by) ? -power : power),
                          operand.significand, 0, full_precision, context);
}

Extracted extract(Float80 value, FloatContext& context) {
    Float80 nan;
    if (decided_by_nan(value, context, nan))
        return {nan, nan};
    if (is_zero(value)) {
        context.raised |= float_exception::divide_by_zero;
        return {infinity(true), value};
    }
    if (is_infinity(value))
        return {infinity(false), value};
    if (stopped_by_denormal(value, context))
        return {};
    const Normalized operand = normalized(value);
    return {from_int64(operand.exponent - exponent_bias),
            pack(operand.negative, exponent_bias, operand.significand)};
}

namespace {

// Long division of a's significand, moved up by `bits`, by b's.
struct Reduction {
    uint64_t rest;
    uint64_t quotient;
};
Reduction reduce(const Normalized& a, const Normalized& b, int32_t bits) {
    const Wide128 dividend = Wide128{a.significand} << bits;
    const Wide128 quotient = dividend / b.significand;
    return {static_cast<uint64_t>(dividend - quotient * b.significand), static_cast<uint64_t>(quotient)};
}

Float80 pack_rest(bool negative, int32_t exponent, uint64_t rest, FloatContext& context) {
    if (rest == 0)
        return zero(negative);
    const int shift = std::countl_zero(rest);
    return round_and_pack(negative, exponent - shift, rest << shift, 0, full_precision, context);
}

// The quotient rounded to nearest, even if halfway, instead of truncated: FPREM1.
void round_quotient(uint64_t divisor, Reduction& reduction, bool& negative) {
    const Wide128 twice = Wide128{reduction.rest} << 1;
    if (twice < divisor || (twice == divisor && (reduction.quotient & 1) == 0))
        return;
    reduction.rest = divisor - reduction.rest;
    ++reduction.quotient;
    negative = !negative;
}

} // namespace

Remainder remainder(Float80 a, Float80 b, bool round_to_nearest, FloatContext& context) {
    constexpr uint32_t reported_bits = 7;
    Float80 nan;
    if (decided_by_nan(a, b, context, nan))
        return {nan, 0, true};
    if (is_infinity(a) || is_zero(b))
        return {invalid_operation(context), 0, true};
    if (stopped_by_denormal(a, b, context))
        return {{}, 0, true};
    if (is_zero(a))
        return {a, 0, true};
    const Normalized dividend = normalized(a);
    bool negative = dividend.negative;
    if (is_infinity(b))
        return {round_and_pack(negative, dividend.exponent, dividend.significand, 0, full_precision, context),
                0, true};
    const Normalized divisor = normalized(b);
    const int32_t difference = dividend.exponent - divisor.exponent;
    if (difference < -1 || (difference < 0 && !round_to_nearest)) // below half the divisor, or just below it
        return {round_and_pack(negative, dividend.exponent, dividend.significand, 0, full_precision, context),
                0, true};

    if (difference >= 64) {
        // A step reduces the exponent by 32 to 63; what is left is a multiple of 32. The manual leaves
        // the number to the processor (SDM vol. 2, FPREM); this is how the processors tested against do it.
        const int32_t bits = 32 | (difference & 31);
        const Reduction reduction = reduce(dividend, divisor, bits);
        return {pack_rest(negative, divisor.exponent + difference - bits, reduction.rest, context), 0, false};
    }
    if (difference == -1) { // a is between b/4 and b: the quotient is 0, or 1 above b/2
        if (dividend.significand <= divisor.significand)
            return {
                round_and_pack(negative, dividend.exponent, dividend.significand, 0, full_precision, context),
                0, true};
        const auto rest = static_cast<uint64_t>((Wide128{divisor.significand} << 1) - dividend.significand);
        return {pack_rest(!negative, dividend.exponent, rest, context), 1, true};
    }
    Reduction reduction = reduce(dividend, divisor, difference);
    if (round_to_nearest)
        round_quotient(divisor.significand, reduction, negative);
    return {pack_rest(reduction.rest == 0 ? dividend.negative : negative, divisor.exponent, reduction.rest,
                      context),
            static_cast<uint32_t>(reduction.quotient) & reported_bits, true};
}

} // namespace fixpoint::models
