// The special cases of the instructions as their tables in the manual have them (SDM vol. 2), and the responses to
// exceptions (SDM vol. 1, 8.5).
#include "models/float80/float80.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <iomanip>
#include <ostream>

namespace fixpoint::models {
// For GoogleTest's messages.
void PrintTo(const Float80& value, std::ostream* out) {
    *out << std::hex << std::setfill('0') << std::setw(4) << value.sign_exponent << ' ' << std::setw(16)
         << value.significand << std::dec;
}
} // namespace fixpoint::models

namespace fixpoint::tests {
namespace {

using namespace models;
namespace raised = float_exception;

constexpr uint64_t integer_bit = uint64_t{1} << 63;

constexpr Float80 negative(Float80 value) {
    return {value.significand, static_cast<uint16_t>(value.sign_exponent ^ 0x8000)};
}
constexpr Float80 power_of_two(int exponent) {
    return {integer_bit, static_cast<uint16_t>(16383 + exponent)};
}

constexpr Float80 zero{0, 0};
constexpr Float80 one = power_of_two(0);
constexpr Float80 two = power_of_two(1);
constexpr Float80 half = power_of_two(-1);
constexpr Float80 infinity{integer_bit, 0x7FFF};
constexpr Float80 smallest_denormal{1, 0};
constexpr Float80 smallest_normal{integer_bit, 1};
constexpr Float80 largest{~uint64_t{0}, 0x7FFE};
constexpr Float80 quiet_nan{0xC000'0000'0000'1234, 0x7FFF};
constexpr Float80 signalling_nan{0x8000'0000'0000'1234, 0x7FFF};
constexpr Float80 unnormal{integer_bit >> 1, 0x4000};
constexpr Float80 pseudo_infinity{0, 0x7FFF};
constexpr Float80 pseudo_nan{0x4000'0000'0000'0000, 0x7FFF};
constexpr Float80 pi{0xC90F'DAA2'2168'C235, 0x4000};
constexpr Float80 half_pi{0xC90F'DAA2'2168'C235, 0x3FFF};
constexpr Float80 quarter_pi{0xC90F'DAA2'2168'C235, 0x3FFE};
constexpr Float80 three_quarters_pi{0x96CB'E3F9'990E'91A8, 0x4000};

using Binary = Float80 (*)(Float80, Float80, FloatContext&);
using Unary = Float80 (*)(Float80, FloatContext&);

constexpr Unary sine_value = [](Float80 x, FloatContext& context) { return sine(x, context).value; };
constexpr Unary cosine_value = [](Float80 x, FloatContext& context) { return cosine(x, context).value; };
constexpr Unary tangent_value = [](Float80 x, FloatContext& context) { return tangent(x, context).value; };

struct BinaryCase {
    Binary operation = nullptr;
    Float80 a, b;
    Float80 result;
    uint8_t exceptions = 0;
};
void expect(std::initializer_list<BinaryCase> cases) {
    for (const BinaryCase& c : cases) {
        FloatContext context;
        EXPECT_EQ(c.operation(c.a, c.b, context), c.result)
            << testing::PrintToString(c.a) << ", " << testing::PrintToString(c.b);
        EXPECT_EQ(context.raised, c.exceptions)
            << testing::PrintToString(c.a) << ", " << testing::PrintToString(c.b);
    }
}
struct UnaryCase {
    Unary operation = nullptr;
    Float80 operand;
    Float80 result;
    uint8_t exceptions = 0;
};
void expect(std::initializer_list<UnaryCase> cases) {
    for (const UnaryCase& c : cases) {
        FloatContext context;
        EXPECT_EQ(c.operation(c.operand, context), c.result) << testing::PrintToString(c.operand);
        EXPECT_EQ(context.raised, c.exceptions) << testing::PrintToString(c.operand);
    }
}

TEST(Float80, UnsupportedEncodingsAreInvalidEverywhere) {
    for (const Float80 operand : {unnormal, pseudo_infinity, pseudo_nan, negative(unnormal)}) {
        EXPECT_EQ(classify(operand), FloatClass::unsupported);
        for (const Binary operation :
             {add, subtract, multiply, divide, scale, y_log2_x, y_log2_x_plus_1, arctangent})
            expect({{operation, operand, one, indefinite, raised::invalid},
                    {operation, one, operand, indefinite, raised::invalid},
                    {operation, quiet_nan, operand, indefinite, raised::invalid}});
        for (const Unary operation :
             {square_root, round_to_integer, f2xm1, sine_value, cosine_value, tangent_value})
            expect({{operation, operand, indefinite, raised::invalid}});
    }
}

TEST(Float80, NanPropagationTakesTheQuietOneThenTheLargerSignificandThenThePositive) {
    constexpr Float80 larger{0xC000'0000'0000'9999, 0xFFFF};
    constexpr Float80 signalling_larger{0x8000'0000'0000'9999, 0xFFFF};
    constexpr Float80 quieted{0xC000'0000'0000'1234, 0x7FFF};
    for (const Binary operation :
         {add, subtract, multiply, divide, scale, y_log2_x, y_log2_x_plus_1, arctangent})
        expect({{operation, quiet_nan, one, quiet_nan, 0},
                {operation, zero, quiet_nan, quiet_nan, 0},
                {operation, quiet_nan, larger, larger, 0},
                {operation, larger, quiet_nan, larger, 0},
                {operation, negative(quiet_nan), quiet_nan, quiet_nan, 0},
                {operation, signalling_nan, one, quieted, raised::invalid},
                {operation, signalling_larger, quiet_nan, quiet_nan, raised::invalid},
                {operation, signalling_nan, negative(signalling_larger), negative(larger), raised::invalid}});
}

TEST(Float80, InvalidArithmeticGivesTheIndefinite) {
    expect({{add, infinity, negative(infinity), indefinite, raised::invalid},
            {subtract, infinity, infinity, indefinite, raised::invalid},
            {multiply, zero, infinity, indefinite, raised::invalid},
            {divide, zero, negative(zero), indefinite, raised::invalid},
            {divide, infinity, infinity, indefinite, raised::invalid},
            {divide, one, negative(zero), negative(infinity), raised::divide_by_zero},
            {divide, infinity, zero, infinity, 0},
            {divide, smallest_denormal, zero, infinity,
             raised::divide_by_zero}}); // precedes the denormal operand
    expect({{square_root, negative(one), indefinite, raised::invalid},
            {square_root, negative(infinity), indefinite, raised::invalid},
            {square_root, negative(zero), negative(zero), 0},
            {square_root, infinity, infinity, 0}});
}

TEST(Float80, ExactCancellationIsNegativeZeroOnlyWhenRoundingDown) {
    for (const Rounding rounding : {Rounding::nearest, Rounding::down, Rounding::up, Rounding::toward_zero}) {
        FloatContext context{.rounding = rounding};
        EXPECT_EQ(subtract(pi, pi, context), rounding == Rounding::down ? negative(zero) : zero);
        EXPECT_EQ(add(negative(zero), negative(zero), context), negative(zero));
    }
}

TEST(Float80, MaskedOverflowGivesInfinityOrTheLargestNumberOfThePrecision) {
    FloatContext nearest;
    EXPECT_EQ(multiply(largest, two, nearest), infinity);
    EXPECT_EQ(nearest.raised, raised::overflow | raised::precision);
    EXPECT_TRUE(nearest.rounded_up);
    FloatContext truncated{.rounding = Rounding::toward_zero, .precision_bits = 24};
    EXPECT_EQ(multiply(largest, two, truncated), (Float80{0xFFFF'FF00'0000'0000, 0x7FFE}));
    EXPECT_FALSE(truncated.rounded_up);
}

TEST(Float80, UnmaskedOverflowAndUnderflowWrapTheExponentOfARegisterResult) {
    FloatContext over{.masked = raised::all ^ raised::overflow};
    EXPECT_EQ(multiply(power_of_two(16383), power_of_two(10), over), power_of_two(16393 - 24576));
    EXPECT_EQ(over.raised, raised::overflow);
    FloatContext under{.masked = raised::all ^ raised::underflow};
    EXPECT_EQ(multiply(power_of_two(-16382), half, under), power_of_two(-16383 + 24576));
    EXPECT_EQ(under.raised, raised::underflow); // tiny, though exact
    FloatContext without_result{.masked = raised::all ^ raised::underflow, .stack_result = false};
    EXPECT_EQ(multiply(power_of_two(-16382), half, without_result), Float80{});
    EXPECT_EQ(without_result.raised, raised::underflow);
}

TEST(Float80, MaskedUnderflowNeedsATinyAndInexactResult) {
    FloatContext exact;
    EXPECT_EQ(multiply(smallest_normal, half, exact), (Float80{integer_bit >> 1, 0}));
    EXPECT_EQ(exact.raised, 0);
    FloatContext inexact;
    EXPECT_EQ(multiply({integer_bit | 1, 1}, half, inexact), (Float80{integer_bit >> 1, 0}));
    EXPECT_EQ(inexact.raised, raised::underflow | raised::precision);
    // Not tiny after rounding: just below the smallest normal number, and rounded up to it.
    FloatContext rounded_out{.rounding = Rounding::up};
    EXPECT_EQ(multiply({~uint64_t{0}, 0x3FFE}, {integer_bit | 1, 1}, rounded_out),
              (Float80{integer_bit | 1, 1}));
    EXPECT_EQ(rounded_out.raised, raised::precision);
}

TEST(Float80, UnmaskedDenormalOperandStopsBeforeLaterExceptions) {
    FloatContext context{.masked = raised::all ^ raised::denormal};
    (void)multiply(smallest_denormal, smallest_denormal, context);
    EXPECT_EQ(context.raised, raised::denormal);
}

TEST(Float80, StoresToMemoryLeaveNothingAfterUnmaskedOverflowAndUnderflow) {
    FloatContext over{.masked = raised::all ^ raised::overflow};
    EXPECT_EQ(to_float64(largest, over), 0u);
    EXPECT_EQ(over.raised, raised::overflow);
    FloatContext under{.masked = raised::all ^ raised::underflow};
    EXPECT_EQ(to_float32(power_of_two(-149), under), 0u);
    EXPECT_EQ(under.raised, raised::underflow);
    FloatContext masked;
    EXPECT_EQ(to_float32(power_of_two(-149), masked), 1u);
    EXPECT_EQ(masked.raised, 0);
}

TEST(Float80, IntegersOutOfRangeAreTheIntegerIndefinite) {
    for (const Float80 operand :
         {infinity, quiet_nan, unnormal, power_of_two(63), negative(power_of_two(64))}) {
        FloatContext context;
        EXPECT_EQ(to_int16(operand, context), INT16_MIN);
        EXPECT_EQ(to_int32(operand, context), INT32_MIN);
        EXPECT_EQ(to_int64(operand, context), INT64_MIN);
        EXPECT_EQ(context.raised, raised::invalid);
    }
    FloatContext context;
    EXPECT_EQ(to_int64(negative(power_of_two(63)), context), INT64_MIN);
    EXPECT_EQ(context.raised, 0);
}

TEST(Float80, DecimalsHoldEighteenDigitsAndASign) {
    uint8_t digits[10];
    FloatContext context;
    to_bcd(from_int64(-999'999'999'999'999'999), digits, context);
    for (int byte = 0; byte < 9; ++byte)
        EXPECT_EQ(digits[byte], 0x99);
    EXPECT_EQ(digits[9], 0x80);
    EXPECT_EQ(from_bcd(digits), from_int64(-999'999'999'999'999'999));
    EXPECT_EQ(context.raised, 0);
    to_bcd(from_int64(1'000'000'000'000'000'000), digits, context);
    constexpr uint8_t decimal_indefinite[10] = {0, 0, 0, 0, 0, 0, 0, 0xC0, 0xFF, 0xFF};
    EXPECT_TRUE(std::equal(digits, digits + 10, decimal_indefinite));
    EXPECT_EQ(context.raised, raised::invalid);
}

TEST(Float80, PseudoDenormalsCountAsDenormalsWithExponentOne) {
    constexpr Float80 pseudo_denormal{integer_bit, 0};
    EXPECT_EQ(classify(pseudo_denormal), FloatClass::denormal);
    FloatContext context;
    EXPECT_EQ(compare(pseudo_denormal, smallest_normal, false, context), Order::equal);
    EXPECT_EQ(context.raised, raised::denormal);
}

TEST(Float80, OnlyOrderedComparisonFindsQuietNansInvalid) {
    for (const bool quiet : {false, true}) {
        FloatContext context;
        EXPECT_EQ(compare(quiet_nan, one, quiet, context), Order::unordered);
        EXPECT_EQ(context.raised, quiet ? 0 : raised::invalid);
        EXPECT_EQ(compare(signalling_nan, one, quiet, context), Order::unordered);
        EXPECT_EQ(context.raised, raised::invalid);
    }
}

TEST(Float80, ScaleBeyondTheWrappedRangeGivesInfinityOrZero) {
    const Float80 far = from_int64(100'000);
    FloatContext over{.rounding = Rounding::toward_zero, .masked = 0};
    EXPECT_EQ(scale(one, far, over), infinity);
    FloatContext under{.rounding = Rounding::up, .masked = 0};
    EXPECT_EQ(scale(one, negative(far), under), zero);
    expect({{scale, zero, infinity, indefinite, raised::invalid},
            {scale, infinity, negative(infinity), indefinite, raised::invalid},
            {scale, negative(one), infinity, negative(infinity), 0},
            {scale, negative(one), negative(infinity), negative(zero), 0}});
}

TEST(Float80, ExtractOfZeroDividesByZero) {
    FloatContext context;
    const Extracted extracted = extract(negative(zero), context);
    EXPECT_EQ(extracted.exponent, negative(infinity));
    EXPECT_EQ(extracted.significand, negative(zero));
    EXPECT_EQ(context.raised, raised::divide_by_zero);
}

TEST(Float80, RemainderIsCompleteWhenTheExponentsDifferByLessThan64) {
    FloatContext context;
    const Remainder complete = remainder(power_of_two(63), from_int64(3), false, context);
    EXPECT_TRUE(complete.complete);
    EXPECT_EQ(complete.value, from_int64(2));
    EXPECT_EQ(complete.quotient_low_bits, 2u); // 2^63 / 3 = ...1010b
    const Remainder partial = remainder(power_of_two(100), from_int64(3), false, context);
    EXPECT_FALSE(partial.complete);
    const Remainder nearest = remainder(from_int64(5), from_int64(3), true, context);
    EXPECT_EQ(nearest.value, from_int64(-1));
    EXPECT_EQ(nearest.quotient_low_bits, 2u);
    EXPECT_EQ(context.raised, 0);
}

TEST(Float80, F2xm1AtTheEndsOfItsDomain) {
    expect({{f2xm1, zero, zero, 0},
            {f2xm1, negative(zero), negative(zero), 0},
            {f2xm1, one, one, raised::precision},
            {f2xm1, negative(one), negative(half), raised::precision},
            {f2xm1, infinity, infinity, 0},
            {f2xm1, negative(infinity), negative(one), 0}});
}

TEST(Float80, Fyl2xTable) {
    expect({{y_log2_x, one, negative(one), indefinite, raised::invalid},
            {y_log2_x, one, negative(infinity), indefinite, raised::invalid},
            {y_log2_x, one, negative(smallest_denormal), indefinite, raised::invalid},
            {y_log2_x, zero, zero, indefinite, raised::invalid},
            {y_log2_x, one, negative(zero), negative(infinity), raised::divide_by_zero},
            {y_log2_x, negative(one), zero, infinity, raised::divide_by_zero},
            {y_log2_x, infinity, zero, negative(infinity), 0},
            {y_log2_x, negative(infinity), zero, infinity, 0},
            {y_log2_x, infinity, half, negative(infinity), 0},
            {y_log2_x, infinity, one, indefinite, raised::invalid},
            {y_log2_x, infinity, two, infinity, 0},
            {y_log2_x, zero, half, negative(zero), 0},
            {y_log2_x, zero, one, zero, 0},
            {y_log2_x, negative(two), one, negative(zero), 0},
            {y_log2_x, zero, infinity, indefinite, raised::invalid},
            {y_log2_x, negative(one), infinity, negative(infinity), 0},
            {y_log2_x, two, power_of_two(-16), from_int64(-32), raised::precision},
            {y_log2_x, largest, from_int64(8), infinity, raised::overflow | raised::precision}});
}

TEST(Float80, Fyl2xp1Table) {
    expect({{y_log2_x_plus_1, one, zero, zero, 0},
            {y_log2_x_plus_1, one, negative(zero), negative(zero), 0},
            {y_log2_x_plus_1, negative(zero), half, negative(zero), 0},
            {y_log2_x_plus_1, infinity, zero, indefinite, raised::invalid},
            {y_log2_x_plus_1, infinity, negative(half), negative(infinity), 0},
            {y_log2_x_plus_1, zero, infinity, indefinite, raised::invalid},
            {y_log2_x_plus_1, one, negative(infinity), indefinite, raised::invalid}});
}

TEST(Float80, FpatanQuadrants) {
    constexpr uint8_t inexact = raised::precision;
    expect({{arctangent, zero, one, zero, 0},
            {arctangent, negative(zero), infinity, negative(zero), 0},
            {arctangent, zero, zero, zero, 0},
            {arctangent, negative(zero), negative(zero), negative(pi), inexact},
            {arctangent, zero, negative(one), pi, inexact},
            {arctangent, one, zero, half_pi, inexact},
            {arctangent, negative(one), negative(zero), negative(half_pi), inexact},
            {arctangent, infinity, one, half_pi, inexact},
            {arctangent, infinity, infinity, quarter_pi, inexact},
            {arctangent, negative(infinity), negative(infinity), negative(three_quarters_pi), inexact},
            {arctangent, one, infinity, zero, 0},
            {arctangent, negative(one), negative(infinity), negative(pi), inexact},
            {arctangent, two, two, quarter_pi, inexact},
            {arctangent, two, negative(two), three_quarters_pi, inexact},
            {arctangent, one, largest, {integer_bit >> 2, 0}, raised::underflow | inexact}});
}

TEST(Float80, TrigonometricFunctionsOfZeroAndInfinity) {
    expect({{sine_value, negative(zero), negative(zero), 0},
            {cosine_value, negative(zero), one, 0},
            {tangent_value, negative(zero), negative(zero), 0},
            {sine_value, infinity, indefinite, raised::invalid},
            {cosine_value, negative(infinity), indefinite, raised::invalid},
            {tangent_value, infinity, indefinite, raised::invalid},
            {sine_value, smallest_denormal, smallest_denormal,
             raised::denormal | raised::underflow | raised::precision}});
    FloatContext context;
    EXPECT_EQ(sine_cosine(zero, context).cosine, one);
}

TEST(Float80, TrigonometricFunctionsRefuseArgumentsFrom2To63) {
    FloatContext context;
    for (const Float80 operand : {power_of_two(63), negative(power_of_two(63)), largest}) {
        EXPECT_FALSE(sine(operand, context).in_range);
        EXPECT_EQ(sine(operand, context).value, operand);
        EXPECT_FALSE(cosine(operand, context).in_range);
        EXPECT_FALSE(tangent(operand, context).in_range);
        EXPECT_FALSE(sine_cosine(operand, context).in_range);
    }
    EXPECT_EQ(context.raised, 0);
    EXPECT_TRUE(sine({~uint64_t{0}, 16383 + 62}, context).in_range);
}

TEST(Float80, ConstantsFollowRoundingControl) {
    struct {
        uint64_t below;
        uint16_t exponent;
        FloatConstant which;
        bool nearest_is_above;
    } constexpr constants[] = {
        // Abramowitz and Stegun, table 1.1, in binary.
        {0xD49A'784B'CD1B'8AFE, 0x4000, FloatConstant::log2_10, false},
        {0xB8AA'3B29'5C17'F0BB, 0x3FFF, FloatConstant::log2_e, true},
        {0xC90F'DAA2'2168'C234, 0x4000, FloatConstant::pi, true},
        {0x9A20'9A84'FBCF'F798, 0x3FFD, FloatConstant::log10_2, true},
        {0xB172'17F7'D1CF'79AB, 0x3FFE, FloatConstant::ln_2, true},
    };
    for (const auto& c : constants) {
        EXPECT_EQ(constant(c.which, Rounding::down), (Float80{c.below, c.exponent}));
        EXPECT_EQ(constant(c.which, Rounding::toward_zero), (Float80{c.below, c.exponent}));
        EXPECT_EQ(constant(c.which, Rounding::up), (Float80{c.below + 1, c.exponent}));
        EXPECT_EQ(constant(c.which, Rounding::nearest),
                  (Float80{c.below + (c.nearest_is_above ? 1 : 0), c.exponent}));
    }
    EXPECT_EQ(constant(FloatConstant::one, Rounding::up), one);
    EXPECT_EQ(constant(FloatConstant::zero, Rounding::down), zero);
}

} // namespace
} // namespace fixpoint::tests
