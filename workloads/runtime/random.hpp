// Seeded random numbers: SplitMix64 (Steele, Lea, Flood 2014) to spread a seed, xoshiro128++ (Blackman, Vigna
// 2019) for the stream, because its 32-bit operations suit the guest. The same sequence on guest and host.
#pragma once

#include <cstdint>

namespace workloads {

// The output function of SplitMix64: a bijection in which every input bit changes half of the output bits.
// Also the building block of the programs' hash chains.
constexpr uint64_t mix64(uint64_t value) {
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9u;
    value = (value ^ value >> 27) * 0x94D049BB133111EBu;
    return value ^ value >> 31;
}

class SplitMix64 {
public:
    explicit constexpr SplitMix64(uint64_t seed) : state_(seed) {}
    constexpr uint64_t next() { return mix64(state_ += 0x9E3779B97F4A7C15u); }

private:
    uint64_t state_;
};

class Random {
public:
    constexpr Random() : Random(0) {}
    explicit constexpr Random(uint64_t seed) {
        SplitMix64 source(seed);
        for (unsigned i = 0; i < 4; i += 2) {
            const uint64_t word = source.next();
            state_[i] = static_cast<uint32_t>(word);
            state_[i + 1] = static_cast<uint32_t>(word >> 32);
        }
    }
    static constexpr Random from_state(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
        Random random;
        random.state_[0] = a, random.state_[1] = b, random.state_[2] = c, random.state_[3] = d;
        return random;
    }

    constexpr uint32_t next() {
        const uint32_t result = rotate_left(state_[0] + state_[3], 7) + state_[0];
        const uint32_t shifted = state_[1] << 9;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= shifted;
        state_[3] = rotate_left(state_[3], 11);
        return result;
    }
    constexpr uint64_t next64() {
        const uint64_t low = next();
        return static_cast<uint64_t>(next()) << 32 | low;
    }
    // Uniform in [0, bound), without bias: draws under the smallest covering mask until one fits. bound > 0.
    constexpr uint32_t below(uint32_t bound) {
        const uint32_t mask = covering_mask(bound - 1);
        uint32_t draw;
        do
            draw = next() & mask;
        while (draw >= bound);
        return draw;
    }
    constexpr uint64_t below64(uint64_t bound) {
        const auto high = static_cast<uint32_t>((bound - 1) >> 32);
        const uint64_t mask = high ? static_cast<uint64_t>(covering_mask(high)) << 32 | 0xFFFFFFFFu
                                   : covering_mask(static_cast<uint32_t>(bound - 1));
        uint64_t draw;
        do
            draw = next64() & mask;
        while (draw >= bound);
        return draw;
    }

private:
    static constexpr uint32_t rotate_left(uint32_t value, unsigned by) {
        return value << by | value >> (32 - by);
    }
    static constexpr uint32_t covering_mask(uint32_t value) {
        for (unsigned shift = 1; shift < 32; shift *= 2)
            value |= value >> shift;
        return value;
    }

    uint32_t state_[4] = {};
};

} // namespace workloads
