// FSIN, FCOS, FSINCOS and FPTAN.
//
// Reduction: x * 2/pi with 256 bits of 2/pi. Its integer part gives the quadrant, its fraction times pi/2 the reduced
// angle r, |r| <= pi/4. No double-extended number below 2^63 is closer than some 2^-70 to a multiple of pi/2 other than
// 0, and the product's error is below 2^-192, so that r keeps more than 120 correct bits. (A P6 reduces by a pi of 66
// bits and is off by far more near the multiples of pi.)
// Evaluation: the Taylor series of sine and cosine on r.
#include "models/float80/series.hpp"
#include "models/float80/tables.hpp"

namespace fixpoint::models {

using namespace float80;

namespace {

constexpr int32_t range_exponent = 63; // |x| < 2^63

struct ReducedAngle {
    uint32_t quadrant; // the nearest multiple of pi/2, modulo 4
    Wide rest;
};

// A fixed-point number of 5 limbs with the integer part in a sixth.
struct Turns {
    static constexpr int fraction_limbs = 5;
    uint64_t limb[fraction_limbs + 1] = {};

    void shift_left(unsigned count) { // below 64
        if (count == 0)
            return;
        for (int i = fraction_limbs; i > 0; --i)
            limb[i] = (limb[i] << count) | (limb[i - 1] >> (64 - count));
        limb[0] <<= count;
    }
    void negate_fraction() {
        uint64_t carry = 1;
        for (int i = 0; i < fraction_limbs; ++i) {
            limb[i] = ~limb[i] + carry;
            carry = carry != 0 && limb[i] == 0 ? 1 : 0;
        }
    }
    // The upper bits of the fraction.
    [[nodiscard]] Wide fraction(bool negative) const {
        int top = fraction_limbs - 1;
        while (top > 2 && limb[top] == 0)
            --top;
        const int shift = std::countl_zero(limb[top]);
        Wide128 significand = join(limb[top], limb[top - 1]) << shift;
        if (shift != 0)
            significand |= limb[top - 2] >> (64 - shift);
        return {negative, -1 - shift - 64 * (fraction_limbs - 1 - top), significand};
    }
};

ReducedAngle reduce_angle(const Wide& x) {
    if (x.exponent < -1) // below pi/4
        return {0, x};
    const auto significand = static_cast<uint64_t>(x.significand >> 64);
    Turns quarters; // x / (pi/2)
    uint64_t carry = 0;
    for (int i = 0; i < 4; ++i) {
        const Wide128 product = multiply_64(significand, two_over_pi[i]) + carry;
        quarters.limb[i] = static_cast<uint64_t>(product);
        carry = static_cast<uint64_t>(product >> 64);
    }
    quarters.limb[4] = carry;
    quarters.shift_left(static_cast<unsigned>(x.exponent + 1));
    uint64_t quadrant = quarters.limb[Turns::fraction_limbs];
    const bool above_half = (quarters.limb[Turns::fraction_limbs - 1] >> 63) != 0;
    if (above_half) {
        ++quadrant;
        quarters.negate_fraction();
    }
    const Wide rest = multiply(quarters.fraction(above_half != x.negative), half_pi);
    return {static_cast<uint32_t>(x.negative ? 0 - quadrant : quadrant) & 3, rest};
}

// sin r = r - r^3/3! + r^5/5! ..., cos r = 1 - r^2/2! + r^4/4! ..., to 2^-128 for r up to pi/4.
constexpr auto sine_coefficients = inverse_factorials<15>(3, 2);
constexpr auto cosine_coefficients = inverse_factorials<15>(2, 2);

Wide sine_of(const Wide& r) {
    return decreased(r, alternating_series(square_fraction(r), sine_coefficients));
}
Wide cosine_of(const Wide& r) {
    const Wide128 missing = alternating_series(square_fraction(r), cosine_coefficients);
    return {false, -1, 0 - (missing != 0 ? missing : 1)}; // always below 1
}
Wide tangent_of(const Wide& r) {
    // Where sine and cosine cannot be told from r and 1: r + r^3/3, always above r.
    constexpr int32_t tiny_exponent = -50;
    if (r.exponent < tiny_exponent)
        return increased(r, square_fraction(r) / 3);
    return divide(sine_of(r), cosine_of(r));
}

Wide sine_in_quadrant(const ReducedAngle& angle, uint32_t quarter_turns) {
    const uint32_t quadrant = (angle.quadrant + quarter_turns) & 3;
    const Wide value = (quadrant & 1) != 0 ? cosine_of(angle.rest) : sine_of(angle.rest);
    return (quadrant & 2) != 0 ? negated(value) : value;
}

// Everything but a finite number in range that is not zero. True: `result` is the answer.
bool special_angle(Float80 x, Float80 at_zero, Trigonometric& result, FloatContext& context) {
    result = {x, true};
    if (decided_by_nan(x, context, result.value))
        return true;
    if (is_infinity(x)) {
        result.value = invalid_operation(context);
        return true;
    }
    if (exponent_field(x) >= exponent_bias + range_exponent) {
        result.in_range = false;
        return true;
    }
    if (is_zero(x)) {
        result.value = at_zero;
        return true;
    }
    return stopped_by_denormal(x, context);
}

} // namespace

Trigonometric sine(Float80 x, FloatContext& context) {
    Trigonometric result;
    if (special_angle(x, x, result, context))
        return result;
    result.value = round_irrational(sine_in_quadrant(reduce_angle(widened(x)), 0), context);
    return result;
}

Trigonometric cosine(Float80 x, FloatContext& context) {
    Trigonometric result;
    if (special_angle(x, one(), result, context))
        return result;
    result.value = round_irrational(sine_in_quadrant(reduce_angle(widened(x)), 1), context);
    return result;
}

SineCosine sine_cosine(Float80 x, FloatContext& context) {
    Trigonometric result;
    if (special_angle(x, x, result, context))
        return {result.value, is_zero(x) ? one() : result.value, result.in_range};
    const ReducedAngle angle = reduce_angle(widened(x));
    const Float80 sine_value = round_irrational(sine_in_quadrant(angle, 0), context);
    const Float80 cosine_value = round_irrational(sine_in_quadrant(angle, 1), context);
    return {sine_value, cosine_value, true};
}

Trigonometric tangent(Float80 x, FloatContext& context) {
    Trigonometric result;
    if (special_angle(x, x, result, context))
        return result;
    const ReducedAngle angle = reduce_angle(widened(x));
    const Wide value = (angle.quadrant & 1) != 0 ? negated(divide(cosine_of(angle.rest), sine_of(angle.rest)))
                                                 : tangent_of(angle.rest);
    result.value = round_irrational(value, context);
    return result;
}

} // namespace fixpoint::models
