#include "models/float80/format.hpp"

namespace fixpoint::models {

using namespace float80;

namespace float80 {

bool decided_by_nan(Float80 value, FloatContext& context, Float80& result) {
    if (is_unsupported(value)) {
        result = invalid_operation(context);
        return true;
    }
    if (!is_nan(value))
        return false;
    if (is_signalling(value))
        context.raised |= float_exception::invalid;
    result = quieted(value);
    return true;
}

// SDM vol. 1, table 4-7: a QNaN rather than an SNaN, else the larger significand, else the positive one.
bool decided_by_nan(Float80 a, Float80 b, FloatContext& context, Float80& result) {
    if (is_unsupported(a) || is_unsupported(b)) {
        result = invalid_operation(context);
        return true;
    }
    if (!is_nan(a) && !is_nan(b))
        return false;
    if (is_signalling(a) || is_signalling(b))
        context.raised |= float_exception::invalid;
    bool first = is_nan(a);
    if (is_nan(a) && is_nan(b)) {
        const uint64_t a_significand = quieted(a).significand;
        const uint64_t b_significand = quieted(b).significand;
        if (is_signalling(a) != is_signalling(b))
            first = is_signalling(b);
        else if (a_significand != b_significand)
            first = a_significand > b_significand;
        else
            first = !is_negative(a);
    }
    result = quieted(first ? a : b);
    return true;
}

} // namespace float80

FloatClass classify(Float80 value) {
    if (is_unsupported(value))
        return FloatClass::unsupported;
    if (is_nan(value))
        return FloatClass::nan;
    if (is_infinity(value))
        return FloatClass::infinity;
    if (is_zero(value))
        return FloatClass::zero;
    return is_denormal(value) ? FloatClass::denormal : FloatClass::normal;
}

Order compare(Float80 a, Float80 b, bool quiet, FloatContext& context) {
    Float80 nan;
    if (decided_by_nan(a, b, context, nan)) {
        if (!quiet)
            context.raised |= float_exception::invalid;
        return Order::unordered;
    }
    if (is_denormal(a) || is_denormal(b))
        context.raised |= float_exception::denormal;
    if (is_zero(a) && is_zero(b))
        return Order::equal;
    if (is_negative(a) != is_negative(b))
        return is_negative(a) ? Order::less : Order::greater;
    // A pseudo-denormal equals the number with exponent 1.
    const auto magnitude = [](Float80 value) {
        const int32_t exponent = exponent_field(value);
        const bool pseudo_denormal = exponent == 0 && (value.significand & integer_bit) != 0;
        return (Wide128{static_cast<uint32_t>(exponent + (pseudo_denormal ? 1 : 0))} << 64) |
               value.significand;
    };
    const Wide128 a_magnitude = magnitude(a);
    const Wide128 b_magnitude = magnitude(b);
    if (a_magnitude == b_magnitude)
        return Order::equal;
    return (a_magnitude < b_magnitude) != is_negative(a) ? Order::less : Order::greater;
}

} // namespace fixpoint::models
