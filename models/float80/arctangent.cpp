// FPATAN: the angle of the point (x, y), in (-pi, pi].
//
// With a the smaller and b the larger of |x| and |y|, and i/64 close to a/b:
//     atan(a/b) = atan(i/64) + atan(t),  t = (a - i/64 b) / (b + i/64 a),  |t| <= 2^-7,
// the first from a table, the second by its series; then the octant is undone.
#include "models/float80/series.hpp"
#include "models/float80/tables.hpp"

namespace fixpoint::models {

using namespace float80;

namespace {

// t - t^3/3 + t^5/5 ..., to 2^-128 for t up to 2^-7.
constexpr auto arctangent_coefficients = inverse_odd_numbers<8>();
constexpr int32_t arctangent_bits = 6;
static_assert(arctangents_per_unit == 1 << arctangent_bits);

// 64 a/b to the nearest integer, or the one beside it.
uint64_t nearest_arctangent(const Wide& a, const Wide& b) {
    const int32_t difference = b.exponent - a.exponent;
    if (difference > arctangent_bits + 1)
        return 0;
    // Bits enough, and room for the factor.
    constexpr int dropped_bits = 64 + 8;
    const auto numerator = static_cast<uint64_t>(a.significand >> (dropped_bits + difference));
    const auto denominator = static_cast<uint64_t>(b.significand >> dropped_bits);
    return ((numerator << (arctangent_bits + 1)) + denominator) / (2 * denominator);
}

// (a - i/64 b) / (b + i/64 a), by sums that are exact in units of 2^-119 b's leading bit.
Wide rest_of_ratio(const Wide& a, const Wide& b, uint64_t nearest) {
    const Wide128 a_units = a.significand >> (8 + b.exponent - a.exponent);
    const Wide128 b_units = b.significand >> 8;
    const Wide128 part_of_a = (a_units >> arctangent_bits) * nearest;
    const Wide128 part_of_b = (b_units >> arctangent_bits) * nearest;
    const bool negative = a_units < part_of_b;
    const Wide numerator = wide_number(negative, 0, negative ? part_of_b - a_units : a_units - part_of_b);
    return numerator.significand == 0 ? numerator
                                      : divide(numerator, wide_number(false, 0, b_units + part_of_a));
}

// a/b at most 1; significands as of a Float80.
Wide arctangent_of_ratio(const Wide& a, const Wide& b) {
    const uint64_t nearest = nearest_arctangent(a, b);
    const Wide t = nearest == 0 ? divide(a, b) : rest_of_ratio(a, b, nearest);
    if (t.significand == 0)
        return wide_fraction(false, arctangent_of[nearest]);
    const Wide near = decreased(t, alternating_series(square_fraction(t), arctangent_coefficients));
    return nearest == 0 ? near : add(wide_fraction(false, arctangent_of[nearest]), near);
}

Float80 signed_angle(bool negative, Wide angle, FloatContext& context) {
    angle.negative = negative;
    return round_irrational(angle, context);
}

// SDM vol. 2, FPATAN, table of results: y or x zero or infinite.
Float80 arctangent_of_special(Float80 y, Float80 x, FloatContext& context) {
    constexpr Wide quarter_pi{false, half_pi.exponent - 1, half_pi.significand};
    const bool negative = is_negative(y);
    if (is_infinity(y) && is_infinity(x))
        return signed_angle(negative, is_negative(x) ? add(half_pi, quarter_pi) : quarter_pi, context);
    if (is_infinity(y) || (is_zero(x) && !is_zero(y)))
        return signed_angle(negative, half_pi, context);
    return is_negative(x) ? signed_angle(negative, pi, context) : zero(negative);
}

} // namespace

Float80 arctangent(Float80 y, Float80 x, FloatContext& context) {
    Float80 nan;
    if (decided_by_nan(y, x, context, nan))
        return nan;
    if (stopped_by_denormal(y, x, context))
        return {};
    if (is_infinity(y) || is_infinity(x) || is_zero(y) || is_zero(x))
        return arctangent_of_special(y, x, context);
    Wide wide_y = widened(y);
    Wide wide_x = widened(x);
    const bool left = wide_x.negative;
    wide_y.negative = wide_x.negative = false;
    const bool steep = wide_y.exponent > wide_x.exponent ||
                       (wide_y.exponent == wide_x.exponent && wide_y.significand > wide_x.significand);
    Wide angle = steep ? arctangent_of_ratio(wide_x, wide_y) : arctangent_of_ratio(wide_y, wide_x);
    if (steep)
        angle = add(half_pi, negated(angle));
    if (left)
        angle = add(pi, negated(angle));
    return signed_angle(is_negative(y), angle, context);
}

} // namespace fixpoint::models
