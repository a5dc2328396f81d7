// Sorting slots by a 32-bit key, ascending and stable, a byte of the key a pass.
//
// A drain has up to 100,000 pages to put in order. A key, for which the directory is looked into, is computed once for the
// digits' counts and once a pass, and never compared: by a heap's or a merge's comparisons the order would cost as much as
// a fifth of the pages' checksums. A byte in which all keys agree, as the highest ones mostly do, takes no pass.
#pragma once

#include <cstdint>

namespace pager {

// `scratch` has room for `count` slots too. key_of(slot) is the same as long as it sorts.
template<class KeyOf>
void radix_sort(uint32_t* slots, uint32_t* scratch, uint32_t count, KeyOf&& key_of) {
    constexpr uint32_t digit_bits = 8, digits = 1u << digit_bits, passes = 32 / digit_bits;
    const auto digit = [](uint32_t key, uint32_t pass) { return key >> pass * digit_bits & (digits - 1); };
    uint32_t place[passes][digits] =
        {}; // how many there are of each digit, then where the next one of it goes
    for (uint32_t i = 0; i < count; ++i) {
        const uint32_t key = key_of(slots[i]);
        for (uint32_t pass = 0; pass < passes; ++pass)
            ++place[pass][digit(key, pass)];
    }
    uint32_t* from = slots;
    uint32_t* to = scratch;
    for (uint32_t pass = 0; pass < passes; ++pass) {
        if (count == 0 || place[pass][digit(key_of(slots[0]), pass)] == count)
            continue;
        uint32_t next = 0;
        for (uint32_t& of_digit : place[pass]) {
            const uint32_t of_this = of_digit;
            of_digit = next;
            next += of_this;
        }
        for (uint32_t i = 0; i < count; ++i)
            to[place[pass][digit(key_of(from[i]), pass)]++] = from[i];
        uint32_t* const sorted = to;
        to = from;
        from = sorted;
    }
    if (from != slots)
        __builtin_memcpy(slots, from, count * sizeof *slots);
}

} // namespace pager
