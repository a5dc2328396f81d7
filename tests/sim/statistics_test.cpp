#include "sim/run/statistics.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace fixpoint::sim {
namespace {

TEST(Statistics, PercentilesAreOfTheNearestRank) {
    Statistics values;
    for (int i = 100; i >= 1; --i)
        values.add(i);
    EXPECT_EQ(values.mean(), 50.5);
    EXPECT_EQ(values.percentile(50), 50);
    EXPECT_EQ(values.percentile(99), 99);
    EXPECT_EQ(values.percentile(100), 100);
    EXPECT_EQ(values.maximum(), 100);
    Statistics few;
    few.add(3);
    few.add(1);
    EXPECT_EQ(few.percentile(50), 1);
    EXPECT_EQ(few.percentile(99), 3);
}

TEST(Statistics, TheConfidenceIntervalHoldsTheTrueMeanNineteenTimesInTwenty) {
    std::mt19937 random(1);
    unsigned held = 0;
    constexpr unsigned series = 2'000;
    for (unsigned i = 0; i < series; ++i) {
        Statistics values;
        // Neighbours have a correlation of one half: as single values they would seem to know the mean better than they do.
        double before = 0;
        for (int j = 0; j < 400; ++j) {
            const double next = static_cast<double>(random()) / 0x1p32;
            values.add(before + next);
            before = next;
        }
        held += std::abs(*values.mean() - 1) <= *values.confidence_95() ? 1 : 0;
    }
    EXPECT_NEAR(held, 0.95 * series, 40); // four standard deviations
}

TEST(Statistics, AFewValuesHaveNoConfidenceInterval) {
    Statistics values;
    for (int i = 0; i < 39; ++i)
        values.add(i);
    EXPECT_FALSE(values.confidence_95());
    values.add(39);
    EXPECT_TRUE(values.confidence_95());
}

TEST(Statistics, OfNothingAreNothing) {
    EXPECT_FALSE(Statistics().mean());
    EXPECT_FALSE(Statistics().confidence_95());
    EXPECT_FALSE(Statistics().percentile(50));
    EXPECT_FALSE(Statistics().maximum());
}

} // namespace
} // namespace fixpoint::sim
