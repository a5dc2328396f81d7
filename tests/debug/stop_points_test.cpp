#include "sim/debug/stop_points.hpp"

#include <gtest/gtest.h>

namespace fixpoint::sim {
namespace {

TEST(StopPoints, WithoutAnyNothingStops) {
    const StopPoints points;
    EXPECT_FALSE(points.any_before_instructions());
    EXPECT_FALSE(points.stops_before(0));
    EXPECT_TRUE(points.watchpoints().empty());
}

TEST(StopPoints, BreakpointsStopAtTheirAddressOnly) {
    StopPoints points;
    points.insert(BreakpointKind::software, 0x1000);
    points.insert(BreakpointKind::hardware, 0xFFFF'FFFF);
    EXPECT_TRUE(points.stops_before(0x1000));
    EXPECT_TRUE(points.stops_before(0xFFFF'FFFF));
    EXPECT_FALSE(points.stops_before(0x1001));
    EXPECT_FALSE(points.stops_before(0x2000)) << "the same place of the filter";
    EXPECT_EQ(points.breakpoint_at(0x1000), BreakpointKind::software);
    EXPECT_EQ(points.breakpoint_at(0xFFFF'FFFF), BreakpointKind::hardware);
}

TEST(StopPoints, RemovingOneKindLeavesTheOther) {
    StopPoints points;
    points.insert(BreakpointKind::software, 0x1000);
    points.insert(BreakpointKind::hardware, 0x1000);
    points.remove(BreakpointKind::software, 0x1000);
    EXPECT_TRUE(points.stops_before(0x1000));
    points.remove(BreakpointKind::hardware, 0x1000);
    EXPECT_FALSE(points.stops_before(0x1000));
    EXPECT_FALSE(points.any_before_instructions());
}

TEST(StopPoints, AStepEndsAtAnyInstructionAndAStepOverARangeOutsideOfIt) {
    StopPoints points;
    points.step(0, 0);
    EXPECT_TRUE(points.stops_before(0));
    EXPECT_TRUE(points.stops_before(0x1000));
    points.step(0x1000, 0x1010);
    EXPECT_FALSE(points.stops_before(0x1000));
    EXPECT_FALSE(points.stops_before(0x100F));
    EXPECT_TRUE(points.stops_before(0x1010));
    EXPECT_TRUE(points.stops_before(0x0FFF));
    points.end_step();
    EXPECT_FALSE(points.stops_before(0x1010));
}

TEST(StopPoints, WatchesOfReadsAndAccessesAlsoSeeReads) {
    StopPoints points;
    points.insert(WatchKind::write, 0x100, 4);
    points.insert(WatchKind::access, 0x200, 2);
    const auto watched = points.watchpoints();
    ASSERT_EQ(watched.size(), 2u);
    EXPECT_FALSE(watched[0].reads);
    EXPECT_TRUE(watched[1].reads);
    EXPECT_EQ(watched[1].bytes, 2u);
}

TEST(StopPoints, AnAccessBelongsToTheWatchThatCoversIt) {
    StopPoints points;
    points.insert(WatchKind::write, 0x100, 4);
    EXPECT_EQ(points.watch_at(0x103)->linear, 0x100u);
    EXPECT_FALSE(points.watch_at(0x104));
    EXPECT_FALSE(points.watch_at(0x0FF));
    points.remove(WatchKind::write, 0x100, 4);
    EXPECT_FALSE(points.watch_at(0x103));
}

} // namespace
} // namespace fixpoint::sim
