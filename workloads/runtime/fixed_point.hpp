// Logarithm and power of two in fixed point: the guest has no floating point, and results must not depend on
// a math library (the same pages are drawn on every host and on real hardware). Unsigned numbers with 16, 30
// or 32 fraction bits; the error is below 2^-24 of the result.
#pragma once

#include <cstdint>

namespace workloads {

// log2(value) with 24 fraction bits, value >= 1. Digit by digit: squaring the mantissa doubles its logarithm,
// and a square of at least 2 is the next one bit.
constexpr uint64_t log2_q24(uint32_t value) {
    unsigned exponent = 31;
    while (!(value >> exponent))
        --exponent;
    uint64_t mantissa_q31 = static_cast<uint64_t>(value) << (31 - exponent);
    uint64_t result = exponent;
    for (unsigned bit = 0; bit < 24; ++bit) {
        mantissa_q31 = (mantissa_q31 * mantissa_q31) >> 31;
        const unsigned carry = static_cast<unsigned>(mantissa_q31 >> 32) & 1;
        mantissa_q31 >>= carry;
        result = result << 1 | carry;
    }
    return result;
}

// The largest integer whose square is at most `value`.
constexpr uint32_t integer_square_root(uint64_t value) {
    uint64_t root = 0;
    for (int bit = 31; bit >= 0; --bit) {
        const uint64_t candidate = root | uint64_t{1} << bit;
        if (candidate * candidate <= value)
            root = candidate;
    }
    return static_cast<uint32_t>(root);
}

// 2^-x with 32 fraction bits for x with 24 fraction bits: the product of the roots 2^(-1/2), 2^(-1/4), ...
// that the fraction's bits select.
constexpr uint64_t exp2_negative_q32(uint64_t x_q24) {
    const uint64_t whole = x_q24 >> 24;
    if (whole >= 32)
        return 0;
    uint64_t result_q32 = uint64_t{1} << 32;
    uint64_t root_q32 = uint64_t{1} << 31; // 2^-1; its square root in turn is 2^(-1/2), ...
    for (unsigned bit = 24; bit-- > 0;) {
        // root_q32 < 2^32, so the shifted argument fits 64 bits.
        root_q32 = integer_square_root(root_q32 << 32);
        if (x_q24 >> bit & 1)
            result_q32 = result_q32 >> 32 ? root_q32 : (result_q32 * root_q32) >> 32;
    }
    return result_q32 >> whole;
}

} // namespace workloads
