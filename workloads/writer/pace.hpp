// What the writer computes between two writes.
//
// A turn of the loop is a division: many cycles and few instructions, because a simulator's time goes by instructions. How many
// cycles it takes is measured when the program starts, before anything can roll the time stamp counter back. What the
// write itself costs comes on top.
#pragma once

#include "workloads/runtime/fixed_point.hpp"
#include "workloads/runtime/random.hpp"

#include <cstdint>

namespace workloads {

// Turns of nothing but computing.
inline void compute(uint32_t turns) {
    if (turns == 0)
        return;
    uint32_t quotient = 0;
    asm volatile("1: xorl %%edx, %%edx\n\tdivl %2\n\tdecl %0\n\tjnz 1b"
                 : "+r"(turns), "+a"(quotient)
                 : "r"(1u)
                 : "edx", "cc");
}

inline uint32_t measure_cycles_per_turn() {
    const auto time_stamp = [] {
        uint32_t low, high;
        asm volatile("rdtsc" : "=a"(low), "=d"(high));
        return low; // differences of it are enough
    };
    constexpr uint32_t turns = 1024;
    constexpr unsigned attempts = 8; // an interrupt makes some of them longer
    uint32_t shortest = ~0u;
    for (unsigned attempt = 0; attempt < attempts; ++attempt) {
        const uint32_t begin = time_stamp();
        compute(turns);
        const uint32_t cycles = time_stamp() - begin;
        shortest = cycles < shortest ? cycles : shortest;
    }
    return shortest < turns ? 1 : shortest / turns;
}

enum class Arrivals : unsigned { regular, poisson };

class Pace {
public:
    constexpr Pace() = default;
    // 0: no pause at all.
    Pace(uint32_t writes_per_s, Arrivals arrivals, uint32_t frequency_hz, uint32_t cycles_per_turn,
         uint64_t seed)
        : mean_cycles_(writes_per_s == 0 ? 0 : frequency_hz / writes_per_s),
          cycles_per_turn_(cycles_per_turn), arrivals_(arrivals), random_(seed) {}

    uint64_t next_cycles() {
        return arrivals_ == Arrivals::regular ? mean_cycles_ : mean_cycles_ * exponential_q24() >> 24;
    }
    void wait() {
        for (uint64_t cycles = next_cycles(); cycles >= cycles_per_turn_;) {
            constexpr uint32_t cycles_max = 1u << 31;
            const uint32_t part = cycles < cycles_max ? static_cast<uint32_t>(cycles) : cycles_max;
            compute(part / cycles_per_turn_);
            cycles -= part;
        }
    }

private:
    // Of mean 1: -ln(u), u uniform in (0, 1].
    uint64_t exponential_q24() {
        constexpr uint64_t ln_2_q24 = 11629080;
        const uint64_t minus_log2_q24 = (uint64_t{32} << 24) - log2_q24(random_.next() | 1);
        return minus_log2_q24 * ln_2_q24 >> 24;
    }

    uint64_t mean_cycles_ = 0;
    uint32_t cycles_per_turn_ = 1;
    Arrivals arrivals_ = Arrivals::regular;
    Random random_;
};

} // namespace workloads
