#include "sim/cost_models/cost_models.hpp"
#include "sim/cost_models/writer_rates.hpp"
#include "tests/sim/writer_simulation.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <numeric>
#include <optional>
#include <vector>

namespace fixpoint::sim {
namespace {

constexpr double minute = 60, hour = 3600;

std::vector<double> shares_of(uint32_t pages, std::optional<double> zipf) {
    return content_shares({.pages = pages, .zipf = zipf});
}

TEST(OptimalInterval, YoungsIsTheRootOfTwiceCostTimesTimeBetweenFailures) {
    EXPECT_DOUBLE_EQ(young_interval(0.5, 10'000), 100);
}

TEST(OptimalInterval, DalysAreThePublishedOnes) {
    const double cost = 5 * minute;
    EXPECT_NEAR(daly_interval(cost, 24 * hour) / minute, 116.69, 0.005);
    EXPECT_NEAR(daly_interval(cost, 6 * hour) / minute, 56.71, 0.005);
    EXPECT_NEAR(daly_interval(cost, 15 * minute) / minute, 9.14, 0.005);
    EXPECT_EQ(daly_interval(cost, 2 * minute), 2 * minute); // C >= 2 M: M
}

TEST(OptimalInterval, VaidyasIsWhereTheRatioIsLeastWhateverTheLatency) {
    const double cost = 10, mean_time = 2'000;
    const double best = vaidya_interval(cost, mean_time);
    for (const double latency : {10.0, 100.0, 1'000.0}) {
        const CheckpointTimes times{cost, latency, 30};
        const double least = vaidya_overhead_ratio(best, times, mean_time);
        EXPECT_LT(least, vaidya_overhead_ratio(0.99 * best, times, mean_time));
        EXPECT_LT(least, vaidya_overhead_ratio(1.01 * best, times, mean_time));
    }
    EXPECT_NEAR(vaidya_interval(1, 1e9), young_interval(1, 1e9), 2); // failures are rare: Young's
}

TEST(OverheadRatio, IsTheCostPerIntervalWithoutFailures) {
    EXPECT_NEAR(vaidya_overhead_ratio(100, {2, 2, 50}, 1e12), 0.02, 1e-6);
}

TEST(OverheadRatio, GrowsWithTheLatency) {
    EXPECT_NEAR(vaidya_overhead_ratio(100, {2, 2, 50}, 1'000), 0.128891, 1e-6); // e^.05 (e^.102 - 1) / .1 - 1
    EXPECT_NEAR(vaidya_overhead_ratio(100, {2, 22, 50}, 1'000), 1.128891 * std::exp(0.02) - 1, 1e-6);
}

TEST(DirtyPages, AreTheKnownOnesOf4096PagesAfter1000Writes) {
    EXPECT_NEAR(dirty_pages(shares_of(4096, {}), 1'000), 887, 0.5);
    EXPECT_NEAR(dirty_pages(shares_of(4096, 1.0), 1'000), 453, 0.5);
    EXPECT_NEAR(dirty_pages(shares_of(4096, 1.5), 1'000), 130, 0.5);
}

TEST(DirtyPages, AreOnesAtMost) {
    EXPECT_EQ(dirty_pages(shares_of(64, {}), 0), 0);
    EXPECT_NEAR(dirty_pages(shares_of(64, {}), 1e-6), 1e-6, 1e-12); // as many as there are writes
    EXPECT_DOUBLE_EQ(dirty_pages(shares_of(64, {}), 1e6), 64);
}

struct Means {
    double dirty = 0, copied = 0;
};

Means simulated(const std::vector<double>& shares, SavingOrder order, unsigned writes, unsigned in_drain) {
    WriterSimulation simulation(shares, order, 1);
    constexpr unsigned checkpoints = 800;
    Means means;
    for (unsigned i = 0; i < checkpoints; ++i) {
        const WriterSimulation::Counts counts = simulation.checkpoint(writes, in_drain);
        means.dirty += counts.dirty / double{checkpoints};
        means.copied += counts.copied / double{checkpoints};
    }
    return means;
}

TEST(CopiedPages, AreThoseOfASimulatedDrainInRandomOrder) {
    for (const std::optional<double> zipf : {std::optional<double>(), {0.7}, {1.0}, {1.5}})
        for (const unsigned in_drain : {100u, 300u}) {
            const std::vector<double> shares = shares_of(256, zipf);
            const Means means = simulated(shares, SavingOrder::random, 300, in_drain);
            EXPECT_NEAR(means.dirty / dirty_pages(shares, 300), 1, 0.01) << zipf.value_or(0);
            EXPECT_NEAR(means.copied / copied_pages(shares, 300, in_drain), 1, 0.02) << zipf.value_or(0);
        }
}

TEST(CopiedPages, AreFewestWhenTheHottestPagesAreSavedFirst) {
    const std::vector<double> shares = shares_of(256, 1.0);
    const double model = copied_pages(shares, 300, 200);
    EXPECT_LT(simulated(shares, SavingOrder::hottest_first, 300, 200).copied, 0.8 * model);
    EXPECT_GT(simulated(shares, SavingOrder::coldest_first, 300, 200).copied, 1.1 * model);
}

TEST(CopiedPages, AreNoneWithoutADrainAndAllInALongOne) {
    EXPECT_EQ(copied_pages(shares_of(64, {}), 100, 0), 0);
    EXPECT_NEAR(copied_pages(shares_of(64, {}), 100, 1e9), dirty_pages(shares_of(64, {}), 100), 1e-4);
}

TEST(OptimalIntervalOfDirtyPages, SolvesItsEquation) {
    const std::vector<double> rates = shares_of(256, 1.0);
    const CheckpointCost cost{2, 0.05};
    const double mean_time = 5'000, best = optimal_interval(cost, rates, mean_time), step = 1e-3;
    const auto cost_at = [&](double interval) {
        return cost.fixed + cost.for_each_dirty_page * dirty_pages(rates, interval);
    };
    const double slope = (cost_at(best + step) - cost_at(best - step)) / (2 * step);
    EXPECT_NEAR(cost_at(best) - best * slope, best * best / (2 * mean_time), 1e-5);
    // Which is where the cost per time and the work lost together are least.
    const auto loss = [&](double interval) {
        return cost_at(interval) / interval + interval / (2 * mean_time);
    };
    EXPECT_LT(loss(best), loss(0.99 * best));
    EXPECT_LT(loss(best), loss(1.01 * best));
}

TEST(OptimalIntervalOfDirtyPages, IsYoungsWhenTheCostOfPagesIsProportionalToTime) {
    const std::vector<double> rates(1'000, 1e-9); // no page is written twice in an interval
    EXPECT_NEAR(optimal_interval({2, 1e7}, rates, 10'000), young_interval(2, 10'000), 0.5);
}

TEST(OptimalIntervalOfDirtyPages, IsYoungsWhenAllPagesAreAlwaysDirty) {
    const std::vector<double> rates(10, 100.0);
    EXPECT_NEAR(optimal_interval({2, 0.3}, rates, 10'000), young_interval(5, 10'000), 1e-6);
}

TEST(ShortestInterval, SolvesItsEquation) {
    const std::vector<double> rates = shares_of(256, 1.0);
    const double interval = shortest_sustainable_interval({3, 0.9}, rates);
    EXPECT_NEAR(interval, 3 + 0.9 * dirty_pages(rates, interval), 1e-9);
}

TEST(ShortestInterval, GrowsSharplyWhereWritesTakeTheDiskAsLongAsTheProgram) {
    const std::vector<double> rates = shares_of(100'000, {});             // one write a unit of time
    EXPECT_NEAR(shortest_sustainable_interval({1, 0.5}, rates), 2, 0.01); // t0 / (1 - w t_w)
    EXPECT_NEAR(shortest_sustainable_interval({1, 0.9}, rates), 10, 0.1);
    EXPECT_GT(shortest_sustainable_interval({1, 1.1}, rates), 15'000);
}

TEST(WriteAmplification, IsBytesWrittenPerByteOfTheProgram) {
    EXPECT_DOUBLE_EQ(write_amplification(100, 4096, 8 * 1'000, 0), 51.2);
    EXPECT_DOUBLE_EQ(write_amplification(100, 4096, 8 * 1'000, 0.25), 64);
}

TEST(WriterShares, HaveThePagesOfEveryWriteBesidesTheContents) {
    const std::vector<double> shares = writer_shares({.pages = 2'048 + 512, .zipf = {}});
    ASSERT_EQ(shares.size(), 2'560u + 3 + 2);
    EXPECT_NEAR(std::accumulate(shares.begin(), shares.begin() + 2'560, 0.0), 1, 1e-12);
    EXPECT_NEAR(shares[2'560], 0.4, 1e-12); // counters of 1,024 pages
    EXPECT_NEAR(shares[2'562], 0.2, 1e-12); // of 512
    EXPECT_EQ(shares[2'563], 1);
}

TEST(WriterShares, OfHotPagesSideBySideAreOfOnePageOfCounters) {
    const WriterPattern side_by_side{.pages = 2'048, .zipf = 1.0, .is_scattered = false};
    const std::vector<double> shares = writer_shares(side_by_side);
    EXPECT_NEAR(shares[2'048], std::accumulate(shares.begin(), shares.begin() + 1'024, 0.0), 1e-12);
    EXPECT_GT(shares[2'048], 0.9);
    EXPECT_NEAR(shares[2'048] + shares[2'049], 1, 1e-12);
}

} // namespace
} // namespace fixpoint::sim
