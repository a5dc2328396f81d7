// The clean flag: which disks say that a controlled shutdown was the last thing that happened to them.
#include <gtest/gtest.h>

#include "tests/store/store_run.hpp"

namespace fixpoint::test {
namespace {

using store::StoreKind;

uint32_t disk_sectors(StoreKind kind) {
    return kind == StoreKind::ab ? 2664 : 984;
}

// A session's disk after some checkpoints.
struct Session {
    Session(StoreKind kind, std::vector<Sector> image, History& all_worlds)
        : worlds{all_worlds}, disk{std::move(image)}, run{disk, kind} {
        EXPECT_TRUE(run.start(worlds));
    }
    Session(StoreKind kind, History& all_worlds)
        : Session{kind, std::vector<Sector>(disk_sectors(kind)), all_worlds} {}

    void checkpoints(unsigned count) {
        for (unsigned i = 0; i < count; ++i)
            EXPECT_TRUE(run.checkpoint(random, worlds));
    }
    void shut_down() { EXPECT_TRUE(run.checkpoint(random, worlds, true)); }

    std::mt19937_64 random{1};
    History& worlds;
    RecordingDisk disk;
    StoreRun run;
};

bool is_clean(MediaDisk& disk) {
    return OpenedStore{disk}.opened.find_clean();
}

// The disk that a session's shutdown leaves.
std::vector<Sector> shut_down_image(StoreKind kind, History& worlds) {
    Session session{kind, worlds};
    session.checkpoints(3);
    session.shut_down();
    return session.disk.whole_image();
}

class CleanFlag : public testing::TestWithParam<StoreKind> {};
std::string kind_name(const testing::TestParamInfo<StoreKind>& info) {
    return store::name_of(info.param);
}
INSTANTIATE_TEST_SUITE_P(Stores, CleanFlag, testing::ValuesIn(all_store_kinds), kind_name);

TEST_P(CleanFlag, IsSetByTheLastCheckpointAndClearedByTheNextStart) {
    History worlds;
    Session first{GetParam(), worlds};
    EXPECT_FALSE(first.run.opened.is_clean()) << "a new disk";
    first.checkpoints(2);
    EXPECT_FALSE(is_clean(first.disk));
    first.shut_down();
    EXPECT_TRUE(is_clean(first.disk));

    Session second{GetParam(), first.disk.whole_image(), worlds};
    EXPECT_TRUE(second.run.opened.is_clean()) << "what this start found";
    EXPECT_FALSE(is_clean(second.disk)) << "what the next one would find";

    Session third{GetParam(), second.disk.whole_image(), worlds};
    EXPECT_FALSE(third.run.opened.is_clean())
        << "nothing was committed in between, but something may have run";
}

TEST_P(CleanFlag, AppearsWithTheLastEpochWheneverThePowerFails) {
    History worlds;
    Session before{GetParam(), worlds};
    before.checkpoints(3);
    RecordingDisk disk{before.disk.whole_image()};
    StoreRun run{disk, GetParam()};
    run.session = before.run.session; // the same session goes on
    run.world = before.run.world;
    run.slots = before.run.slots;
    run.next_page = before.run.next_page;
    ASSERT_TRUE(run.checkpoint(before.random, worlds, true));
    const CrashCheck check =
        check_all_crashes(disk, worlds, 3, 1, 8, 6, [](MediaDisk& state) -> std::optional<std::string> {
            OpenedStore on_disk{state};
            const bool last = on_disk.opened.epoch() == 4, clean = on_disk.opened.find_clean();
            return last == clean ? std::nullopt : std::optional<std::string>{clean ? "clean" : "not clean"};
        });
    EXPECT_FALSE(check.violation) << *check.violation;
    EXPECT_GT(check.states, 100u);
}

TEST_P(CleanFlag, IsGoneBeforeAnythingRunsWheneverThePowerFails) {
    History worlds;
    Session next{GetParam(), shut_down_image(GetParam(), worlds), worlds};
    // From here on persistent threads run.
    RecordingDisk disk{next.disk.whole_image()};
    StoreRun run{disk, GetParam()};
    run.session = next.run.session;
    run.world = next.run.world;
    run.slots = next.run.slots;
    run.next_page = next.run.next_page;
    ASSERT_TRUE(run.commit_moves()); // the same epoch in a newer root
    ASSERT_TRUE(run.checkpoint(next.random, worlds));
    const CrashCheck check =
        check_all_crashes(disk, worlds, 4, 1, 8, 6, [](MediaDisk& state) -> std::optional<std::string> {
            return is_clean(state) ? std::optional<std::string>{"clean"} : std::nullopt;
        });
    EXPECT_FALSE(check.violation) << *check.violation;
}

TEST_P(CleanFlag, AStartThatWasCutShortFindsTheSameEpoch) {
    History worlds;
    const std::vector<Sector> image = shut_down_image(GetParam(), worlds);
    const Session start{GetParam(), image, worlds};
    unsigned clean = 0;
    const CrashCheck check = check_all_crashes(
        start.disk, worlds, 4, 1, 8, 6, [&](MediaDisk& state) -> std::optional<std::string> {
            clean += is_clean(state) ? 1 : 0; // no program has seen the new number
            return std::nullopt;
        });
    EXPECT_FALSE(check.violation) << *check.violation;
    EXPECT_GT(clean, 0u) << "the first write was cut short";
}

TEST_P(CleanFlag, SurvivesOneBadCopyAndIsNotGuessedWithoutAny) {
    History worlds;
    const std::vector<Sector> image = shut_down_image(GetParam(), worlds);
    for (const uint32_t copy : {0u, 1u}) {
        MediaDisk disk{image};
        disk.make_unreadable(store::session_sector[copy]);
        EXPECT_TRUE(is_clean(disk)) << copy;
        disk.make_unreadable(store::session_sector[copy ^ 1]);
        EXPECT_FALSE(is_clean(disk));
    }
}

} // namespace
} // namespace fixpoint::test
