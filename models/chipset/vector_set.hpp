// A set of interrupt vectors: the form of a local APIC's IRR, ISR and TMR, eight registers of 32 bits.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace fixpoint::models {

class VectorSet {
public:
    void put(uint8_t vector, bool in) {
        uint32_t& word = words_[vector / 32u];
        const uint32_t bit = 1u << vector % 32u;
        word = in ? word | bit : word & ~bit;
    }
    [[nodiscard]] bool has(uint8_t vector) const { return (words_[vector / 32u] >> vector % 32u & 1) != 0; }
    // -1: the set is empty.
    [[nodiscard]] int highest() const {
        for (size_t i = words_.size(); i-- != 0;)
            if (words_[i] != 0)
                return static_cast<int>(i * 32) + static_cast<int>(std::bit_width(words_[i])) - 1;
        return -1;
    }
    [[nodiscard]] uint32_t word(size_t index) const { return words_[index]; }

private:
    std::array<uint32_t, 8> words_{};
};

} // namespace fixpoint::models
