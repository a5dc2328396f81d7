// The checksum of a page: cheap on a processor that has neither an instruction for CRCs nor, at user level in the server,
// vector registers.
//
// A CRC by tables takes nearly three cycles a byte on a P6. The words of a page are here the coefficients of a polynomial
// over the field of 2^32 elements, and the checksum is its value at one point, by Horner's rule:
//
//     h := step(h) + word,        + being XOR
//
// The field is that of all sums of powers of the linear map
//
//     step(h) = x + 2x  where  x = rotate_left(h, 9) + 4h,        2x, 4h: shifted left
//
// whose characteristic polynomial is primitive: step has the order 2^32 - 1. It was found by search among such maps of
// five micro-operations; a word costs seven, that is 2 1/3 cycles, and memory delivers it in 3 1/2. Latencies add up to
// four cycles a word, which a P6 hides behind the misses as far as it can.
//
// The code adds constants to bits that are 0, so the same as XOR: what they contribute depends on no page. They make the
// compiler copy and shift by one LEA, and the checksum of a zero page other than 0.
//
// Word i counts with step^(1023 - i). What follows for certain, whatever the page holds:
//   - any change within one word is found: the power of step is invertible;
//   - two words exchanged for each other, or changed by the same bits, are found: step^i + step^j is another element of
//     the field than 0, hence invertible;
//   - any two wrong bits in the page are found: their 32,768 contributions are all different. This does not follow from
//     the field, it was looked at when step was chosen.
// All else is found but for 1 in 2^32 of the cases, since the changes that are possible map evenly onto the 32-bit words
// as soon as one word of them is free: sectors that are torn, old, zero, stuck or exchanged, words that are shifted, bursts.
// Unlike in sums with weights (Fletcher, Adler), there is no arithmetic in it that programs share: amounts that move from
// one account of a ledger to another and back to a third do not cancel out.
//
// It is no protection against somebody who means harm; nor is a CRC.
#pragma once

#include <cstdint>

#include "pager/store/block_device.hpp"

namespace store {

namespace detail {
constexpr uint32_t page_checksum_step(uint32_t h) {
    const uint32_t x = (h << 9 | h >> 23) ^ (4 * h + 3);
    return x ^ (2 * x + 1);
}
} // namespace detail

// Of block_bytes. A zero page's is not 0: an entry that was never filled in fits no block that was never written.
inline uint32_t page_checksum(const void* page) {
    constexpr uint32_t words_at_once = 8; // a cache line of a P6
    const auto* next = static_cast<const uint8_t*>(page);
    const auto* const end = next + block_bytes;
    uint32_t h = 0;
    while (next < end) {
#pragma GCC unroll 8
        for (uint32_t i = 0; i < words_at_once; ++i) {
            uint32_t word;
            __builtin_memcpy(&word, next + i * sizeof word, sizeof word);
            h = detail::page_checksum_step(h) ^ word;
        }
        next += words_at_once * sizeof(uint32_t);
    }
    return h;
}

} // namespace store
