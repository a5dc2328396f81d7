// The checkpoint logic against a model of memory, clients and disk: random faults at every point where the
// server blocks.
#include <gtest/gtest.h>

#include "tests/pager/model_world.hpp"

namespace fixpoint::test {
namespace {

constexpr uint32_t disk_sectors = 3600, plenty_of_frames = 400, few_frames = 96;

std::optional<std::string> run(uint64_t seed, uint32_t frames, pager::CopyPolicy policy, unsigned checkpoints,
                               PlantedBug bug = {}, uint32_t* copies = nullptr, uint32_t* waits = nullptr) {
    ModelWorld world{std::vector<Sector>(disk_sectors), frames, seed, bug};
    world.start({}, policy);
    for (unsigned i = 0; i < checkpoints && !world.violation; ++i) {
        world.act(60);
        world.checkpoint().take();
        world.report_committed();
        RecordingDisk after{world.disk().whole_image()};
        if (auto found = check_snapshot_on(after, world.snapshots, i + 1, i + 1))
            return "checkpoint " + std::to_string(i + 1) + ": " + *found;
    }
    if (copies != nullptr)
        *copies += world.copies;
    if (waits != nullptr)
        *waits += world.waits;
    return world.violation;
}

TEST(Checkpoint, EveryCheckpointIsOfOneInstantWhateverClientsDoMeanwhile) {
    for (const auto policy :
         {pager::CopyPolicy::on_write, pager::CopyPolicy::eager, pager::CopyPolicy::in_stop}) {
        uint32_t copies = 0;
        for (uint64_t seed = 1; seed <= 15; ++seed) {
            const auto violation = run(seed, plenty_of_frames, policy, 8, {}, &copies);
            ASSERT_FALSE(violation) << "policy " << static_cast<int>(policy) << " seed " << seed << ": "
                                    << *violation;
        }
        if (policy == pager::CopyPolicy::on_write) {
            EXPECT_GT(copies, 100u);
        }
    }
}

TEST(Checkpoint, WritersWaitWhenFramesAreShortAndTheDrainNeverDoes) {
    uint32_t waits = 0;
    for (const auto policy :
         {pager::CopyPolicy::on_write, pager::CopyPolicy::eager, pager::CopyPolicy::in_stop})
        for (uint64_t seed = 1; seed <= 10; ++seed) {
            const auto violation = run(seed, few_frames, policy, 8, {}, nullptr, &waits);
            ASSERT_FALSE(violation) << "policy " << static_cast<int>(policy) << " seed " << seed << ": "
                                    << *violation;
        }
    EXPECT_GT(waits, 10u);
}

TEST(Checkpoint, RecoversFromACrashAnywhereAndGoesOn) {
    for (uint64_t seed = 1; seed <= 12; ++seed) {
        std::mt19937_64 random{seed};
        std::vector<Sector> image(disk_sectors);
        std::map<uint32_t, World> snapshots;
        uint32_t reported = 0;
        for (unsigned restart = 0; restart < 6; ++restart) {
            ModelWorld world{image, plenty_of_frames, random()};
            world.start(snapshots, pager::CopyPolicy::on_write);
            for (unsigned i = 0; i < 3 && !world.violation; ++i) {
                world.act(60);
                world.checkpoint().take();
                world.report_committed();
            }
            ASSERT_FALSE(world.violation)
                << "seed " << seed << " restart " << restart << ": " << *world.violation;
            snapshots = world.snapshots;
            size_t events = 0;
            MediaDisk crashed = random_crash(world.disk(), random, reported, events);
            const auto violation = check_snapshot_on(crashed, snapshots, reported, reported + 1);
            ASSERT_FALSE(violation) << "seed " << seed << " restart " << restart << ": " << *violation;
            image = crashed.whole_image();
        }
    }
}

TEST(CheckpointCanary, AForgottenRevocationIsCaught) {
    EXPECT_TRUE(
        run(1, plenty_of_frames, pager::CopyPolicy::on_write, 20, {.one_revocation_forgotten = true}));
}

TEST(CheckpointCanary, FramesFreedBeforeTheirContentIsSavedAreCaught) {
    EXPECT_TRUE(run(1, plenty_of_frames, pager::CopyPolicy::on_write, 20, {.frames_freed_too_early = true}));
}

TEST(CheckpointCanary, AWritableMappingFromAReadFaultIsCaught) {
    EXPECT_TRUE(run(1, plenty_of_frames, pager::CopyPolicy::on_write, 20, {.mapped_writable_on_read = true}));
}

TEST(FramePool, KeepsTheReserveForTcbCopies) {
    uint32_t storage[3];
    pager::FramePool pool;
    pool.initialise(storage, 3);
    for (const uint32_t frame : {0x1000u, 0x2000u, 0x3000u})
        pool.add(frame);
    EXPECT_TRUE(pool.reserve_one());
    EXPECT_TRUE(pool.reserve_one());
    EXPECT_NE(pool.take(), pager::no_frame);
    EXPECT_EQ(pool.take(), pager::no_frame);
    EXPECT_FALSE(pool.reserve_one());
    const uint32_t copy = pool.take_reserved();
    EXPECT_NE(copy, pager::no_frame);
    pool.give_back_reserved(copy);
    EXPECT_EQ(pool.free(), 2u);
    EXPECT_EQ(pool.reserved(), 2u);
}

} // namespace
} // namespace fixpoint::test
