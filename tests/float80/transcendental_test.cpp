// The transcendental functions against their true values, computed by mpmath to 128 bits (make_reference_vectors.py):
// among them the numbers closest to multiples of pi/2 in every binade, the neighbourhoods of 1 and of all table
// boundaries, values that lie almost halfway between two numbers, and arguments and results that are denormal.
//
// To nearest the error must stay below 0.5000001 units in the last place; the directed roundings must lie on their side
// of the true value and less than one unit away; C1 must tell the side.
#include "models/float80/float80.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <iomanip>
#include <map>
#include <sstream>
#include <string>

namespace fixpoint::tests {
namespace {

using namespace models;

enum class Function { sine, cosine, tangent, f2xm1, y_log2_x, y_log2_x_plus_1, arctangent };
constexpr const char* names[] = {"sine",     "cosine",          "tangent",   "f2xm1",
                                 "y_log2_x", "y_log2_x_plus_1", "arctangent"};

struct Vector {
    Function function = Function::sine;
    Float80 first, second;
    bool negative = false;
    int32_t exponent = 0;
    uint64_t high = 0, low = 0; // (high * 2^64 + low) / 2^127 * 2^exponent
};
constexpr Vector vectors[] = {
#include "tests/float80/reference_vectors.inc"
};

Float80 evaluate(const Vector& vector, FloatContext& context) {
    switch (vector.function) {
    case Function::sine:
        return sine(vector.first, context).value;
    case Function::cosine:
        return cosine(vector.first, context).value;
    case Function::tangent:
        return tangent(vector.first, context).value;
    case Function::f2xm1:
        return f2xm1(vector.first, context);
    case Function::y_log2_x:
        return y_log2_x(vector.first, vector.second, context);
    case Function::y_log2_x_plus_1:
        return y_log2_x_plus_1(vector.first, vector.second, context);
    case Function::arctangent:
        return arctangent(vector.first, vector.second, context);
    }
    return indefinite;
}

constexpr int32_t exponent_bias = 16383;
constexpr int32_t smallest_normal_exponent = 1 - exponent_bias;

// result - true value in units of the last place of the true value; magnitudes, so that positive is away from 0.
double error_in_ulps(const Vector& vector, Float80 result) {
    const int32_t result_exponent = std::max(result.sign_exponent & 0x7FFF, 1) - exponent_bias;
    const int32_t unit_exponent = std::max(vector.exponent, smallest_normal_exponent);
    // The whole and the fractional part of the true value in units of the last place.
    const int32_t shift = unit_exponent - vector.exponent;
    const uint64_t whole = shift < 64 ? vector.high >> shift : 0;
    double fraction = std::ldexp(static_cast<double>(vector.low), -64 - std::min(shift, 1000));
    if (shift > 0)
        fraction += shift < 64 ? std::ldexp(static_cast<double>(vector.high << (64 - shift)), -64)
                               : std::ldexp(static_cast<double>(vector.high), -std::min(shift, 1000));
    // A result that was rounded up to the next power of two is 2^64 of the units.
    if (result_exponent == unit_exponent + 1 && result.significand == uint64_t{1} << 63)
        return static_cast<double>(0 - whole) - fraction;
    if (result_exponent != unit_exponent)
        return 1e30;
    return static_cast<double>(static_cast<int64_t>(result.significand - whole)) - fraction;
}

std::string describe(const Vector& vector, Float80 result) {
    std::ostringstream out;
    out << names[static_cast<int>(vector.function)] << std::hex << std::setfill('0');
    for (const Float80 operand : {vector.first, vector.second})
        out << ' ' << std::setw(4) << operand.sign_exponent << ' ' << std::setw(16) << operand.significand;
    out << " gives " << std::setw(4) << result.sign_exponent << ' ' << std::setw(16) << result.significand;
    return out.str();
}

TEST(Transcendental, IsWithinHalfAUnitInTheLastPlaceWhenRoundedToNearest) {
    std::map<Function, double> worst;
    for (const Vector& vector : vectors) {
        FloatContext context;
        const Float80 result = evaluate(vector, context);
        const double error = std::abs(error_in_ulps(vector, result));
        worst[vector.function] = std::max(worst[vector.function], error);
        EXPECT_LT(error, 0.5000001) << describe(vector, result);
        EXPECT_EQ((result.sign_exponent & 0x8000) != 0, vector.negative) << describe(vector, result);
    }
    for (const auto& [function, error] : worst)
        RecordProperty(std::string{"worst_error_of_"} + names[static_cast<int>(function)],
                       std::to_string(error));
}

TEST(Transcendental, RoundsToTheAskedSideOfTheTrueValue) {
    for (const Vector& vector : vectors)
        for (const Rounding rounding : {Rounding::down, Rounding::up, Rounding::toward_zero}) {
            FloatContext context{.rounding = rounding};
            const Float80 result = evaluate(vector, context);
            const double error = error_in_ulps(vector, result);
            const bool away = rounding == (vector.negative ? Rounding::down : Rounding::up);
            EXPECT_TRUE(away ? error >= 0 && error <= 1 : error <= 0 && error >= -1)
                << describe(vector, result) << ", error " << error;
        }
}

TEST(Transcendental, IsInexactAndTellsTheSideInC1) {
    for (const Vector& vector : vectors) {
        FloatContext context;
        const Float80 result = evaluate(vector, context);
        EXPECT_NE(context.raised & float_exception::precision, 0) << describe(vector, result);
        const double error = error_in_ulps(vector, result);
        EXPECT_TRUE(context.rounded_up == (error > 0) || std::abs(error) < 1e-12) << describe(vector, result);
    }
}

TEST(Transcendental, UnderflowsWhereTheResultIsDenormal) {
    int denormal_results = 0;
    for (const Vector& vector : vectors) {
        FloatContext context;
        const Float80 result = evaluate(vector, context);
        const bool denormal = (result.sign_exponent & 0x7FFF) == 0;
        denormal_results += denormal ? 1 : 0;
        const bool underflow = (context.raised & float_exception::underflow) != 0;
        EXPECT_TRUE(underflow || !denormal) << describe(vector, result);
        EXPECT_TRUE(!underflow || vector.exponent < smallest_normal_exponent) << describe(vector, result);
    }
    EXPECT_GT(denormal_results, 50);
}

TEST(Transcendental, IsIndependentOfPrecisionControl) {
    for (const Vector& vector : vectors) {
        FloatContext full;
        FloatContext single{.precision_bits = 24};
        EXPECT_EQ(evaluate(vector, full), evaluate(vector, single));
    }
}

TEST(Transcendental, SineAndCosineTogetherAreSineAndCosine) {
    for (const Vector& vector : vectors) {
        if (vector.function != Function::sine)
            continue;
        FloatContext context;
        const SineCosine both = sine_cosine(vector.first, context);
        EXPECT_EQ(both.sine, sine(vector.first, context).value);
        EXPECT_EQ(both.cosine, cosine(vector.first, context).value);
    }
}

} // namespace
} // namespace fixpoint::tests
