// Random operands with a bias to where the cases are: special encodings, the ends of the exponent range, short
// significands, neighbours and near-ties.
#pragma once

#include "models/float80/float80.hpp"

#include <cstdint>
#include <random>

namespace fixpoint::tests {

using models::Float80;
using models::FloatContext;

class OperandGenerator {
public:
    explicit OperandGenerator(uint64_t seed) : random_{seed} {}

    uint64_t bits() { return random_(); }
    uint64_t below(uint64_t limit) { return random_() % limit; }
    bool one_in(uint64_t chances) { return below(chances) == 0; }

    Float80 operand();
    Float80 partner(Float80 a); // often close to a, or such that a's product or quotient is at a limit
    Float80 number(int32_t unbiased_low, int32_t unbiased_high); // normal, exponent in the range
    FloatContext context(); // all roundings, precisions and masks; most often all masked
    uint64_t significand(); // with the integer bit

private:
    Float80 special();

    std::mt19937_64 random_;
};

} // namespace fixpoint::tests
