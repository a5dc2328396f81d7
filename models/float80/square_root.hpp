// The integer square root of 128 bits with its rest, by halves: from the root of the upper half to that of the whole
// with one division (P. Zimmermann, "Karatsuba Square Root", INRIA RR-3805).
#pragma once

#include "models/float80/format.hpp"

namespace fixpoint::models::float80 {

struct SquareRoot {
    uint64_t root;
    Wide128 rest; // radicand - root^2, at most 2 * root
};

namespace square_root_halves {

// Radicand's two upper bits not both 0; digit by digit.
constexpr SquareRoot of_32_bits(uint32_t radicand) {
    uint32_t rest = radicand;
    uint32_t root = 0;
    for (uint32_t bit = uint32_t{1} << 30; bit != 0; bit >>= 2) {
        if (rest >= root + bit) {
            rest -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return {root, rest};
}

// From the root of the radicand's upper half to its own: `quarter_bits` bits are added to the root.
constexpr SquareRoot refined(const SquareRoot& upper, uint64_t third_quarter, uint64_t last_quarter,
                             unsigned quarter_bits) {
    const Wide128 dividend = (upper.rest << quarter_bits) | third_quarter;
    const Wide128 divisor = Wide128{upper.root} << 1;
    const Wide128 quotient = dividend / divisor;
    const Wide128 rest_of_division = dividend - quotient * divisor;
    // The quotient may be 2^quarter_bits, and then root wraps: the correction below brings it back.
    Wide128 root = (Wide128{upper.root} << quarter_bits) + quotient;
    const Wide128 minuend = (rest_of_division << quarter_bits) | last_quarter;
    const Wide128 square = quotient * quotient;
    Wide128 rest = minuend - square;
    if (minuend < square) {
        rest += 2 * root - 1;
        --root;
    }
    return {static_cast<uint64_t>(root), rest};
}

constexpr SquareRoot of_64_bits(uint64_t radicand) {
    return refined(of_32_bits(static_cast<uint32_t>(radicand >> 32)), (radicand >> 16) & 0xFFFF,
                   radicand & 0xFFFF, 16);
}

} // namespace square_root_halves

// Radicand at least 2^126.
constexpr SquareRoot integer_square_root(Wide128 radicand) {
    return square_root_halves::refined(square_root_halves::of_64_bits(static_cast<uint64_t>(radicand >> 64)),
                                       static_cast<uint64_t>(radicand >> 32) & 0xFFFF'FFFF,
                                       static_cast<uint64_t>(radicand) & 0xFFFF'FFFF, 32);
}

} // namespace fixpoint::models::float80
