// The stores under power cuts, and the checker under planted bugs.
#include <gtest/gtest.h>

#include "pager/store/either_store.hpp"
#include "tests/store/store_run.hpp"

namespace fixpoint::test {
namespace {

using store::StoreKind;

// More than 64 slots, little to copy for each of many thousand states; the log goes round within some checkpoints.
constexpr uint32_t ab_disk_sectors = 2664, log_disk_sectors = 984;

uint32_t disk_sectors(StoreKind kind) {
    return kind == StoreKind::ab ? ab_disk_sectors : log_disk_sectors;
}
std::vector<Sector> blank_image(StoreKind kind) {
    return std::vector<Sector>(disk_sectors(kind));
}

struct Counts {
    uint32_t moves = 0, removals = 0;
};

CrashCheck run_and_check(StoreKind kind, uint64_t seed, unsigned checkpoints,
                         const RecordingDisk::Planted& planted = {}, Counts* counts = nullptr,
                         unsigned exhaustive_window = 8, unsigned random_subsets = 6) {
    std::mt19937_64 random{seed};
    RecordingDisk disk{blank_image(kind), planted};
    StoreRun run{disk, kind};
    EXPECT_EQ(run.on_disk.status, store::OpenStatus::blank);
    History worlds;
    EXPECT_TRUE(run.start(worlds));
    for (unsigned i = 0; i < checkpoints; ++i)
        EXPECT_TRUE(run.checkpoint(random, worlds));
    if (counts != nullptr) {
        counts->moves += run.moves;
        counts->removals += run.removals;
    }
    return check_all_crashes(disk, worlds, 0, seed, exhaustive_window, random_subsets);
}

class StoreCrash : public testing::TestWithParam<StoreKind> {};
std::string kind_name(const testing::TestParamInfo<StoreKind>& info) {
    return store::name_of(info.param);
}
INSTANTIATE_TEST_SUITE_P(Stores, StoreCrash, testing::ValuesIn(all_store_kinds), kind_name);

TEST_P(StoreCrash, EveryStateRecoversTheReportedEpochOrTheNextExactly) {
    uint64_t states = 0;
    Counts counts;
    for (uint64_t seed = 1; seed <= 3; ++seed) {
        const CrashCheck check = run_and_check(GetParam(), seed, 5, {}, &counts);
        EXPECT_FALSE(check.violation) << "seed " << seed << ": " << *check.violation;
        states += check.states;
    }
    RecordProperty("states", std::to_string(states));
    EXPECT_GT(states, 10000u);
    EXPECT_GT(counts.removals, 3u);
}

// Moves are cut short like all other writes; the log has gone round several times.
TEST(LogStoreCrash, EveryStateOfAFullLogRecovers) {
    Counts counts;
    for (uint64_t seed = 1; seed <= 2; ++seed) {
        const CrashCheck check = run_and_check(StoreKind::log, seed, 16, {}, &counts, 3, 1);
        EXPECT_FALSE(check.violation) << "seed " << seed << ": " << *check.violation;
    }
    EXPECT_GT(counts.moves, 10u);
    EXPECT_GT(counts.removals, 10u);
}

TEST_P(StoreCrash, GoesOnFromAnyCrashThroughManyRestarts) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        std::mt19937_64 random{seed};
        std::vector<Sector> image = blank_image(GetParam());
        History worlds;
        uint32_t reported = 0, last_session = 0, next_page = 1;
        for (unsigned restart = 0; restart < 12; ++restart) {
            RecordingDisk disk{image};
            StoreRun run{disk, GetParam()};
            const store::OpenStatus status = run.on_disk.status;
            ASSERT_TRUE(status == store::OpenStatus::checkpoint || status == store::OpenStatus::empty ||
                        (status == store::OpenStatus::blank && reported == 0))
                << "seed " << seed << " restart " << restart << " status " << static_cast<int>(status);
            ASSERT_GE(run.opened.epoch(), reported);
            ASSERT_TRUE(run.start(worlds));
            ASSERT_GT(run.session, last_session);
            const size_t session_events = disk.history().size();
            run.next_page = next_page;
            for (unsigned i = 0; i < 3; ++i)
                ASSERT_TRUE(run.checkpoint(random, worlds));
            next_page = run.next_page;
            ASSERT_FALSE(check_disk(disk, worlds, run.opened.epoch(), run.opened.epoch()));

            size_t events = 0;
            MediaDisk crashed = random_crash(disk, random, reported, events);
            if (events >= session_events) // before that nothing has run with this number
                last_session = run.session;
            if (auto violation = check_disk(crashed, worlds, reported, reported + 1))
                FAIL() << "seed " << seed << " restart " << restart << ": " << *violation;
            image = crashed.whole_image();
        }
    }
}

// The canaries: each is a mistake an earlier system made, and the checker must see it.
class StoreCrashCanary : public StoreCrash {};
INSTANTIATE_TEST_SUITE_P(Stores, StoreCrashCanary, testing::ValuesIn(all_store_kinds), kind_name);

TEST_P(StoreCrashCanary, AForgottenFlushIsCaught) {
    // Flush 0, data before directory, orders what no root names yet; 1 and 2 are what I3 and I9 rest on.
    for (int flush = 1; flush <= 2; ++flush) {
        RecordingDisk::Planted planted;
        planted.forgotten_flush = flush;
        EXPECT_TRUE(run_and_check(GetParam(), 7, 5, planted).violation) << "flush " << flush;
    }
}

TEST_P(StoreCrashCanary, ADirectoryWrittenInPlaceIsCaught) {
    const store::Geometry geometry = store::geometry_for(GetParam(), disk_sectors(GetParam()));
    const auto& area = geometry.directory_area;
    const uint32_t sectors = area[1][0] - area[0][0];
    EXPECT_TRUE(
        run_and_check(GetParam(), 7, 5,
                      {.aliases = {{area[1][0], area[0][0], sectors}, {area[1][1], area[0][1], sectors}}})
            .violation);
}

TEST_P(StoreCrashCanary, OneRootPlaceForAllEpochsIsCaught) {
    const auto& root = store::root_sector;
    EXPECT_TRUE(run_and_check(GetParam(), 7, 5,
                              {.aliases = {{root[1][0], root[0][0], 1}, {root[1][1], root[0][1], 1}}})
                    .violation);
}

TEST(AbStoreCrashCanary, PagesWrittenInPlaceAreCaught) {
    const store::Geometry geometry = store::geometry_for(StoreKind::ab, ab_disk_sectors);
    EXPECT_TRUE(run_and_check(StoreKind::ab, 7, 5,
                              {.aliases = {{geometry.block_sector(geometry.slots), geometry.block_sector(0),
                                            geometry.slots * store::sectors_per_block}}})
                    .violation);
}

TEST(LogStoreCrashCanary, ALogThatIsShorterThanItSeemsIsCaught) {
    const store::Geometry geometry = store::geometry_for(StoreKind::log, log_disk_sectors);
    const uint32_t half = (geometry.blocks - geometry.slots) / 2;
    EXPECT_TRUE(
        run_and_check(StoreKind::log, 7, 8,
                      {.aliases = {{geometry.block_sector(geometry.slots + half),
                                    geometry.block_sector(geometry.slots), half * store::sectors_per_block}}})
            .violation);
}

} // namespace
} // namespace fixpoint::test
