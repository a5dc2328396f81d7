#include "tests/float80/operand_generator.hpp"

namespace fixpoint::tests {
namespace {

constexpr uint64_t integer_bit = uint64_t{1} << 63;
constexpr uint64_t quiet_bit = uint64_t{1} << 62;
constexpr uint16_t exponent_mask = 0x7FFF;
constexpr int32_t exponent_bias = 16383;

} // namespace

uint64_t OperandGenerator::significand() {
    switch (below(8)) {
    case 0:
        return integer_bit;
    case 1:
        return ~uint64_t{0};
    case 2:
        return integer_bit | (uint64_t{1} << below(63));
    case 3:
        return ~uint64_t{0} << below(64); // ones, then zeros
    case 4:
        return integer_bit | (bits() << below(64)); // short
    case 5:
        return integer_bit | (bits() & bits() & bits()); // few ones
    case 6:
        return integer_bit | (bits() & (~uint64_t{0} << (one_in(2) ? 40 : 11))) |
               below(3); // near a single's ties
    default:
        return integer_bit | bits();
    }
}

Float80 OperandGenerator::special() {
    const uint16_t sign = one_in(2) ? 0x8000 : 0;
    const auto field = [&](uint64_t exponent) { return static_cast<uint16_t>(sign | exponent); };
    switch (below(10)) {
    case 0:
        return {0, sign};
    case 1:
        return {integer_bit, field(exponent_mask)};
    case 2:
        return {significand() | quiet_bit, field(exponent_mask)}; // QNaN
    case 3:
        return {(significand() & ~quiet_bit) | 1, field(exponent_mask)}; // SNaN
    case 4:
        return {significand() & ~integer_bit, field(exponent_mask)}; // pseudo-NaN, pseudo-infinity
    case 5:
        return {significand() & ~integer_bit, field(1 + below(0x7FFE))}; // unnormal
    case 6:
        return {significand(), sign}; // pseudo-denormal
    case 7:
        return {uint64_t{1} << below(63), sign}; // denormals
    default:
        return {(significand() & ~integer_bit) >> below(63), sign};
    }
}

Float80 OperandGenerator::number(int32_t unbiased_low, int32_t unbiased_high) {
    const auto range = static_cast<uint64_t>(unbiased_high - unbiased_low) + 1;
    const int32_t exponent = unbiased_low + static_cast<int32_t>(below(range)) + exponent_bias;
    return {significand(), static_cast<uint16_t>(exponent | (one_in(2) ? 0x8000 : 0))};
}

Float80 OperandGenerator::operand() {
    switch (below(12)) {
    case 0:
    case 1:
        return special();
    case 2:
        return number(-16382, -16310); // near underflow
    case 3:
        return number(16310, 16383); // near overflow
    case 4:
        return number(-8230, -8150); // square roots of the limits
    case 5:
        return number(8150, 8230);
    case 6:
    case 7:
        return number(-70, 70);
    case 8:
        return number(-160, 140);
    case 9:
        return number(-1090, 1030); // a double's limits
    case 10:
        return number(-2, 66);
    default:
        return number(-16382, 16383);
    }
}

Float80 OperandGenerator::partner(Float80 a) {
    const int32_t exponent = a.sign_exponent & exponent_mask;
    const auto within_range = [&](int32_t wanted) {
        wanted = wanted < 1 ? 1 : wanted > 0x7FFE ? 0x7FFE : wanted;
        return Float80{significand(), static_cast<uint16_t>(wanted | (one_in(2) ? 0x8000 : 0))};
    };
    switch (below(8)) {
    case 0: { // a neighbour
        Float80 near = a;
        near.significand += below(5) - 2;
        near.sign_exponent = static_cast<uint16_t>(near.sign_exponent ^ (one_in(2) ? 0x8000 : 0));
        return near;
    }
    case 1:
    case 2:
        return within_range(exponent + static_cast<int32_t>(below(140)) - 70);
    case 3:
        return within_range(exponent + static_cast<int32_t>(below(5)) - 2);
    case 4: { // the product near the limits
        const int32_t limit = one_in(2) ? 0 : 0x7FFF;
        return within_range(limit + exponent_bias - exponent + static_cast<int32_t>(below(140)) - 70);
    }
    case 5: { // the quotient near the limits
        const int32_t limit = one_in(2) ? 0 : 0x7FFF;
        return within_range(exponent - limit + exponent_bias + static_cast<int32_t>(below(140)) - 70);
    }
    default:
        return operand();
    }
}

FloatContext OperandGenerator::context() {
    static constexpr uint8_t precisions[] = {24, 53, 64, 64};
    FloatContext context;
    context.rounding = static_cast<models::Rounding>(below(4));
    context.precision_bits = precisions[below(4)];
    if (!one_in(2))
        context.masked = one_in(2) ? static_cast<uint8_t>(models::float_exception::all ^ (1u << below(6)))
                                   : static_cast<uint8_t>(below(64));
    return context;
}

} // namespace fixpoint::tests
