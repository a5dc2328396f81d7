#include "sim/observe/checkpoint_log.hpp"

#include <gtest/gtest.h>

namespace fixpoint::sim {
namespace {

constexpr models::Picoseconds us = models::ps_per_us;

Sample at(models::Picoseconds now, uint64_t sectors = 0) {
    return {now, 0, 0, sectors};
}

void take(CheckpointLog& log, uint32_t epoch, models::Picoseconds begin, uint64_t sectors_before,
          uint64_t sectors_after) {
    log.stop_begin(at(begin, sectors_before), epoch);
    log.snapshot(at(begin + 10 * us), epoch, 700);
    log.snapshot_tables(at(begin + 40 * us), epoch);
    log.stop_end(at(begin + 60 * us), epoch, 12, 3);
    log.commit_begin(at(begin + 4'060 * us), 725);
    log.committed(at(begin + 5'010 * us, sectors_after), epoch);
}

TEST(CheckpointLog, KeepsARowForEachCheckpoint) {
    CheckpointLog log;
    take(log, 1, 100'000 * us, 8, 108);
    log.commit_begin(at(150'000 * us), 900); // of moved pages: no checkpoint's
    log.delayed(2);
    log.stop_begin(at(200'000 * us, 108), 2);
    log.commit_begin(at(200'005 * us), 1'000);
    log.snapshot(at(200'010 * us), 2, 1'100);
    log.stop_end(at(200'060 * us), 2, 5, 3);
    log.page_copied();
    ASSERT_EQ(log.rows().size(), 2u);
    EXPECT_EQ(log.committed_count(), 1u);
    EXPECT_EQ(log.rows()[0].sectors_written, 100u);
    EXPECT_FALSE(log.rows()[0].delayed);
    EXPECT_TRUE(log.rows()[1].delayed);
    EXPECT_EQ(log.rows()[1].copied_pages, 1u);
    EXPECT_EQ(to_csv(log.rows()), "start,epoch,snapshot_ms,stop_us,capture_us,revoke_us,tcb_copy_us,commit_"
                                  "ms,dirty_pages,tcb_pages,copied_pages,"
                                  "bytes_written,delayed,committed,drain_ms,work,drain_work\n"
                                  "1,1,100.01,60,10,30,20,5,12,3,0,51200,0,1,4,700,25\n"
                                  "1,2,200.01,60,10,,,,5,3,1,0,1,0,,1100,\n");
}

TEST(CheckpointLog, AnEpochThatIsTakenAgainAfterAPowerCutHasItsOwnRow) {
    CheckpointLog log;
    take(log, 1, 100'000 * us, 0, 1);
    log.stop_begin(at(200'000 * us), 2);
    log.snapshot(at(200'010 * us), 2, 0);
    log.power_cycle();
    log.commit_begin(at(204'000 * us), 0);
    log.committed(at(205'000 * us), 2); // no row of this start
    EXPECT_EQ(log.committed_count(), 1u);
    take(log, 2, 400'000 * us, 1, 2);
    ASSERT_EQ(log.rows().size(), 3u);
    EXPECT_EQ(log.rows()[2].start, 2u);
    EXPECT_FALSE(log.rows()[1].is_committed());
    EXPECT_EQ(log.snapshot_instant(2), 400'010 * us);
    EXPECT_EQ(log.snapshot_instant(9), std::nullopt);
}

} // namespace
} // namespace fixpoint::sim
