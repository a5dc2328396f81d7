// The transcendental functions beside those of the host's x87, which are good to one unit in the last place where the
// argument is small: results within 1.5 units, the same exceptions, the same special cases. (C1 is not compared: the
// processors' own results are rounded from less than the true value. Nor are arguments outside an instruction's domain.)
//
// FIXPOINT_FLOAT80_SEED and FIXPOINT_FLOAT80_CASES choose other runs than the default; the seed is printed with a failure.
#include "tests/campaigns/setting.hpp"
#include "tests/float80/native_x87.hpp"
#include "tests/float80/operand_generator.hpp"
#include "tests/support/host_processor.hpp"

#include <gtest/gtest.h>

#include <iomanip>
#include <sstream>
#include <string>

namespace fixpoint::tests {
namespace {

using namespace models;
using native::Instruction;

struct Results {
    Float80 first;  // of FSINCOS the cosine, which ends in ST(0)
    Float80 second; // of FSINCOS only
    bool in_range = true;
};

using Model = Results (*)(Float80 a, Float80 b, FloatContext& context);
using Generator = void (*)(OperandGenerator& random, Float80& a, Float80& b);

bool is_ordinary(Float80 value) {
    const int exponent = value.sign_exponent & 0x7FFF;
    return exponent > 0 && exponent < 0x7FFF && (value.significand >> 63) != 0;
}

void small_angle(OperandGenerator& random, Float80& a, Float80& b) {
    do {
        a = random.one_in(2) ? random.number(-20, -1) : random.operand();
    } while (is_ordinary(a) && (a.sign_exponent & 0x7FFF) > 16382 && (a.sign_exponent & 0x7FFF) < 16383 + 63);
    b = a;
}
void exponent_operand(OperandGenerator& random, Float80& a, Float80& b) {
    do {
        a = random.one_in(2) ? random.number(-20, -1) : random.operand();
    } while (is_ordinary(a) && (a.sign_exponent & 0x7FFF) > 16382);
    b = a;
}
void logarithm_operands(OperandGenerator& random, Float80& y, Float80& x) {
    y = random.operand();
    x = random.one_in(2) ? random.number(-2, 2) : random.operand();
}
void logarithm_plus_1_operands(OperandGenerator& random, Float80& y, Float80& x) {
    y = random.operand();
    do {
        x = random.one_in(2) ? random.number(-20, -3) : random.operand();
    } while (is_ordinary(x) && (x.sign_exponent & 0x7FFF) > 16380);
}
void point(OperandGenerator& random, Float80& y, Float80& x) {
    y = random.operand();
    x = random.partner(y);
}

template<Float80 (*operation)(Float80, Float80, FloatContext&)>
Results binary(Float80 a, Float80 b, FloatContext& context) {
    return {operation(a, b, context), {}};
}
template<Trigonometric (*operation)(Float80, FloatContext&)>
Results trigonometric(Float80 a, Float80, FloatContext& context) {
    const Trigonometric result = operation(a, context);
    return {result.value, {}, result.in_range};
}
Results f2xm1_model(Float80 a, Float80, FloatContext& context) {
    return {f2xm1(a, context), {}};
}
Results sine_cosine_model(Float80 a, Float80, FloatContext& context) {
    const SineCosine both = sine_cosine(a, context);
    return {both.in_range ? both.cosine : a, both.sine, both.in_range};
}

struct Operation {
    const char* name;
    Instruction instruction;
    Model model;
    Generator generate;
};
void PrintTo(const Operation& operation, std::ostream* out) {
    *out << operation.name;
}

constexpr Operation operations[] = {
    {"F2xm1", Instruction::f2xm1, f2xm1_model, exponent_operand},
    {"Fyl2x", Instruction::fyl2x, binary<y_log2_x>, logarithm_operands},
    {"Fyl2xp1", Instruction::fyl2xp1, binary<y_log2_x_plus_1>, logarithm_plus_1_operands},
    {"Fpatan", Instruction::fpatan, binary<arctangent>, point},
    {"Fsin", Instruction::fsin, trigonometric<sine>, small_angle},
    {"Fcos", Instruction::fcos, trigonometric<cosine>, small_angle},
    {"Fsincos", Instruction::fsincos, sine_cosine_model, small_angle},
    {"Fptan", Instruction::fptan, trigonometric<tangent>, small_angle},
};

// At most one unit in the last place apart, which is what 1.5 units from the true value on one side and half a unit on
// the other allow; across a power of two they are neighbours, too.
bool close(Float80 a, Float80 b) {
    if (!is_ordinary(a) || !is_ordinary(b)) {
        // Denormals and the smallest normal number are numbered through.
        const bool both_small = (a.sign_exponent & 0x7FFF) <= 1 && (b.sign_exponent & 0x7FFF) <= 1;
        const bool same_sign = ((a.sign_exponent ^ b.sign_exponent) & 0x8000) == 0;
        return a == b || (both_small && same_sign && a.significand - b.significand + 1 <= 2);
    }
    const auto ordinal = [](Float80 value) {
        return static_cast<uint64_t>(value.sign_exponent & 0x7FFF) << 63 |
               (value.significand & ~(uint64_t{1} << 63));
    };
    return ((a.sign_exponent ^ b.sign_exponent) & 0x8000) == 0 && ordinal(a) - ordinal(b) + 1 <= 2;
}

std::string text(Float80 value) {
    std::ostringstream out;
    out << std::hex << std::setfill('0') << std::setw(4) << value.sign_exponent << ' ' << std::setw(16)
        << value.significand;
    return out.str();
}

std::string difference(const Operation& operation, Float80 a, Float80 b, FloatContext context) {
    const Results predicted = operation.model(a, b, context);
    constexpr uint8_t no_source[10] = {};
    const native::Outcome actual =
        native::execute(operation.instruction, a, b, no_source,
                        native::control_word(context.rounding, context.precision_bits, context.masked));
    std::ostringstream out;
    if (context.raised != (actual.status & float_exception::all))
        out << "exceptions " << std::hex << unsigned{context.raised} << ", the host "
            << (actual.status & float_exception::all) << '\n';
    if (predicted.in_range == ((actual.status & native::c2) != 0))
        out << "in range " << predicted.in_range << '\n';
    constexpr uint8_t before =
        float_exception::invalid | float_exception::denormal | float_exception::divide_by_zero;
    if ((context.raised & ~context.masked & before) != 0)
        return out.str();
    // FPTAN pushes 1.0 on its result.
    const bool pushed_one = operation.instruction == Instruction::fptan && predicted.in_range;
    const Float80 first = pushed_one ? actual.st1 : actual.st0;
    if (!close(predicted.first, first))
        out << text(predicted.first) << ", the host " << text(first) << '\n';
    if (operation.instruction == Instruction::fsincos && predicted.in_range &&
        !close(predicted.second, actual.st1))
        out << "sine " << text(predicted.second) << ", the host " << text(actual.st1) << '\n';
    return out.str();
}

class TranscendentalOnHost : public testing::TestWithParam<Operation> {};

TEST_P(TranscendentalOnHost, IsWithinAUnitOfTheHostsResult) {
    if (!host_is_compared_with())
        GTEST_SKIP() << host_is_not_compared_with;
    const Operation& operation = GetParam();
    const uint64_t seed = setting("FIXPOINT_FLOAT80_SEED", 80387);
    const uint64_t cases = setting("FIXPOINT_FLOAT80_CASES", 100'000);
    OperandGenerator random{seed};
    int failures = 0;
    for (uint64_t i = 0; i < cases && failures < 5; ++i) {
        Float80 a;
        Float80 b;
        operation.generate(random, a, b);
        FloatContext context = random.context();
        const std::string differing = difference(operation, a, b, context);
        if (differing.empty())
            continue;
        ++failures;
        ADD_FAILURE() << operation.name << ", seed " << seed << ", case " << i << ": " << text(a) << ", "
                      << text(b) << ", RC " << unsigned{static_cast<uint8_t>(context.rounding)} << ", masks "
                      << std::hex << unsigned{context.masked} << '\n'
                      << differing;
    }
}

INSTANTIATE_TEST_SUITE_P(Float80, TranscendentalOnHost, testing::ValuesIn(operations),
                         [](const auto& test) { return std::string{test.param.name}; });

} // namespace
} // namespace fixpoint::tests
