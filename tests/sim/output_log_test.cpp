#include "sim/observe/output_log.hpp"

#include <gtest/gtest.h>

namespace fixpoint::sim {
namespace {

using Times = std::vector<models::Picoseconds>;

TEST(OutputLog, LinesWithoutANumberPassAtOnce) {
    OutputLog log;
    log.received(10, 0);
    log.released(12, 0);
    log.received(20, 0);
    log.released(20, 0);
    EXPECT_EQ(log.figures().held, (Times{2, 0}));
    EXPECT_EQ(log.figures().repeated, 0u);
}

TEST(OutputLog, ALineIsHeldFromItsPrintingToItsRelease) {
    OutputLog log;
    log.received(10, 1);
    log.received(15, 2);
    log.released(100, 1);
    log.released(110, 2);
    EXPECT_EQ(log.figures().held, (Times{90, 95}));
}

TEST(OutputLog, ALineThatLeavesTwiceIsHeldOnce) {
    OutputLog log;
    log.received(10, 1);
    log.released(100, 1);
    log.released(300, 1);
    EXPECT_EQ(log.figures().held, Times{90});
    EXPECT_EQ(log.figures().repeated, 1u);
}

TEST(OutputLog, ALinePrintedAgainAfterARollbackCountsFromThen) {
    OutputLog log;
    log.received(10, 1);
    log.received(200, 1);
    log.released(250, 1);
    EXPECT_EQ(log.figures().held, Times{50});
}

TEST(OutputLog, ALineOfAnEarlierSimulationHasNoTime) {
    OutputLog log;
    log.released(250, 7);
    EXPECT_TRUE(log.figures().held.empty());
    EXPECT_EQ(log.figures().repeated, 0u);
}

} // namespace
} // namespace fixpoint::sim
