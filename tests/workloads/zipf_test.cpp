#include "workloads/runtime/fixed_point.hpp"
#include "workloads/runtime/zipf.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

namespace {

using workloads::Random;
using workloads::ZipfSampler;

TEST(FixedPoint, LogarithmIsExactForPowersOfTwoAndCloseOtherwise) {
    for (unsigned i = 0; i < 32; ++i)
        EXPECT_EQ(workloads::log2_q24(1u << i), uint64_t{i} << 24);
    for (const uint32_t value : {3u, 5u, 7u, 1000u, 999'983u, 4'000'000'007u})
        EXPECT_NEAR(static_cast<double>(workloads::log2_q24(value)) / (1 << 24), std::log2(value), 1e-6)
            << value;
}

TEST(FixedPoint, SquareRootIsTheLargestIntegerWhoseSquareFits) {
    Random random(11);
    for (int i = 0; i < 10'000; ++i) {
        const uint64_t value = random.next64() >> random.below(64);
        const uint64_t root = workloads::integer_square_root(value);
        EXPECT_LE(root * root, value);
        if (root < 0xFFFFFFFFu) {
            EXPECT_GT((root + 1) * (root + 1), value);
        }
    }
}

TEST(FixedPoint, PowersOfTwoAgreeWithTheMathLibrary) {
    EXPECT_EQ(workloads::exp2_negative_q32(0), uint64_t{1} << 32);
    EXPECT_EQ(workloads::exp2_negative_q32(uint64_t{1} << 24), uint64_t{1} << 31);
    EXPECT_EQ(workloads::exp2_negative_q32(uint64_t{40} << 24), 0u);
    for (const double x : {0.25, 0.5, 1.75, 3.3, 10.01, 20.5}) {
        const auto x_q24 = static_cast<uint64_t>(x * (1 << 24));
        const double expected = std::exp2(-static_cast<double>(x_q24) / (1 << 24));
        EXPECT_NEAR(static_cast<double>(workloads::exp2_negative_q32(x_q24)) / 4294967296.0, expected, 1e-8)
            << x;
    }
}

TEST(Zipf, WeightsFallWithThePowerOfTheRank) {
    std::vector<uint64_t> table(1000);
    const auto exponent = static_cast<uint32_t>(1.25 * ZipfSampler::exponent_one);
    const ZipfSampler sampler(1000, exponent, table.data());
    for (const uint32_t rank : {0u, 1u, 9u, 99u, 999u})
        EXPECT_NEAR(static_cast<double>(sampler.weight(rank)) / 4294967296.0, std::pow(rank + 1, -1.25),
                    1e-6);
}

TEST(Zipf, DrawsFollowTheWeights) {
    std::vector<uint64_t> table(100);
    const ZipfSampler sampler(100, ZipfSampler::exponent_one, table.data());
    Random random(2);
    std::vector<unsigned> hits(100);
    constexpr unsigned draws = 200'000;
    for (unsigned i = 0; i < draws; ++i)
        ++hits[sampler.rank(random)];
    const double harmonic = static_cast<double>(table[99]) / 4294967296.0;
    for (const uint32_t rank : {0u, 1u, 4u, 49u, 99u}) {
        const double expected = draws / (harmonic * (rank + 1));
        EXPECT_NEAR(hits[rank], expected, 5 * std::sqrt(expected)) << rank;
    }
}

TEST(Zipf, ExponentZeroIsUniform) {
    std::vector<uint64_t> table(50);
    const ZipfSampler sampler(50, 0, table.data());
    for (uint32_t rank = 0; rank < 50; ++rank)
        EXPECT_EQ(sampler.weight(rank), uint64_t{1} << 32);
}

TEST(Zipf, ItemsAreAPermutationOfRanks) {
    for (const uint32_t count : {1u, 2u, 3u, 10u, 64u, 1000u, 4999u}) {
        std::vector<uint64_t> table(count);
        const ZipfSampler sampler(count, ZipfSampler::exponent_one, table.data());
        std::vector<bool> seen(count);
        for (uint32_t rank = 0; rank < count; ++rank) {
            const uint32_t item = sampler.item(rank);
            ASSERT_LT(item, count);
            EXPECT_FALSE(seen[item]);
            seen[item] = true;
        }
    }
}

TEST(Zipf, HotItemsAreNotNeighbours) {
    std::vector<uint64_t> table(10'000);
    const ZipfSampler sampler(10'000, ZipfSampler::exponent_one, table.data());
    for (uint32_t rank = 0; rank < 10; ++rank) {
        const auto a = static_cast<int64_t>(sampler.item(rank)),
                   b = static_cast<int64_t>(sampler.item(rank + 1));
        EXPECT_GT(std::abs(a - b), 100);
    }
}

} // namespace
