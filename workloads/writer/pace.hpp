// What the writer computes between two writes.
//
// A turn of the loop is two micro-operations in a block of their own, which the modelled processor retires in one cycle; it is
// not made of 64-bit arithmetic, of which the compiler makes five instructions. What the write itself costs comes on
// top.
#pragma once

#include "workloads/runtime/fixed_point.hpp"
#include "workloads/runtime/random.hpp"

#include <cstdint>

namespace workloads {

enum class Arrivals : unsigned { regular, poisson };

class Pace {
public:
    constexpr Pace() = default;
    // 0: no pause at all.
    Pace(uint32_t writes_per_s, Arrivals arrivals, uint32_t frequency_hz, uint64_t seed)
        : mean_cycles_(writes_per_s == 0 ? 0 : frequency_hz / writes_per_s), arrivals_(arrivals),
          random_(seed) {}

    uint64_t next_cycles() {
        return arrivals_ == Arrivals::regular ? mean_cycles_ : mean_cycles_ * exponential_q24() >> 24;
    }
    void wait() { compute(next_cycles()); }

private:
    // Of mean 1: -ln(u), u uniform in (0, 1].
    uint64_t exponential_q24() {
        constexpr uint64_t ln_2_q24 = 11629080;
        const uint64_t minus_log2_q24 = (uint64_t{32} << 24) - log2_q24(random_.next() | 1);
        return minus_log2_q24 * ln_2_q24 >> 24;
    }
    static void compute(uint64_t cycles) {
        constexpr uint32_t turns_max = 1u << 31;
        while (cycles > 0) {
            uint32_t turns = cycles < turns_max ? static_cast<uint32_t>(cycles) : turns_max;
            cycles -= turns;
            asm volatile("1: decl %0\n\tjnz 1b" : "+r"(turns) : : "cc");
        }
    }

    uint64_t mean_cycles_ = 0;
    Arrivals arrivals_ = Arrivals::regular;
    Random random_;
};

} // namespace workloads
