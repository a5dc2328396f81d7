// Sorting slots by a 32-bit key, ascending and stable, a byte of the key a pass.
//
// A drain has up to 100,000 pages to put in order. Each key is computed four times and never compared: with a heap's or a
// merge's comparisons, of which every one looks into the directory twice, the order costs as much as a fifth of the pages'
// checksums.
#pragma once

#include <cstdint>

namespace pager {

// `scratch` has room for `count` slots too. key_of(slot) is the same as long as it sorts.
template<class KeyOf>
void radix_sort(uint32_t* slots, uint32_t* scratch, uint32_t count, KeyOf&& key_of) {
    constexpr uint32_t digit_bits = 8, digits = 1u << digit_bits;
    uint32_t* from = slots;
    uint32_t* to = scratch;
    for (uint32_t shift = 0; shift < 32; shift += digit_bits) {
        const auto digit_of = [&](uint32_t slot) { return key_of(slot) >> shift & (digits - 1); };
        uint32_t place[digits] = {}; // how many there are of each digit, then where the next one of it goes
        for (uint32_t i = 0; i < count; ++i)
            ++place[digit_of(from[i])];
        uint32_t next = 0;
        for (uint32_t& of_digit : place) {
            const uint32_t of_this = of_digit;
            of_digit = next;
            next += of_this;
        }
        for (uint32_t i = 0; i < count; ++i)
            to[place[digit_of(from[i])]++] = from[i];
        uint32_t* const sorted = to;
        to = from;
        from = sorted;
    }
    static_assert(32 / digit_bits % 2 == 0); // the last pass went back to `slots`
}

} // namespace pager
