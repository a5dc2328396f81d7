// The generator's randomness: one stream for each case, a function of seed and number alone.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <iterator>

namespace differential {

class Random {
public:
    Random(uint64_t seed, uint64_t stream) : state_{mix(seed) ^ mix(stream + 0x9E37'79B9'7F4A'7C15u)} {}

    uint32_t word() {
        state_ += 0x9E37'79B9'7F4A'7C15u;
        return static_cast<uint32_t>(mix(state_) >> 16);
    }
    uint32_t below(uint32_t limit) { return static_cast<uint32_t>((uint64_t{word()} * limit) >> 32); }
    bool one_in(uint32_t n) { return below(n) == 0; }
    template<class T>
    T pick(std::initializer_list<T> values) {
        return values.begin()[below(static_cast<uint32_t>(values.size()))];
    }
    template<class Range>
    const auto& pick_from(const Range& values) {
        return values[below(static_cast<uint32_t>(std::size(values)))];
    }

private:
    static constexpr uint64_t mix(uint64_t z) { // splitmix64's finaliser
        z = (z ^ z >> 30) * 0xBF58'476D'1CE4'E5B9u;
        z = (z ^ z >> 27) * 0x94D0'49BB'1331'11EBu;
        return z ^ z >> 31;
    }
    uint64_t state_;
};

} // namespace differential
