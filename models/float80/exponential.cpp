// F2XM1, and the constants of FLD1 to FLDZ.
//
// With i/32 close to x and r = x - i/32:
//     2^x - 1 = (2^(i/32) - 1) + 2^(i/32) * (e^(r ln 2) - 1).
// Near 0 only the last factor is left, so that the result is accurate relative to itself.
#include "models/float80/series.hpp"
#include "models/float80/tables.hpp"

namespace fixpoint::models {

using namespace float80;

namespace {

// (e^t - 1)/t - 1 = t/2! + t^2/3! + ..., to 2^-128 for |t| up to 2^-6 ln 2.
constexpr auto exponential_coefficients = inverse_factorials<13>(2, 1);

Wide exponential_minus_1(const Wide& t) {
    const Wide128 fraction = to_fraction(t);
    return t.negative ? decreased(t, alternating_series(fraction, exponential_coefficients))
                      : increased(t, plain_series(fraction, exponential_coefficients));
}

// |x| from 2^-6 up to below 1.
Wide power_minus_1(const Wide& x) {
    constexpr int index_shift = 128 - 5;
    static_assert(powers_per_unit == 1 << 5);
    const Wide128 magnitude = to_fraction(x);
    const int index = (static_cast<int>(magnitude >> (index_shift - 1)) + 1) / 2;
    Wide128 rest = magnitude - (static_cast<Wide128>(index) << index_shift);
    const bool below = (rest >> 127) != 0; // the index was rounded up
    if (below)
        rest = 0 - rest;

    constexpr Wide128 unit = Wide128{1} << 126; // of the table
    const Wide128 power = power_of_two[powers_per_unit + (x.negative ? -index : index)];
    const Wide constant_part =
        x.negative ? wide_number(true, 1, unit - power) : wide_number(false, 1, power - unit);
    if (rest == 0)
        return constant_part;
    const Wide t = multiply(wide_fraction(below != x.negative, rest), ln_2);
    return add(constant_part, multiply(wide_number(false, 1, power), exponential_minus_1(t)));
}

} // namespace

Float80 f2xm1(Float80 x, FloatContext& context) {
    Float80 nan;
    if (decided_by_nan(x, context, nan))
        return nan;
    if (is_zero(x))
        return x;
    if (is_infinity(x))
        return is_negative(x) ? one(true) : x;
    if (stopped_by_denormal(x, context))
        return {};
    const Wide operand = widened(x);
    if (operand.exponent >= 0) {
        // 2^1 - 1 = 1, 2^-1 - 1 = -1/2. Beyond, the instruction is undefined, and processors leave the operand.
        context.raised |= float_exception::precision;
        return x == one(true) ? pack(true, exponent_bias - 1, integer_bit) : x;
    }
    constexpr int32_t small_exponent = -6;
    return round_irrational(operand.exponent < small_exponent ? exponential_minus_1(multiply(operand, ln_2))
                                                              : power_minus_1(operand),
                            context);
}

Float80 constant(FloatConstant which, Rounding rounding) {
    FloatContext context{.rounding = rounding};
    switch (which) {
    case FloatConstant::one:
        return one();
    case FloatConstant::log2_10:
        return round_irrational(log2_10, context);
    case FloatConstant::log2_e:
        return round_irrational(log2_e, context);
    case FloatConstant::pi:
        return round_irrational(pi, context);
    case FloatConstant::log10_2:
        return round_irrational(log10_2, context);
    case FloatConstant::ln_2:
        return round_irrational(ln_2, context);
    case FloatConstant::zero:
        break;
    }
    return zero(false);
}

} // namespace fixpoint::models
