// Between the register format and those of memory: single, double, integers and packed decimal.
#include "models/float80/round.hpp"

namespace fixpoint::models {

using namespace float80;

namespace {

// An IEEE interchange format with a hidden bit.
struct MemoryFormat {
    unsigned fraction_bits;
    int32_t bias;
    int32_t infinity_exponent;

    [[nodiscard]] constexpr unsigned exponent_shift() const { return fraction_bits; }
    [[nodiscard]] constexpr unsigned sign_shift() const {
        return fraction_bits +
               static_cast<unsigned>(std::bit_width(static_cast<uint32_t>(infinity_exponent)));
    }
    [[nodiscard]] constexpr uint64_t fraction_mask() const { return (uint64_t{1} << fraction_bits) - 1; }
    [[nodiscard]] constexpr unsigned precision_bits() const { return fraction_bits + 1; }
    // From the explicit 64-bit significand to the fraction.
    [[nodiscard]] constexpr unsigned significand_shift() const { return 63 - fraction_bits; }
};
constexpr MemoryFormat single_format{23, 127, 0xFF};
constexpr MemoryFormat double_format{52, 1023, 0x7FF};
static_assert(single_format.sign_shift() == 31 && double_format.sign_shift() == 63);

Float80 from_format(const MemoryFormat& format, uint64_t value, FloatContext& context) {
    const bool negative = ((value >> format.sign_shift()) & 1) != 0;
    const auto exponent = static_cast<int32_t>(value >> format.exponent_shift()) & format.infinity_exponent;
    const uint64_t significand = (value & format.fraction_mask()) << format.significand_shift();
    if (exponent == format.infinity_exponent) {
        const Float80 special = pack(negative, exponent_mask, significand | integer_bit);
        if (is_signalling(special))
            context.raised |= float_exception::invalid;
        return is_nan(special) ? quieted(special) : special;
    }
    if (exponent != 0)
        return pack(negative, exponent - format.bias + exponent_bias, significand | integer_bit);
    if (significand == 0)
        return zero(negative);
    context.raised |= float_exception::denormal;
    const int shift = std::countl_zero(significand);
    return pack(negative, 1 - shift - format.bias + exponent_bias, significand << shift);
}

uint64_t with_sign(const MemoryFormat& format, bool negative, uint64_t magnitude) {
    return magnitude | (uint64_t{negative} << format.sign_shift());
}

uint64_t overflowed(const MemoryFormat& format, bool negative, FloatContext& context) {
    context.raised |= float_exception::overflow;
    if ((context.masked & float_exception::overflow) == 0)
        return 0;
    context.raised |= float_exception::precision;
    context.rounded_up = context.rounding == Rounding::nearest ||
                         context.rounding == (negative ? Rounding::down : Rounding::up);
    const uint64_t infinite = static_cast<uint64_t>(format.infinity_exponent) << format.exponent_shift();
    return with_sign(format, negative, infinite - (context.rounded_up ? 0 : 1));
}

// Below the smallest normal number of the format, before rounding.
uint64_t denormal_to_format(const MemoryFormat& format, const Normalized& value, int32_t exponent, bool tiny,
                            FloatContext& context) {
    if (tiny && (context.masked & float_exception::underflow) == 0) {
        context.raised |= float_exception::underflow;
        return 0;
    }
    const Wide128 shifted = shift_right_sticky(Wide128{value.significand} << 64, 1 - exponent);
    const RoundedSignificand rounded =
        round_significand(value.negative, static_cast<uint64_t>(shifted >> 64),
                          static_cast<uint64_t>(shifted), format.precision_bits(), context.rounding);
    if (tiny && rounded.inexact)
        context.raised |= float_exception::underflow;
    note_inexact(rounded, context);
    // Rounded up into the place of the hidden bit it makes the exponent 1.
    return with_sign(format, value.negative, rounded.significand >> format.significand_shift());
}

uint64_t finite_to_format(const MemoryFormat& format, const Normalized& value, FloatContext& context) {
    const int32_t exponent = value.exponent - exponent_bias + format.bias;
    const RoundedSignificand rounded =
        round_significand(value.negative, value.significand, 0, format.precision_bits(), context.rounding);
    const int32_t rounded_exponent = exponent + (rounded.carried ? 1 : 0);
    if (rounded_exponent >= format.infinity_exponent)
        return overflowed(format, value.negative, context);
    if (exponent < 1)
        return denormal_to_format(format, value, exponent, rounded_exponent < 1,
                                  context); // tiny: see round.cpp
    note_inexact(rounded, context);
    // Carried, the significand is 0, and so is the fraction.
    return with_sign(format, value.negative,
                     (static_cast<uint64_t>(rounded_exponent) << format.exponent_shift()) |
                         ((rounded.significand >> format.significand_shift()) & format.fraction_mask()));
}

uint64_t to_format(const MemoryFormat& format, Float80 value, FloatContext& context) {
    Float80 nan;
    if (decided_by_nan(value, context, nan) || is_infinity(value)) {
        const Float80 special = is_infinity(value) ? value : nan;
        const uint64_t infinite = static_cast<uint64_t>(format.infinity_exponent) << format.exponent_shift();
        return with_sign(format, is_negative(special),
                         infinite |
                             ((special.significand >> format.significand_shift()) & format.fraction_mask()));
    }
    if (is_zero(value))
        return with_sign(format, is_negative(value), 0);
    return finite_to_format(format, normalized(value), context);
}

constexpr uint64_t beyond_all_integers = ~uint64_t{0};

// The magnitude rounded to an integer; beyond_all_integers if it needs more than 63 bits and is not 2^63.
uint64_t rounded_magnitude(const Normalized& value, RoundedSignificand& rounded, Rounding rounding) {
    const int32_t unbiased = value.exponent - exponent_bias;
    rounded = {};
    if (unbiased > 63)
        return beyond_all_integers;
    if (unbiased == 63)
        return value.significand == integer_bit ? value.significand : beyond_all_integers;
    const Wide128 shifted = shift_right_sticky(Wide128{value.significand} << 64, 63 - unbiased);
    rounded = round_significand(value.negative, static_cast<uint64_t>(shifted >> 64),
                                static_cast<uint64_t>(shifted), full_precision, rounding);
    return rounded.significand;
}

// Rounds to an integer whose magnitude is at most `largest` (one more if negative). False: invalid.
bool to_integer(Float80 value, uint64_t largest, uint64_t& magnitude, FloatContext& context) {
    magnitude = 0;
    if (is_zero(value))
        return true;
    if (exponent_field(value) == exponent_mask || is_unsupported(value)) {
        context.raised |= float_exception::invalid;
        return false;
    }
    RoundedSignificand rounded{};
    magnitude = rounded_magnitude(normalized(value), rounded, context.rounding);
    if (magnitude > largest) {
        context.raised |= float_exception::invalid;
        return false;
    }
    note_inexact(rounded, context);
    return true;
}

template<typename Integer>
Integer to_signed(Float80 value, FloatContext& context) {
    constexpr uint64_t smallest_magnitude = uint64_t{1}
                                            << (8 * sizeof(Integer) - 1); // the integer indefinite, too
    const bool negative = is_negative(value);
    uint64_t magnitude;
    if (!to_integer(value, smallest_magnitude - (negative ? 0 : 1), magnitude, context))
        return static_cast<Integer>(smallest_magnitude);
    return static_cast<Integer>(negative ? 0 - magnitude : magnitude);
}

constexpr uint64_t largest_bcd = 999'999'999'999'999'999;
constexpr uint8_t decimal_sign = 0x80; // of byte 9

} // namespace

Float80 from_float32(uint32_t value, FloatContext& context) {
    return from_format(single_format, value, context);
}
Float80 from_float64(uint64_t value, FloatContext& context) {
    return from_format(double_format, value, context);
}

Float80 from_int64(int64_t value) {
    if (value == 0)
        return zero(false);
    const bool negative = value < 0;
    const uint64_t magnitude = negative ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
    const int shift = std::countl_zero(magnitude);
    return pack(negative, exponent_bias + 63 - shift, magnitude << shift);
}

Float80 from_bcd(const uint8_t (&digits)[10]) {
    uint64_t magnitude = 0;
    for (int byte = 8; byte >= 0; --byte)
        magnitude = magnitude * 100 + uint64_t{digits[byte]} / 16 * 10 + digits[byte] % 16;
    Float80 value = from_int64(static_cast<int64_t>(magnitude));
    if ((digits[9] & decimal_sign) != 0)
        value.sign_exponent |= sign_bit;
    return value;
}

uint32_t to_float32(Float80 value, FloatContext& context) {
    return static_cast<uint32_t>(to_format(single_format, value, context));
}
uint64_t to_float64(Float80 value, FloatContext& context) {
    return to_format(double_format, value, context);
}

int16_t to_int16(Float80 value, FloatContext& context) {
    return to_signed<int16_t>(value, context);
}
int32_t to_int32(Float80 value, FloatContext& context) {
    return to_signed<int32_t>(value, context);
}
int64_t to_int64(Float80 value, FloatContext& context) {
    return to_signed<int64_t>(value, context);
}

void to_bcd(Float80 value, uint8_t (&digits)[10], FloatContext& context) {
    uint64_t magnitude;
    if (!to_integer(value, largest_bcd, magnitude, context)) {
        // The packed decimal indefinite.
        for (uint8_t& byte : digits)
            byte = 0;
        digits[7] = 0xC0;
        digits[8] = digits[9] = 0xFF;
        return;
    }
    for (int byte = 0; byte < 9; ++byte) {
        digits[byte] = static_cast<uint8_t>(magnitude / 10 % 10 * 16 + magnitude % 10);
        magnitude /= 100;
    }
    digits[9] = is_negative(value) ? decimal_sign : 0;
}

} // namespace fixpoint::models
