#include <algorithm>
#include <cstdint>
#include <gtest/gtest.h>
#include <random>
#include <vector>

#include "pager/checkpoint/radix_sort.hpp"

namespace fixpoint::test {
namespace {

TEST(RadixSort, IsAStableSort) {
    std::mt19937_64 random{3};
    for (const uint32_t count : {0u, 1u, 2u, 17u, 1000u, 5000u})
        for (const uint32_t keys : {1u, 3u, 300u, 70'000u, 0xFFFFFFFFu}) {
            std::vector<uint32_t> key(count), slots(count), scratch(count);
            for (uint32_t i = 0; i < count; ++i) {
                key[i] = static_cast<uint32_t>(random() % keys);
                slots[i] = i;
            }
            std::shuffle(slots.begin(), slots.end(), random);
            std::vector<uint32_t> expected = slots;
            std::stable_sort(expected.begin(), expected.end(),
                             [&](uint32_t a, uint32_t b) { return key[a] < key[b]; });
            pager::radix_sort(slots.data(), scratch.data(), count, [&](uint32_t slot) { return key[slot]; });
            ASSERT_EQ(slots, expected) << count << " of " << keys;
        }
}

} // namespace
} // namespace fixpoint::test
