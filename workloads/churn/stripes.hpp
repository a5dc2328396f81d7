// What the pages of churn hold: sixteen stripes of 64 words. All words of a stripe follow from its *state*, which
// is its first word, so that a stripe of two instants is seen by anybody, and one of a wrong instant by whoever
// knows the state that is due.
#pragma once

#include <cstdint>

namespace workloads {

inline constexpr unsigned stripes_per_page = 16, words_per_stripe = 64;
inline constexpr uint32_t stripe_bytes = words_per_stripe * 4;

struct Stripe {
    uint32_t words[words_per_stripe];
};
static_assert(sizeof(Stripe) == stripe_bytes && stripe_bytes * stripes_per_page == 4096);

struct StripedPage {
    Stripe stripes[stripes_per_page];
};

// The finaliser of MurmurHash3 (Appleby): a bijection whose every input bit changes half of the output's.
constexpr uint32_t mix32(uint32_t value) {
    value = (value ^ value >> 16) * 0x85EBCA6Bu;
    value = (value ^ value >> 13) * 0xC2B2AE35u;
    return value ^ value >> 16;
}
constexpr uint32_t chain32(uint32_t chain, uint32_t value) {
    return mix32(chain * 5 + value + 0x9E3779B9u);
}

constexpr uint32_t stripe_word(uint32_t state, unsigned i) {
    return i == 0 ? state : mix32(state + i);
}
constexpr uint32_t next_state(uint32_t state, uint32_t salt) {
    return chain32(state, salt);
}

constexpr void fill(Stripe& stripe, uint32_t state) {
    for (unsigned i = 0; i < words_per_stripe; ++i)
        stripe.words[i] = stripe_word(state, i);
}
// Are all words of one state?
constexpr bool is_whole(const Stripe& stripe) {
    for (unsigned i = 1; i < words_per_stripe; ++i)
        if (stripe.words[i] != stripe_word(stripe.words[0], i))
            return false;
    return true;
}
constexpr bool holds(const Stripe& stripe, uint32_t state) {
    return stripe.words[0] == state && is_whole(stripe);
}
// Of a page's states, one after the other; false if a stripe is not whole.
constexpr bool read_page_chain(const StripedPage& page, uint32_t& chain) {
    chain = 0;
    for (const Stripe& stripe : page.stripes) {
        if (!is_whole(stripe))
            return false;
        chain = chain32(chain, stripe.words[0]);
    }
    return true;
}

} // namespace workloads
