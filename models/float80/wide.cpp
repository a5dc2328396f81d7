#include "models/float80/wide.hpp"

namespace fixpoint::models::float80 {
namespace {

constexpr Wide128 top_bit = Wide128{1} << 127;

// One digit of base 2^64 of a long division by two digits (Knuth, TAOCP vol. 2, 4.3.1 D): (rest * 2^64 + next) /
// divisor, rest < divisor; leaves the new rest.
uint64_t quotient_digit(Wide128& rest, uint64_t next, Wide128 divisor) {
    const auto divisor_high = static_cast<uint64_t>(divisor >> 64);
    const auto divisor_low = static_cast<uint64_t>(divisor);
    Wide128 quotient = rest / divisor_high;
    if ((quotient >> 64) != 0)
        quotient = ~uint64_t{0};
    Wide128 partial = rest - quotient * divisor_high;
    while ((partial >> 64) == 0 && quotient * divisor_low > ((partial << 64) | next)) {
        --quotient;
        partial += divisor_high;
    }
    rest = ((partial << 64) | next) - quotient * divisor_low;
    return static_cast<uint64_t>(quotient);
}

} // namespace

Wide multiply(const Wide& a, const Wide& b) {
    return wide_number(a.negative != b.negative, a.exponent + b.exponent + 1,
                       high_product(a.significand, b.significand));
}

Wide add(const Wide& a, const Wide& b) {
    if (a.significand == 0 || b.significand == 0)
        return a.significand == 0 ? b : a;
    const bool a_larger =
        a.exponent > b.exponent || (a.exponent == b.exponent && a.significand >= b.significand);
    const Wide& larger = a_larger ? a : b;
    const Wide& smaller = a_larger ? b : a;
    const Wide128 aligned = shift_right_sticky(smaller.significand, larger.exponent - smaller.exponent);
    if (a.negative != b.negative)
        return wide_number(larger.negative, larger.exponent, larger.significand - aligned);
    const Wide128 sum = larger.significand + aligned;
    if (sum < aligned)
        return {larger.negative, larger.exponent + 1, shift_right_sticky(sum, 1) | top_bit};
    return {larger.negative, larger.exponent, sum};
}

Wide divide(const Wide& a, const Wide& b) {
    const bool below_one = a.significand < b.significand;
    Wide128 rest = below_one ? a.significand : a.significand >> 1;
    const uint64_t next = below_one ? 0 : static_cast<uint64_t>(a.significand) << 63;
    const uint64_t high = quotient_digit(rest, next, b.significand);
    const uint64_t low = quotient_digit(rest, 0, b.significand);
    return {a.negative != b.negative, a.exponent - b.exponent - (below_one ? 1 : 0),
            join(high, low | (rest != 0 ? 1 : 0))};
}

Wide increased(const Wide& value, Wide128 fraction) {
    const Wide128 sum = value.significand + high_product(value.significand, fraction) + 1;
    if (sum < value.significand)
        return {value.negative, value.exponent + 1, (sum >> 1) | top_bit};
    return {value.negative, value.exponent, sum};
}

Wide decreased(const Wide& value, Wide128 fraction) {
    return wide_number(value.negative, value.exponent,
                       value.significand - high_product(value.significand, fraction) - 1);
}

Float80 round_irrational(const Wide& value, FloatContext& context) {
    return round_and_pack(value.negative, value.exponent + exponent_bias, value.significand | 1,
                          full_precision, context);
}

} // namespace fixpoint::models::float80
