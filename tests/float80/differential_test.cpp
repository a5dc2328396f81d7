// Every operation but the transcendental ones against the host's own x87: random operands under random rounding and
// precision controls and masks must give the same result, exceptions and C1, bit by bit.
//
// FIXPOINT_FLOAT80_SEED and FIXPOINT_FLOAT80_CASES choose other runs than the default; the seed is printed with a failure.
#include "tests/campaigns/setting.hpp"
#include "tests/float80/native_x87.hpp"
#include "tests/float80/operand_generator.hpp"
#include "tests/support/host_processor.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <iomanip>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>

namespace fixpoint::models {
std::ostream& operator<<(std::ostream& out, Float80 value) {
    return out << std::hex << std::setfill('0') << std::setw(4) << value.sign_exponent << ' ' << std::setw(16)
               << value.significand << std::dec;
}
} // namespace fixpoint::models

namespace fixpoint::tests {
namespace {

using namespace models;
using native::Instruction;
using Memory = std::array<uint8_t, 10>;

struct Operands {
    Float80 a, b;
    uint8_t source[10] = {};
};

// What the status word, the registers and memory must be after the instruction.
struct Predicted {
    Float80 st0;
    Float80 st1;
    bool two_results = false;
    Memory memory{};
    uint16_t condition = 0; // C0, C2, C3 as the caller of the library makes them
    uint16_t compared_condition = native::c1;
    bool c1_from_rounding = true;

    Predicted() { memory.fill(native::untouched_memory); }
};

using Model = Predicted (*)(const Operands&, FloatContext&);
using Generator = void (*)(OperandGenerator&, Operands&);

void register_operands(OperandGenerator& random, Operands& operands) {
    operands.a = random.operand();
    operands.b = random.partner(operands.a);
}
void scale_operands(OperandGenerator& random, Operands& operands) {
    operands.a = random.operand();
    operands.b = random.one_in(4) ? random.operand() : random.number(-3, 17);
}
void remainder_operands(OperandGenerator& random, Operands& operands) {
    register_operands(random, operands);
    if (random.one_in(2) && (operands.a.sign_exponent & 0x7FFF) > 70) {
        operands.b = random.number(0, 0);
        operands.b.sign_exponent =
            static_cast<uint16_t>((operands.a.sign_exponent & 0x7FFF) - random.below(70) + random.below(3));
    }
}
void memory_operands(OperandGenerator& random, Operands& operands) {
    register_operands(random, operands);
    // Exponent fields of all zeros and ones come often enough.
    uint64_t value = random.bits();
    if (random.one_in(4))
        value &= random.one_in(2) ? ~uint64_t{0x7FF0'0000'7F80'0000} : 0x800F'FFFF'807F'FFFF;
    if (random.one_in(4))
        value |= 0x7FF0'0000'7F80'0000;
    if (random.one_in(8))
        value &= random.bits() & random.bits() & random.bits();
    std::memcpy(operands.source, &value, sizeof value);
}
void decimal_operands(OperandGenerator& random, Operands& operands) {
    register_operands(random, operands);
    for (int byte = 0; byte < 9; ++byte)
        operands.source[byte] = static_cast<uint8_t>(random.below(10) * 16 + random.below(10));
    for (uint64_t zeros = random.below(10); zeros > 0; --zeros)
        operands.source[9 - zeros] = 0;
    operands.source[9] = random.one_in(2) ? 0x80 : 0;
}
void integer_operands(OperandGenerator& random, Operands& operands) {
    register_operands(random, operands);
    if (random.one_in(2))
        operands.a = random.number(-2, 66);
    if (random.one_in(4)) { // one beside a power of two, or halfway
        operands.a = random.number(13, 64);
        operands.a.significand = random.one_in(2) ? 0x8000'0000'0000'0000 : ~uint64_t{0};
        operands.a.significand ^= uint64_t{1} << random.below(64);
        operands.a.significand |= 0x8000'0000'0000'0000;
    }
}

template<Float80 (*operation)(Float80, Float80, FloatContext&)>
Predicted binary(const Operands& operands, FloatContext& context) {
    Predicted predicted;
    predicted.st0 = operation(operands.a, operands.b, context);
    return predicted;
}
template<Float80 (*operation)(Float80, FloatContext&)>
Predicted unary(const Operands& operands, FloatContext& context) {
    Predicted predicted;
    predicted.st0 = operation(operands.a, context);
    return predicted;
}
Predicted extract_model(const Operands& operands, FloatContext& context) {
    const Extracted extracted = extract(operands.a, context);
    Predicted predicted;
    predicted.st0 = extracted.significand;
    predicted.st1 = extracted.exponent;
    predicted.two_results = true;
    return predicted;
}
template<bool nearest>
Predicted remainder_model(const Operands& operands, FloatContext& context) {
    const Remainder result = remainder(operands.a, operands.b, nearest, context);
    Predicted predicted;
    predicted.st0 = result.value;
    const uint32_t quotient = result.quotient_low_bits;
    predicted.condition =
        static_cast<uint16_t>((result.complete ? 0 : native::c2) | ((quotient & 4) ? native::c0 : 0) |
                              ((quotient & 2) ? native::c3 : 0) | ((quotient & 1) ? native::c1 : 0));
    predicted.compared_condition = native::c0 | native::c1 | native::c2 | native::c3;
    predicted.c1_from_rounding = false;
    return predicted;
}
template<bool quiet>
Predicted compare_model(const Operands& operands, FloatContext& context) {
    static constexpr uint16_t codes[] = {native::c0, native::c3, 0, native::c0 | native::c2 | native::c3};
    Predicted predicted;
    predicted.condition = codes[static_cast<int>(compare(operands.a, operands.b, quiet, context))];
    predicted.compared_condition = native::c0 | native::c1 | native::c2 | native::c3;
    predicted.st0 = operands.a;
    return predicted;
}
Predicted examine_model(const Operands& operands, FloatContext&) {
    static constexpr uint16_t codes[] = {
        0, native::c0, native::c2, native::c2 | native::c0, native::c3, native::c3 | native::c2};
    Predicted predicted;
    predicted.condition = codes[static_cast<int>(classify(operands.a))];
    predicted.condition |= (operands.a.sign_exponent & 0x8000) != 0 ? native::c1 : 0;
    predicted.compared_condition = native::c0 | native::c1 | native::c2 | native::c3;
    predicted.c1_from_rounding = false;
    predicted.st0 = operands.a;
    return predicted;
}
template<typename Source, auto operation>
Predicted load_model(const Operands& operands, FloatContext& context) {
    Source source;
    std::memcpy(&source, operands.source, sizeof source);
    Predicted predicted;
    if constexpr (std::is_invocable_v<decltype(operation), Source>)
        predicted.st0 = operation(source);
    else
        predicted.st0 = operation(source, context);
    return predicted;
}
Predicted load_decimal_model(const Operands& operands, FloatContext&) {
    Predicted predicted;
    predicted.st0 = from_bcd(operands.source);
    return predicted;
}

bool nothing_stored(const FloatContext& context) {
    constexpr uint8_t preventing =
        float_exception::invalid | float_exception::overflow | float_exception::underflow;
    return (context.raised & ~context.masked & preventing) != 0;
}
template<auto operation, bool pops>
Predicted store_model(const Operands& operands, FloatContext& context) {
    const auto stored = operation(operands.a, context);
    Predicted predicted;
    predicted.st0 = operands.a;
    if (nothing_stored(context))
        return predicted;
    std::memcpy(predicted.memory.data(), &stored, sizeof stored);
    if (pops)
        predicted.st0 = operands.b;
    return predicted;
}
Predicted store_decimal_model(const Operands& operands, FloatContext& context) {
    uint8_t digits[10];
    to_bcd(operands.a, digits, context);
    Predicted predicted;
    predicted.st0 = operands.a;
    if (nothing_stored(context))
        return predicted;
    std::memcpy(predicted.memory.data(), digits, sizeof digits);
    predicted.st0 = operands.b;
    return predicted;
}

constexpr uint8_t before_operation =
    float_exception::invalid | float_exception::denormal | float_exception::divide_by_zero;

struct Operation {
    const char* name;
    Model model;
    Generator generate;
    Instruction instruction;
    uint8_t stopping = before_operation; // these exceptions, unmasked, leave the registers as they were
};
void PrintTo(const Operation& operation, std::ostream* out) {
    *out << operation.name;
}

constexpr Operation operations[] = {
    {"Fadd", binary<add>, register_operands, Instruction::fadd},
    {"Fsub", binary<subtract>, register_operands, Instruction::fsub},
    {"Fmul", binary<multiply>, register_operands, Instruction::fmul},
    {"Fdiv", binary<divide>, register_operands, Instruction::fdiv},
    {"Fsqrt", unary<square_root>, register_operands, Instruction::fsqrt},
    {"Frndint", unary<round_to_integer>, integer_operands, Instruction::frndint},
    {"Fscale", binary<scale>, scale_operands, Instruction::fscale},
    {"Fxtract", extract_model, register_operands, Instruction::fxtract},
    {"Fprem", remainder_model<false>, remainder_operands, Instruction::fprem},
    {"Fprem1", remainder_model<true>, remainder_operands, Instruction::fprem1},
    {"Fcom", compare_model<false>, register_operands, Instruction::fcom},
    {"Fucom", compare_model<true>, register_operands, Instruction::fucom},
    {"Fxam", examine_model, register_operands, Instruction::fxam},
    {"FldSingle", load_model<uint32_t, from_float32>, memory_operands, Instruction::fld_m32,
     float_exception::invalid},
    {"FldDouble", load_model<uint64_t, from_float64>, memory_operands, Instruction::fld_m64,
     float_exception::invalid},
    {"Fild", load_model<int64_t, from_int64>, memory_operands, Instruction::fild_m64},
    {"Fbld", load_decimal_model, decimal_operands, Instruction::fbld},
    {"FstSingle", store_model<to_float32, false>, register_operands, Instruction::fst_m32},
    {"FstDouble", store_model<to_float64, false>, register_operands, Instruction::fst_m64},
    {"FistWord", store_model<to_int16, false>, integer_operands, Instruction::fist_m16},
    {"FistDword", store_model<to_int32, false>, integer_operands, Instruction::fist_m32},
    {"FistpQword", store_model<to_int64, true>, integer_operands, Instruction::fistp_m64},
    {"Fbstp", store_decimal_model, integer_operands, Instruction::fbstp},
};

// The first difference, or nothing.
std::string difference(const Operation& operation, const Operands& operands, FloatContext context) {
    const Predicted predicted = operation.model(operands, context);
    const native::Outcome actual =
        native::execute(operation.instruction, operands.a, operands.b, operands.source,
                        native::control_word(context.rounding, context.precision_bits, context.masked));
    std::ostringstream out;
    const unsigned flags = actual.status & float_exception::all;
    if (context.raised != flags)
        out << "exceptions " << std::hex << unsigned{context.raised} << ", the host " << flags << '\n';
    const bool stopped = (context.raised & ~context.masked & operation.stopping) != 0;
    if (stopped) {
        if (actual.st0 != operands.a)
            out << "stopped, but ST(0) on the host is " << actual.st0 << '\n';
    } else {
        if (actual.st0 != predicted.st0)
            out << "ST(0) " << predicted.st0 << ", the host " << actual.st0 << '\n';
        if (predicted.two_results && actual.st1 != predicted.st1)
            out << "ST(1) " << predicted.st1 << ", the host " << actual.st1 << '\n';
        const auto condition = static_cast<uint16_t>(
            predicted.condition | (predicted.c1_from_rounding && context.rounded_up ? native::c1 : 0));
        const auto differing =
            static_cast<uint16_t>((condition ^ actual.status) & predicted.compared_condition);
        if (differing != 0)
            out << "condition codes " << std::hex << condition << ", the host "
                << (actual.status & predicted.compared_condition) << '\n';
    }
    if (std::memcmp(predicted.memory.data(), actual.memory, sizeof actual.memory) != 0) {
        out << "memory " << std::hex << std::setfill('0');
        for (int byte = 9; byte >= 0; --byte)
            out << std::setw(2) << unsigned{predicted.memory[static_cast<size_t>(byte)]};
        out << ", the host ";
        for (int byte = 9; byte >= 0; --byte)
            out << std::setw(2) << unsigned{actual.memory[byte]};
        out << '\n';
    }
    return out.str();
}

std::string describe(const Operands& operands, const FloatContext& context) {
    std::ostringstream out;
    out << "ST(0) " << operands.a << ", ST(1) " << operands.b << ", memory ";
    for (int byte = 9; byte >= 0; --byte)
        out << std::hex << std::setw(2) << std::setfill('0') << unsigned{operands.source[byte]};
    out << ", RC " << unsigned{static_cast<uint8_t>(context.rounding)} << ", precision " << std::dec
        << unsigned{context.precision_bits} << ", masks " << std::hex << unsigned{context.masked};
    return out.str();
}

// Simplifies the case as long as it stays one that fails: no unmasked exceptions, rounding to nearest, full
// precision, fewer one bits.
void shrink(const Operation& operation, Operands& operands, FloatContext& context) {
    const auto keep_if_failing = [&](auto change) {
        Operands simpler = operands;
        FloatContext simpler_context = context;
        change(simpler, simpler_context);
        if (difference(operation, simpler, simpler_context).empty())
            return;
        operands = simpler;
        context = simpler_context;
    };
    keep_if_failing([](Operands&, FloatContext& c) { c.masked = float_exception::all; });
    for (unsigned bit = 0; bit < 6; ++bit)
        keep_if_failing(
            [&](Operands&, FloatContext& c) { c.masked = static_cast<uint8_t>(c.masked | 1u << bit); });
    keep_if_failing([](Operands&, FloatContext& c) { c.rounding = Rounding::nearest; });
    keep_if_failing([](Operands&, FloatContext& c) { c.precision_bits = 64; });
    for (unsigned bit = 0; bit < 64; ++bit) {
        keep_if_failing([&](Operands& o, FloatContext&) { o.a.significand &= ~(uint64_t{1} << bit); });
        keep_if_failing([&](Operands& o, FloatContext&) { o.b.significand &= ~(uint64_t{1} << bit); });
    }
    keep_if_failing([](Operands& o, FloatContext&) { o.a.sign_exponent &= 0x7FFF; });
    keep_if_failing([](Operands& o, FloatContext&) { o.b.sign_exponent &= 0x7FFF; });
}

class Differential : public testing::TestWithParam<Operation> {};

TEST_P(Differential, AgreesWithTheHost) {
    const Operation& operation = GetParam();
    const std::string_view name = operation.name;
    if ((name == "Fscale" || name == "Fprem" || name == "Fprem1") && !host_is_compared_with())
        GTEST_SKIP() << host_is_not_compared_with;
    const uint64_t seed = setting("FIXPOINT_FLOAT80_SEED", 80387);
    const uint64_t cases = setting("FIXPOINT_FLOAT80_CASES", 200'000);
    OperandGenerator random{seed};
    int failures = 0;
    for (uint64_t i = 0; i < cases && failures < 5; ++i) {
        Operands operands;
        operation.generate(random, operands);
        FloatContext context = random.context();
        if (difference(operation, operands, context).empty())
            continue;
        ++failures;
        shrink(operation, operands, context);
        ADD_FAILURE() << operation.name << ", seed " << seed << ", case " << i << ": "
                      << describe(operands, context) << '\n'
                      << difference(operation, operands, context);
    }
}

INSTANTIATE_TEST_SUITE_P(Float80, Differential, testing::ValuesIn(operations),
                         [](const auto& test) { return std::string{test.param.name}; });

} // namespace
} // namespace fixpoint::tests
