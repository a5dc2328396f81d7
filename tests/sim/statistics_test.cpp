#include "sim/run/statistics.hpp"

#include <gtest/gtest.h>

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

TEST(Statistics, OfNothingAreNothing) {
    EXPECT_FALSE(Statistics().mean());
    EXPECT_FALSE(Statistics().percentile(50));
    EXPECT_FALSE(Statistics().maximum());
}

} // namespace
} // namespace fixpoint::sim
