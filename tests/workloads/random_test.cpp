#include "workloads/runtime/random.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

namespace {

using workloads::Random;
using workloads::SplitMix64;

TEST(SplitMix64, GivesThePublishedSequence) {
    SplitMix64 source(1234567);
    for (const uint64_t expected : {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                    4593380528125082431u, 16408922859458223821u})
        EXPECT_EQ(source.next(), expected);
}

TEST(Random, GivesThePublishedSequenceOfXoshiro128PlusPlus) {
    Random random = Random::from_state(1, 2, 3, 4);
    for (const uint32_t expected :
         {641u, 1573767u, 3222811527u, 3517856514u, 836907274u, 4247214768u, 3867114732u, 1355841295u})
        EXPECT_EQ(random.next(), expected);
}

TEST(Random, SameSeedSameSequenceOtherSeedOther) {
    Random a(7), b(7), c(8);
    unsigned equal = 0;
    for (int i = 0; i < 1000; ++i) {
        const uint32_t value = a.next();
        EXPECT_EQ(value, b.next());
        equal += value == c.next();
    }
    EXPECT_LT(equal, 3u);
}

TEST(Random, BelowIsUniformAndStaysBelow) {
    Random random(3);
    std::array<unsigned, 10> hits{};
    for (int i = 0; i < 100'000; ++i) {
        const uint32_t draw = random.below(10);
        ASSERT_LT(draw, 10u);
        ++hits[draw];
    }
    for (const unsigned count : hits)
        EXPECT_NEAR(count, 10'000, 400); // four standard deviations
}

TEST(Random, BelowOneIsZeroAndPowersOfTwoAreReached) {
    Random random(1);
    EXPECT_EQ(random.below(1), 0u);
    EXPECT_EQ(random.below64(1), 0u);
    bool top = false;
    for (int i = 0; i < 200; ++i)
        top |= random.below(4) == 3;
    EXPECT_TRUE(top);
}

TEST(Random, Below64CoversBoundsBeyondThirtyTwoBits) {
    Random random(5);
    const uint64_t bound = (uint64_t{3} << 32) + 1;
    unsigned high = 0;
    for (int i = 0; i < 3000; ++i) {
        const uint64_t draw = random.below64(bound);
        ASSERT_LT(draw, bound);
        high += draw >> 32 == 2;
    }
    EXPECT_NEAR(high, 1000, 110);
}

} // namespace
