// Chance from a seed: SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA
// 2014). Not from <random>: its distributions differ between standard libraries.
#pragma once

#include <cstdint>

namespace fixpoint::models {

class SeededRandom {
public:
    explicit SeededRandom(uint64_t seed) : state_{seed} {}

    uint64_t next() {
        state_ += 0x9E3779B97F4A7C15u;
        uint64_t z = state_;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
        z = (z ^ z >> 27) * 0x94D049BB133111EBu;
        return z ^ z >> 31;
    }
    // Uniform in 0 to bound - 1; bound at least 1.
    uint64_t below(uint64_t bound) {
        __extension__ using Wide = unsigned __int128;
        return static_cast<uint64_t>(static_cast<Wide>(next()) * bound >> 64);
    }

private:
    uint64_t state_;
};

} // namespace fixpoint::models
