// FADD, FSUB, FMUL, FDIV and FSQRT. Two normal operands take the short way; the others are sorted out first.
#include "models/float80/round.hpp"
#include "models/float80/square_root.hpp"

#include <utility>

namespace fixpoint::models {

using namespace float80;

namespace {

Float80 add_magnitudes(const Normalized& larger, Wide128 smaller, FloatContext& context) {
    Wide128 sum = (Wide128{larger.significand} << 64) + smaller;
    int32_t exponent = larger.exponent;
    if (sum < smaller) { // carried out of bit 127
        sum = shift_right_sticky(sum, 1) | (Wide128{1} << 127);
        ++exponent;
    }
    return round_and_pack(larger.negative, exponent, sum, context.precision_bits, context);
}

Float80 subtract_magnitudes(const Normalized& larger, Wide128 smaller, FloatContext& context) {
    Wide128 difference = (Wide128{larger.significand} << 64) - smaller;
    if (difference == 0)
        return zero(context.rounding == Rounding::down);
    const int shift = leading_zeros(difference);
    difference <<= shift;
    return round_and_pack(larger.negative, larger.exponent - shift, difference, context.precision_bits,
                          context);
}

[[gnu::always_inline]] inline Float80 add_normalized(Normalized a, Normalized b, FloatContext& context) {
    if (a.exponent < b.exponent || (a.exponent == b.exponent && a.significand < b.significand))
        std::swap(a, b);
    const Wide128 smaller = shift_right_sticky(Wide128{b.significand} << 64, a.exponent - b.exponent);
    return a.negative == b.negative ? add_magnitudes(a, smaller, context)
                                    : subtract_magnitudes(a, smaller, context);
}

[[gnu::noinline]] Float80 add_special(Float80 a, Float80 b, FloatContext& context) {
    if (is_infinity(a) && is_infinity(b) && is_negative(a) != is_negative(b))
        return invalid_operation(context);
    if (stopped_by_denormal(a, b, context))
        return {};
    if (is_infinity(a) || is_infinity(b))
        return is_infinity(a) ? a : b;
    if (is_zero(a) && is_zero(b))
        return zero(is_negative(a) == is_negative(b) ? is_negative(a) : context.rounding == Rounding::down);
    if (is_zero(a) || is_zero(b)) { // still subject to precision control
        const Normalized other = normalized(is_zero(a) ? b : a);
        return round_and_pack(other.negative, other.exponent, other.significand, 0, context.precision_bits,
                              context);
    }
    return add_normalized(normalized(a), normalized(b), context);
}

[[gnu::always_inline]] inline Float80 multiply_normalized(const Normalized& a, const Normalized& b,
                                                          FloatContext& context) {
    Wide128 product = multiply_64(a.significand, b.significand);
    int32_t exponent = a.exponent + b.exponent - exponent_bias + 1;
    if ((product >> 127) == 0) {
        product <<= 1;
        --exponent;
    }
    return round_and_pack(a.negative != b.negative, exponent, product, context.precision_bits, context);
}

[[gnu::noinline]] Float80 multiply_special(Float80 a, Float80 b, FloatContext& context) {
    const bool negative = is_negative(a) != is_negative(b);
    if ((is_infinity(a) && is_zero(b)) || (is_zero(a) && is_infinity(b)))
        return invalid_operation(context);
    if (stopped_by_denormal(a, b, context))
        return {};
    if (is_infinity(a) || is_infinity(b))
        return infinity(negative);
    if (is_zero(a) || is_zero(b))
        return zero(negative);
    return multiply_normalized(normalized(a), normalized(b), context);
}

[[gnu::always_inline]] inline Float80 divide_normalized(const Normalized& a, const Normalized& b,
                                                        FloatContext& context) {
    const bool below_one = a.significand < b.significand; // the quotient of the significands
    const Wide128 dividend = Wide128{a.significand} << (below_one ? 64 : 63);
    const auto quotient = static_cast<uint64_t>(dividend / b.significand);
    const Wide128 twice_rest = (dividend - multiply_64(quotient, b.significand)) << 1;
    uint64_t low = twice_rest != 0 ? 1 : 0;
    if (twice_rest >= b.significand)
        low = integer_bit | (twice_rest > b.significand ? 1 : 0);
    const int32_t exponent = a.exponent - b.exponent + exponent_bias - (below_one ? 1 : 0);
    return round_and_pack(a.negative != b.negative, exponent, quotient, low, context.precision_bits, context);
}

[[gnu::noinline]] Float80 divide_special(Float80 a, Float80 b, FloatContext& context) {
    const bool negative = is_negative(a) != is_negative(b);
    if ((is_infinity(a) && is_infinity(b)) || (is_zero(a) && is_zero(b)))
        return invalid_operation(context);
    if (is_zero(b) && !is_infinity(a)) {
        context.raised |= float_exception::divide_by_zero;
        return infinity(negative);
    }
    if (stopped_by_denormal(a, b, context))
        return {};
    if (is_infinity(a))
        return infinity(negative);
    if (is_zero(a) || is_infinity(b))
        return zero(negative);
    return divide_normalized(normalized(a), normalized(b), context);
}

[[gnu::always_inline]] inline Normalized normal_operand(Float80 value) {
    return {is_negative(value), exponent_field(value), value.significand};
}

} // namespace

Float80 add(Float80 a, Float80 b, FloatContext& context) {
    if (is_normal(a) && is_normal(b)) [[likely]]
        return add_normalized(normal_operand(a), normal_operand(b), context);
    Float80 nan;
    return decided_by_nan(a, b, context, nan) ? nan : add_special(a, b, context);
}

Float80 subtract(Float80 a, Float80 b, FloatContext& context) {
    const Float80 negated{b.significand, static_cast<uint16_t>(b.sign_exponent ^ sign_bit)};
    if (is_normal(a) && is_normal(b)) [[likely]]
        return add_normalized(normal_operand(a), normal_operand(negated), context);
    Float80 nan;
    return decided_by_nan(a, b, context, nan) ? nan : add_special(a, negated, context);
}

Float80 multiply(Float80 a, Float80 b, FloatContext& context) {
    if (is_normal(a) && is_normal(b)) [[likely]]
        return multiply_normalized(normal_operand(a), normal_operand(b), context);
    Float80 nan;
    return decided_by_nan(a, b, context, nan) ? nan : multiply_special(a, b, context);
}

Float80 divide(Float80 a, Float80 b, FloatContext& context) {
    if (is_normal(a) && is_normal(b)) [[likely]]
        return divide_normalized(normal_operand(a), normal_operand(b), context);
    Float80 nan;
    return decided_by_nan(a, b, context, nan) ? nan : divide_special(a, b, context);
}

Float80 square_root(Float80 value, FloatContext& context) {
    Float80 nan;
    if (decided_by_nan(value, context, nan))
        return nan;
    if (is_zero(value))
        return value;
    if (is_negative(value))
        return invalid_operation(context);
    if (is_infinity(value))
        return value;
    if (stopped_by_denormal(value, context))
        return {};
    const Normalized operand = normalized(value);
    const int32_t unbiased = operand.exponent - exponent_bias;
    const bool odd = (unbiased & 1) != 0;
    const Wide128 radicand = Wide128{operand.significand} << (odd ? 64 : 63);
    const SquareRoot root = integer_square_root(radicand);
    // (root + 1/2)^2 = root^2 + root + 1/4: above half an integer exactly if the rest exceeds the root.
    const uint64_t low = (root.rest > root.root ? integer_bit : 0) | (root.rest != 0 ? 1 : 0);
    return round_and_pack(false, (unbiased - (odd ? 1 : 0)) / 2 + exponent_bias, root.root, low,
                          context.precision_bits, context);
}

} // namespace fixpoint::models
