// Zipf's law over n items: item of rank i (from 1) is drawn with probability proportional to 1 / i^s.
//
// A cumulative table of integer weights and a binary search. The table is the caller's memory (eight bytes an
// item); it is only read after construction. Ranks are scattered over the items by a multiplication modulo n,
// so that hot items are not neighbours.
#pragma once

#include "workloads/runtime/random.hpp"

#include <cstdint>

namespace workloads {

class ZipfSampler {
public:
    static constexpr uint32_t exponent_one = 1u << 16; // s has 16 fraction bits

    ZipfSampler() = default;
    // 1 <= count <= 2^24; `table` has room for `count` words.
    ZipfSampler(uint32_t count, uint32_t exponent_q16, uint64_t* table);

    // A rank from 0 (hottest) to count - 1.
    uint32_t rank(Random& random) const;
    // The item that has this rank; a bijection on [0, count).
    uint32_t item(uint32_t rank) const {
        return static_cast<uint32_t>((uint64_t{rank} * scatter_ + count_ / 2) % count_);
    }
    uint32_t draw(Random& random) const { return item(rank(random)); }
    // Weight of a rank: 2^32 / (rank + 1)^s, rounded down, at least 1.
    uint64_t weight(uint32_t rank) const { return table_[rank] - (rank ? table_[rank - 1] : 0); }

private:
    uint32_t count_ = 0;
    uint32_t scatter_ = 1; // coprime to count_
    uint64_t* table_ = nullptr;
};

} // namespace workloads
