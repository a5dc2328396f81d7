#include "workloads/runtime/zipf.hpp"

#include "workloads/runtime/fixed_point.hpp"

namespace workloads {

namespace {

uint32_t greatest_common_divisor(uint32_t a, uint32_t b) {
    while (b) {
        const uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

// A multiplier near count / golden ratio puts consecutive ranks far apart.
uint32_t scatter_multiplier(uint32_t count) {
    auto multiplier = static_cast<uint32_t>(uint64_t{count} * 2654435769u >> 32);
    if (multiplier == 0)
        multiplier = 1;
    while (greatest_common_divisor(multiplier, count) != 1)
        ++multiplier;
    return multiplier;
}

} // namespace

ZipfSampler::ZipfSampler(uint32_t count, uint32_t exponent_q16, uint64_t* table)
    : count_(count), scatter_(scatter_multiplier(count)), table_(table) {
    uint64_t sum = 0;
    for (uint32_t rank = 0; rank < count; ++rank) {
        const uint64_t logarithm_q24 = log2_q24(rank + 1) * exponent_q16 >> 16;
        const uint64_t weight = exp2_negative_q32(logarithm_q24);
        sum += weight ? weight : 1;
        table_[rank] = sum;
    }
}

uint32_t ZipfSampler::rank(Random& random) const {
    const uint64_t point = random.below64(table_[count_ - 1]);
    uint32_t low = 0, high = count_ - 1; // the first entry greater than `point` is in [low, high]
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (table_[middle] > point)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

} // namespace workloads
