#include <gtest/gtest.h>

#include "pager/checkpoint/drain_throttle.hpp"

namespace fixpoint::test {
namespace {

using pager::DrainThrottle;

constexpr uint64_t quiet_us = DrainThrottle::quiet_us;

TEST(DrainThrottle, AllowsFullDepthWhileNobodyPagesIn) {
    DrainThrottle throttle{4, true};
    EXPECT_EQ(throttle.depth(1'000'000, {.begun = 0}), 4u);
    for (uint64_t now_us = 1'000'000; now_us < 2'000'000; now_us += 1'000) {
        throttle.begun(now_us);
        EXPECT_FALSE(throttle.flush_is_due(now_us));
    }
}

TEST(DrainThrottle, AllowsOneRequestUntilPageInsHaveBeenQuietForAWhile) {
    DrainThrottle throttle{4, true};
    EXPECT_EQ(throttle.depth(5'000, {.begun = 1}), 1u);
    EXPECT_EQ(throttle.depth(5'000 + quiet_us - 1, {.begun = 1}), 1u);
    EXPECT_EQ(throttle.depth(5'000 + quiet_us, {.begun = 1}), 4u);
    EXPECT_EQ(throttle.depth(5'000 + quiet_us, {.begun = 2}), 1u);
}

TEST(DrainThrottle, CountsAPageInForAsLongAsItLasts) {
    DrainThrottle throttle{4, true};
    EXPECT_EQ(throttle.depth(0, {.begun = 1, .under_way = true}), 1u);
    EXPECT_EQ(throttle.depth(10 * quiet_us, {.begun = 1, .under_way = true}), 1u);
    EXPECT_EQ(throttle.depth(11 * quiet_us, {.begun = 1}), 4u);
}

TEST(DrainThrottle, LeavesTheDiskToPageInsForAsLongAsABurstTook) {
    DrainThrottle throttle{4, true};
    ASSERT_EQ(throttle.depth(1'000, {.begun = 1}), 1u);
    for (uint32_t i = 0; i < DrainThrottle::unflushed_max; ++i) {
        EXPECT_FALSE(throttle.flush_is_due(1'000 + i));
        throttle.begun(1'000 + i);
    }
    EXPECT_TRUE(throttle.flush_is_due(9'000));
    throttle.flushed(15'000); // 14 ms since the first of them
    EXPECT_FALSE(throttle.flush_is_due(15'000));
    EXPECT_EQ(throttle.depth(15'000, {.begun = 2}), 0u);
    EXPECT_EQ(throttle.depth(28'999, {.begun = 3}), 0u);
    EXPECT_EQ(throttle.depth(29'000, {.begun = 4}), 1u) << "page-ins do not starve the drain either";
}

TEST(DrainThrottle, GoesAtFullDepthWhileThreadsWaitForTheDrain) {
    DrainThrottle throttle{4, true};
    ASSERT_EQ(throttle.depth(1'000, {.begun = 1}), 1u);
    for (uint32_t i = 0; i < DrainThrottle::unflushed_max; ++i)
        throttle.begun(1'000);
    EXPECT_TRUE(throttle.flush_is_due(2'000));
    EXPECT_EQ(throttle.depth(2'000, {.begun = 2, .drain_awaited = true}), 4u);
    EXPECT_FALSE(throttle.flush_is_due(2'000));
    EXPECT_EQ(throttle.depth(3'000, {.begun = 2}), 1u);
    EXPECT_TRUE(throttle.flush_is_due(3'000));
}

TEST(DrainThrottle, PausesNoLongerThanPageInsGoOn) {
    DrainThrottle throttle{4, true};
    ASSERT_EQ(throttle.depth(0, {.begun = 1}), 1u);
    throttle.begun(0);
    throttle.flushed(10 * quiet_us);
    EXPECT_EQ(throttle.depth(10 * quiet_us, {.begun = 2}), 0u);
    EXPECT_EQ(throttle.depth(11 * quiet_us, {.begun = 2}), 4u);
}

TEST(DrainThrottle, SwitchedOffLooksAtNothing) {
    DrainThrottle throttle{4, false};
    for (uint32_t i = 0; i < 100; ++i) {
        EXPECT_EQ(throttle.depth(i, {.begun = i, .under_way = true}), 4u);
        throttle.begun(i);
        EXPECT_FALSE(throttle.flush_is_due(i));
    }
}

} // namespace
} // namespace fixpoint::test
