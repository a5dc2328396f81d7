#include "sim/observe/workload_progress.hpp"

#include <gtest/gtest.h>

namespace fixpoint::sim {
namespace {

TEST(WorkloadProgress, IsFinishedWhenEveryInstanceIsDone) {
    WorkloadProgress progress(2);
    progress.done(1, true);
    EXPECT_FALSE(progress.finished());
    progress.done(0, true);
    EXPECT_TRUE(progress.finished());
    EXPECT_TRUE(progress.verified());
}

TEST(WorkloadProgress, OneFailureFailsAll) {
    WorkloadProgress failed(2), unsound(1);
    failed.done(0, true);
    failed.done(1, false);
    EXPECT_FALSE(failed.verified());
    unsound.check(0, false);
    unsound.done(0, true);
    EXPECT_FALSE(unsound.verified());
}

TEST(WorkloadProgress, RecoveryGoesBackToTheSnapshot) {
    WorkloadProgress progress(2);
    progress.work(0, 100);
    progress.done(1, true);
    progress.snapshot(1);
    progress.work(0, 50);
    progress.done(0, true);
    progress.recovered(1);
    EXPECT_EQ(progress.units(), 100u);
    EXPECT_FALSE(progress.finished());
    progress.done(0, true); // instance 1 had ended before the snapshot
    EXPECT_TRUE(progress.finished());
    progress.recovered(0);
    EXPECT_EQ(progress.units(), 0u);
    EXPECT_FALSE(progress.finished());
}

} // namespace
} // namespace fixpoint::sim
