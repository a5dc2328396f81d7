// FYL2X and FYL2XP1.
//
// m = 2^e * f, f between sqrt(1/2) and sqrt(2); with i/64 close to f:
//     log2(m) = e + log2(i/64) + 2/ln 2 * atanh(s),  s = (f - i/64) / (f + i/64),  |s| < 2^-7.
// Near 1 only the last term is left, so that the result is accurate relative to itself.
#include "models/float80/series.hpp"
#include "models/float80/tables.hpp"

namespace fixpoint::models {

using namespace float80;

namespace {

// s + s^3/3 + s^5/5 ..., to 2^-128 for s up to 2^-7.
constexpr auto area_tangent_coefficients = inverse_odd_numbers<8>();

Wide twice_area_tangent_by_ln_2(const Wide& s) {
    if (s.significand == 0)
        return s;
    return multiply(increased(s, plain_series(square_fraction(s), area_tangent_coefficients)), twice_log2_e);
}

// m positive, not 1. Exact if m is a power of two.
Wide logarithm(const Wide& m) {
    constexpr Wide128 root_of_two = join(0xB504F333F9DE6484, 0x597D89B3754ABE9F); // 2^127 * sqrt(2)
    constexpr Wide128 leading_bit = Wide128{1} << 127;
    const bool upper = m.significand > root_of_two;
    const int32_t exponent = m.exponent + (upper ? 1 : 0);
    const Wide power =
        wide_number(exponent < 0, 127, static_cast<Wide128>(exponent < 0 ? -exponent : exponent));
    if (m.significand == leading_bit)
        return power;
    const Wide fraction{false, upper ? -1 : 0, m.significand};
    const auto twice_leading = static_cast<int>(m.significand >> (upper ? 121 : 120)); // 128 f
    const int nearest = (twice_leading + 1) / 2;
    const Wide center = wide_number(false, 127 - 6, static_cast<Wide128>(nearest));
    const Wide s = divide(add(fraction, negated(center)), add(fraction, center));
    const Wide near = twice_area_tangent_by_ln_2(s);
    // The analyzer does not see that 45 <= nearest <= 91. NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign)
    const Wide128 entry = log2_magnitude[nearest - first_logarithm];
    const Wide tabulated = wide_fraction(nearest < logarithms_per_unit, entry);
    return add(power, add(tabulated, near));
}

// y * logarithm. The processors call every such result inexact, also one that is not.
Float80 times_logarithm(Float80 y, const Wide& logarithm, bool exact, FloatContext& context) {
    const Wide product = multiply(widened(y), logarithm);
    if (!exact)
        return round_irrational(product, context);
    const Float80 result = round_and_pack(product.negative, product.exponent + exponent_bias,
                                          product.significand, full_precision, context);
    context.raised |= float_exception::precision;
    if (is_denormal(result))
        context.raised |= float_exception::underflow;
    return result;
}

} // namespace

// SDM vol. 2, FYL2X, table of results.
Float80 y_log2_x(Float80 y, Float80 x, FloatContext& context) {
    Float80 nan;
    if (decided_by_nan(y, x, context, nan))
        return nan;
    if (is_negative(x) && !is_zero(x))
        return invalid_operation(context);
    const bool x_is_one = x == one();
    if (is_zero(y) ? is_zero(x) || is_infinity(x) : is_infinity(y) && x_is_one)
        return invalid_operation(context);
    // The logarithm's sign is x's side of 1.
    const bool negative = is_negative(y) != (exponent_field(x) < exponent_bias);
    if (is_zero(x) && !is_infinity(y)) {
        context.raised |= float_exception::divide_by_zero;
        return infinity(negative);
    }
    if (stopped_by_denormal(y, x, context))
        return {};
    if (is_infinity(y) || is_infinity(x))
        return infinity(negative);
    if (is_zero(y) || x_is_one)
        return zero(negative);
    const Wide m = widened(x);
    return times_logarithm(y, logarithm(m), x.significand << std::countl_zero(x.significand) == integer_bit,
                           context);
}

// SDM vol. 2, FYL2XP1, table of results. The instruction is defined for |x| up to 1 - sqrt(1/2); the logarithm is
// given where there is one, and x itself where there is none.
Float80 y_log2_x_plus_1(Float80 y, Float80 x, FloatContext& context) {
    Float80 nan;
    if (decided_by_nan(y, x, context, nan))
        return nan;
    const bool negative = is_negative(y) != is_negative(x);
    if (is_infinity(x) && (is_negative(x) || is_zero(y)))
        return invalid_operation(context);
    if (is_infinity(y) && is_zero(x))
        return invalid_operation(context);
    if (stopped_by_denormal(y, x, context))
        return {};
    if (is_infinity(y) || is_infinity(x))
        return infinity(negative);
    if (is_zero(y) || is_zero(x))
        return zero(negative);
    if (is_negative(x) && exponent_field(x) >= exponent_bias) {
        context.raised |= float_exception::precision;
        return x;
    }
    constexpr Wide wide_one{false, 0, Wide128{1} << 127};
    constexpr Wide wide_two{false, 1, Wide128{1} << 127};
    const Wide operand = widened(x);
    // Below 2^-8 log2(1 + x) = 2/ln 2 * atanh(x / (2 + x)); above, 1 + x is exact.
    constexpr int32_t small_exponent = -8;
    if (operand.exponent < small_exponent)
        return times_logarithm(y, twice_area_tangent_by_ln_2(divide(operand, add(wide_two, operand))), false,
                               context);
    const Wide m = add(wide_one, operand);
    return times_logarithm(y, logarithm(m), m.significand << 1 == 0, context);
}

} // namespace fixpoint::models
