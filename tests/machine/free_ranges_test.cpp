#include "sim/machine/free_ranges.hpp"

#include <gtest/gtest.h>

namespace fixpoint::sim {
namespace {

TEST(FreeRanges, TakesTheLowestPlaceThatFits) {
    FreeRanges ranges;
    ranges.add(0x5000, 0x9000);
    ranges.add(0x1000, 0x2000);
    EXPECT_EQ(ranges.take(0x1800, 1, 0), 0x5000u);
    EXPECT_EQ(ranges.take(0x1000, 1, 0), 0x1000u);
    EXPECT_EQ(ranges.take(0x1000, 1, 0), 0x6800u);
}

TEST(FreeRanges, AlignsAndKeepsWhatIsBefore) {
    FreeRanges ranges;
    ranges.add(0x1004, 0x4000);
    EXPECT_EQ(ranges.take(0x800, 0x1000, 0), 0x2000u);
    EXPECT_EQ(ranges.take(0xFFC, 4, 0), 0x1004u);
    EXPECT_EQ(ranges.largest(), 0x1800u);
}

TEST(FreeRanges, StartsAndEndsWhereItIsTold) {
    FreeRanges ranges;
    ranges.add(0x1000, 0x8000);
    EXPECT_EQ(ranges.take(0x100, 0x10, 0x3005), 0x3010u);
    EXPECT_EQ(ranges.take(0x100, 0x10, 0x4000, 0x40FF), std::nullopt);
    EXPECT_EQ(ranges.take(0x100, 0x10, 0x4000, 0x4100), 0x4000u);
    EXPECT_EQ(ranges.take(0x100, 0x10, 0x8000), std::nullopt);
}

TEST(FreeRanges, RemovesWhetherFreeOrNot) {
    FreeRanges ranges;
    ranges.add(0x1000, 0x4000);
    ranges.remove(0x2000, 0x3000);
    ranges.remove(0x2800, 0x3800);
    ranges.remove(0, 0x1800);
    EXPECT_EQ(ranges.take(0x801, 1, 0), std::nullopt);
    EXPECT_EQ(ranges.take(0x800, 1, 0), 0x1800u);
    EXPECT_EQ(ranges.take(0x800, 1, 0), 0x3800u);
    EXPECT_EQ(ranges.largest(), 0u);
}

TEST(FreeRanges, GivesAPlaceOfNoBytesWithoutTakingIt) {
    FreeRanges ranges;
    ranges.add(0x1000, 0x2000);
    EXPECT_EQ(ranges.take(0, 0x1000, 0x1001), 0x2000u);
    EXPECT_EQ(ranges.take(0, 0x1000, 0), 0x1000u);
    EXPECT_EQ(ranges.largest(), 0x1000u);
}

} // namespace
} // namespace fixpoint::sim
