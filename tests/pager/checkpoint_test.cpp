// The checkpoint logic against a model of memory, clients and disk: random faults at every point where the
// server blocks.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <utility>

#include "kernel-model/abi/system_layout.hpp"
#include "tests/pager/model_world.hpp"
#include "tests/store/opened_store.hpp"

namespace fixpoint::test {
namespace {

constexpr uint32_t plenty_of_frames = 400, few_frames = 96, scarce_frames = 44;
// The world fits twice over. The short log holds half of it.
constexpr uint32_t disk_sectors = 3600, disk_sectors_short = 1400;
// 64 slots for a world of 83 pages.
constexpr uint32_t ab_disk_sectors_full = 1300, log_disk_sectors_full = 1000;

constexpr store::PageKey fresh_tcb = store::page_key(0, l4::tcb_array_base + 99 * l4::tcb_group_bytes);

using pager::CopyPolicy, pager::DrainOrder, pager::Policy, pager::Tracking;
using store::StoreKind;

std::vector<Policy> policies() {
    std::vector<Policy> all;
    for (const auto copy : {CopyPolicy::on_write, CopyPolicy::eager, CopyPolicy::in_stop})
        for (const auto tracking : {Tracking::protect, Tracking::dirty_bits})
            for (const uint32_t hot_intervals : {0u, 2u})
                for (const auto order : {DrainOrder::address, DrainOrder::hottest_first,
                                         DrainOrder::coldest_first, DrainOrder::random})
                    all.push_back({copy, tracking, order, hot_intervals, 1});
    return all;
}
std::string name_of(const Policy& policy) {
    return "copy " + std::to_string(static_cast<int>(policy.copy)) + " tracking " +
           std::to_string(static_cast<int>(policy.tracking)) + " order " +
           std::to_string(static_cast<int>(policy.drain_order)) + " hot " +
           std::to_string(policy.hot_intervals);
}

struct Disk {
    StoreKind kind = StoreKind::ab;
    uint32_t sectors = disk_sectors;
};

struct Counts {
    uint32_t copies = 0, waits = 0, evictions = 0, waits_for_store = 0, waits_for_slot = 0, moves = 0;
    uint32_t disk_failures = 0, most_writes_at_once = 0;
    std::set<std::pair<pager::PageState, bool>> discarded_states;
};

// Without clients' pages nothing is taken but by TCB pages.
void expect_no_leak(ModelWorld& world) {
    world.end_clients();
    for (unsigned i = 0; i < 2; ++i)
        world.take_checkpoint();
    const uint32_t tcb_pages = world.pages().tcb_count();
    EXPECT_EQ(world.store().free_slots() + tcb_pages, world.store().slots());
    EXPECT_EQ(world.pages().pool().free() + world.pages().tcb_frame_count() + 1, world.frames())
        << "one holds zeros";
    EXPECT_EQ(world.pages().dirty_count(), 0u);
}

std::optional<std::string> run(const Disk& disk, uint64_t seed, uint32_t frames, const Policy& policy,
                               unsigned checkpoints, PlantedBug bug = {}, Counts* counts = nullptr) {
    ModelWorld world{disk.kind, std::vector<Sector>(disk.sectors), frames, seed, bug};
    world.start({}, policy);
    for (unsigned i = 0; i < checkpoints && !world.violation; ++i) {
        world.act(60);
        world.take_checkpoint();
        RecordingDisk after{world.disk().whole_image()};
        if (auto found = check_snapshot_on(after, world.snapshots, i + 1, i + 1))
            return "checkpoint " + std::to_string(i + 1) + ": " + *found;
    }
    if (counts != nullptr) {
        counts->copies += world.copies;
        counts->waits += world.waits;
        counts->evictions += world.evictions;
        counts->waits_for_store += world.waits_for_store;
        counts->moves += world.moves;
        counts->disk_failures += world.disk_failures;
        counts->most_writes_at_once = std::max(counts->most_writes_at_once, world.most_writes_at_once());
        counts->discarded_states.merge(world.discarded_states);
        counts->waits_for_slot += world.waits_for_slot;
    }
    if (!world.violation)
        expect_no_leak(world);
    return world.violation;
}

Counts run_all(const Disk& disk, const Policy& policy, uint32_t frames, uint64_t seeds) {
    Counts counts;
    for (uint64_t seed = 1; seed <= seeds; ++seed) {
        Policy drained = policy;
        drained.drain_depth = seed % 2 == 0 ? 1 : pager::WriteQueue::places;
        const auto violation = run(disk, seed, frames, drained, 8, {}, &counts);
        EXPECT_FALSE(violation) << name_of(policy) << " seed " << seed << ": " << *violation;
        if (violation)
            break;
    }
    return counts;
}

class Checkpoint : public testing::TestWithParam<StoreKind> {
protected:
    static Disk disk() { return {GetParam(), disk_sectors}; }
};
class CheckpointCanary : public Checkpoint {};
std::string kind_name(const testing::TestParamInfo<StoreKind>& info) {
    return store::name_of(info.param);
}
INSTANTIATE_TEST_SUITE_P(Stores, Checkpoint, testing::ValuesIn(all_store_kinds), kind_name);
INSTANTIATE_TEST_SUITE_P(Stores, CheckpointCanary, testing::ValuesIn(all_store_kinds), kind_name);

TEST_P(Checkpoint, IsOfOneInstantWhateverClientsDoMeanwhile) {
    uint32_t copies = 0, copying_policies = 0, disk_failures = 0;
    for (const Policy& policy : policies()) {
        const Counts counts = run_all(disk(), policy, plenty_of_frames, 2);
        if (policy.copy == CopyPolicy::on_write && policy.hot_intervals == 0) {
            copies += counts.copies;
            ++copying_policies;
        }
        EXPECT_EQ(counts.evictions, 0u);
        disk_failures += counts.disk_failures;
    }
    EXPECT_GT(disk_failures, 20u);
    EXPECT_GT(copies, 3 * copying_policies);
}

TEST_P(Checkpoint, HasAsManyWritesOnTheirWayAsItMay) {
    for (const uint32_t depth : {1u, 4u, 8u}) {
        Counts counts;
        const Policy policy{.drain_order = DrainOrder::random, .drain_depth = depth};
        const auto violation = run(disk(), 1, plenty_of_frames, policy, 8, {}, &counts);
        EXPECT_FALSE(violation) << *violation;
        if (GetParam() == StoreKind::ab) { // the log writes all that fits in one request in one
            EXPECT_EQ(counts.most_writes_at_once, depth);
        }
        EXPECT_LE(counts.most_writes_at_once, depth);
    }
}

TEST_P(Checkpoint, WritersWaitWhenFramesOrBlocksAreShortAndTheDrainNeverDoes) {
    uint32_t waits = 0;
    for (const Policy& policy : policies()) {
        const Counts counts = run_all(disk(), policy, few_frames, 2);
        waits += counts.waits + counts.waits_for_store;
    }
    EXPECT_GT(waits, 10u);
}

TEST_P(Checkpoint, TheWorldMayBeLargerThanMemory) {
    for (const Policy& policy : policies())
        EXPECT_GT(run_all(disk(), policy, scarce_frames, 2).evictions, 10u) << name_of(policy);
}

TEST(CheckpointInAShortLog, MakesWritersWaitAndThenRoom) {
    for (const Policy& policy : policies()) {
        const Counts counts = run_all({StoreKind::log, disk_sectors_short}, policy, plenty_of_frames, 4);
        EXPECT_GT(counts.waits_for_store, 10u) << name_of(policy);
        EXPECT_GT(counts.moves, 2u) << name_of(policy);
    }
}

TEST_P(Checkpoint, PagesMayBeDiscardedInWhateverStateTheyAre) {
    using pager::PageState;
    std::set<std::pair<PageState, bool>> states;
    for (const Policy& policy : policies())
        for (const uint32_t frames : {plenty_of_frames, scarce_frames})
            states.merge(run_all(disk(), policy, frames, 1).discarded_states);
    const std::set<std::pair<PageState, bool>> all = {
        {PageState::absent, false}, {PageState::zero, false},   {PageState::clean, false},
        {PageState::clean, true},   {PageState::dirty, false},  {PageState::dirty, true},
        {PageState::frozen, false}, {PageState::writing, false}};
    EXPECT_EQ(states, all);
}

TEST_P(Checkpoint, AFullDiskHasRoomAgainWhenPagesAreDiscarded) {
    uint32_t waits = 0;
    for (const Policy& policy : policies())
        waits +=
            run_all({GetParam(), GetParam() == StoreKind::ab ? ab_disk_sectors_full : log_disk_sectors_full},
                    policy, plenty_of_frames, 2)
                .waits_for_slot;
    EXPECT_GT(waits, 100u);
}

TEST_P(Checkpoint, RecoversFromACrashAnywhereAndGoesOn) {
    const std::vector<Policy> all = policies();
    for (uint64_t seed = 1; seed <= 24; ++seed) {
        std::mt19937_64 random{seed};
        std::vector<Sector> image(random() % 2 == 0 ? disk_sectors : disk_sectors_short);
        std::map<uint32_t, World> snapshots;
        uint32_t reported = 0;
        for (unsigned restart = 0; restart < 4; ++restart) {
            // Any policy goes on with what another has left, with more memory or less.
            ModelWorld world{GetParam(), image, random() % 2 == 0 ? plenty_of_frames : scarce_frames,
                             random()};
            Policy policy = all[random() % all.size()];
            policy.drain_depth = 1 + static_cast<uint32_t>(random() % pager::WriteQueue::places);
            policy.drain_throttle = random() % 2 == 0;
            world.start(snapshots, policy);
            for (unsigned i = 0; i < 3 && !world.violation; ++i) {
                world.act(60);
                world.take_checkpoint();
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

TEST_P(Checkpoint, NothingChangesAfterTheLastOne) {
    for (const Policy& policy : policies())
        for (const uint32_t frames : {plenty_of_frames, scarce_frames}) {
            ModelWorld world{GetParam(), std::vector<Sector>(disk_sectors), frames, 1};
            world.start({}, policy);
            world.act(60);
            world.take_checkpoint();
            world.act(60);
            world.take_last_checkpoint();
            world.act(200);
            ASSERT_FALSE(world.violation) << name_of(policy) << ": " << *world.violation;
            const auto memory = [](World pages) { // TCBs are the kernel's
                std::erase_if(pages, [](const auto& page) { return store::key_task(page.first) == 0; });
                return pages;
            };
            EXPECT_EQ(memory(world.content()), memory(world.snapshots.at(2))) << name_of(policy);
            RecordingDisk after{world.disk().whole_image()};
            EXPECT_FALSE(check_snapshot_on(after, world.snapshots, 2, 2)) << name_of(policy);
            EXPECT_TRUE(OpenedStore{after}.opened.find_clean());
        }
}

// A disk with several groups of directory blocks: clients go on before all is read, some pages are known and some are not.
// The power fails again while it is read.
TEST_P(Checkpoint, GoesOnWhileTheDirectoryIsRead) {
    constexpr uint32_t disk_sectors_large = 240'000, fillers = 11'000;
    uint32_t waits = 0, waits_for_tcb = 0, prefetched = 0;
    for (uint64_t seed = 1; seed <= 2; ++seed) {
        std::mt19937_64 random{seed};
        const Policy policy{.drain_order =
                                seed % 2 == 0 ? pager::DrainOrder::random : pager::DrainOrder::address,
                            .prefetch = seed % 2 == 0};
        std::map<uint32_t, World> snapshots;
        std::vector<Sector> image;
        {
            ModelWorld world{GetParam(), std::vector<Sector>(disk_sectors_large), plenty_of_frames, seed};
            world.start({}, policy);
            world.act(20);
            for (uint32_t page = 1; page <= fillers; ++page) // in no checkpoint
                ASSERT_NE(world.store().allocate(store::page_key(99, page << 12)), store::no_slot);
            for (const unsigned steps : {60, 60, 60, 15}) { // the last one writes few of the TCB pages
                world.act(steps);
                world.take_checkpoint();
            }
            ASSERT_FALSE(world.violation) << *world.violation;
            snapshots = world.snapshots;
            image = world.disk().whole_image();
        }
        for (unsigned restart = 0; restart < 3; ++restart) {
            ModelWorld world{GetParam(), image, plenty_of_frames, random()};
            world.start(snapshots, policy, store::Reading::as_needed);
            EXPECT_EQ(world.pages().tcb_count(), 5u);
            world.act(30);
            if (restart == 0) { // cut off with the directory half read
                EXPECT_TRUE(world.read_more_of_directory());
                world.act(10);
            } else {
                world.finish_recovery();
                EXPECT_EQ(world.pages().page_count() + world.pages().discarded_count(),
                          world.store().slots() - world.store().free_slots());
                world.act(60);
                world.take_checkpoint();
            }
            ASSERT_FALSE(world.violation) << "seed " << seed << ": " << *world.violation;
            waits += world.waits_for_directory;
            waits_for_tcb += world.waits_for_tcb;
            prefetched += world.prefetched;
            snapshots = world.snapshots;
            image = world.disk().whole_image();
            MediaDisk after{image};
            const auto violation = check_snapshot_on(after, snapshots, 4 + restart, 4 + restart);
            ASSERT_FALSE(violation) << "seed " << seed << " restart " << restart << ": " << *violation;
        }
    }
    EXPECT_GT(waits, 5u);
    EXPECT_GT(waits_for_tcb, 0u);
    EXPECT_GT(prefetched, 10u);
}

TEST_P(CheckpointCanary, AForgottenRevocationIsCaught) {
    EXPECT_TRUE(run(disk(), 1, plenty_of_frames, {}, 20, {.one_revocation_forgotten = true}));
}

TEST_P(CheckpointCanary, FramesFreedBeforeTheirContentIsSavedAreCaught) {
    EXPECT_TRUE(run(disk(), 1, plenty_of_frames, {}, 20, {.frames_freed_too_early = true}));
}

TEST_P(CheckpointCanary, AWritableMappingFromAReadFaultIsCaught) {
    EXPECT_TRUE(run(disk(), 1, plenty_of_frames, {}, 20, {.mapped_writable_on_read = true}));
}

TEST_P(CheckpointCanary, AForgottenDirtyBitIsCaught) {
    EXPECT_TRUE(run(disk(), 1, plenty_of_frames, {.tracking = Tracking::dirty_bits}, 20,
                    {.one_dirty_bit_forgotten = true}));
}

TEST_P(CheckpointCanary, AForgottenDirtyBitOfATcbPageIsCaught) {
    EXPECT_TRUE(run(disk(), 1, plenty_of_frames, {}, 20, {.one_tcb_bit_forgotten = true}));
}

// The kernel has asked for it, and its write comes after the stop.
TEST_P(Checkpoint, AFreshTcbPageIsInTheNextSnapshotThoughNotWritten) {
    ModelWorld world{disk().kind, std::vector<Sector>(disk_sectors), plenty_of_frames, 1};
    world.start({}, {});
    world.fault_in(fresh_tcb);
    world.take_checkpoint();
    EXPECT_EQ(world.tcb_pages_in_stop, 1u);
    EXPECT_FALSE(world.violation) << *world.violation;
}

TEST_P(Checkpoint, ATcbPageThatGetsNoFrameForItsCopyKeepsNone) {
    ModelWorld world{disk().kind, std::vector<Sector>(disk_sectors), scarce_frames, 1};
    world.start({}, {});
    for (uint32_t page = 1; world.pages().pool().free() > 1; ++page)
        world.fault_in(store::page_key(16, page << l4::page_bits));
    for (unsigned i = 0; i < 2; ++i) {
        EXPECT_EQ(world.fault_in(fresh_tcb), pager::FaultAnswer::Kind::out_of_frames);
        EXPECT_EQ(world.pages().pool().free(), 1u);
        EXPECT_EQ(world.pages().tcb_count(), 0u);
    }
}

// What makes the stop short.
TEST_P(Checkpoint, TheStopRevokesForManyFramesAtOnce) {
    ModelWorld world{disk().kind, std::vector<Sector>(disk_sectors), plenty_of_frames, 1};
    world.start({}, {});
    world.act(200);
    world.take_checkpoint();
    EXPECT_GE(world.longest_revocation, 2u);
    EXPECT_FALSE(world.violation) << *world.violation;
}

class FramePool : public testing::Test {
protected:
    static constexpr uint32_t capacity = 64, frame_bytes = pager::FramePool::frame_bytes;

    FramePool() { pool_.initialise(storage_, capacity); }

    // Frames by number.
    void add_range(uint32_t low, uint32_t high) { pool_.add_range(low * frame_bytes, high * frame_bytes); }
    uint32_t take() { return pool_.take() / frame_bytes; }
    uint32_t take_neighbours(uint32_t count) { return pool_.take_neighbours(count) / frame_bytes; }
    // All that are left, each once.
    std::set<uint32_t> rest() {
        std::set<uint32_t> numbers;
        for (uint32_t left = pool_.free(); left > 0; --left)
            EXPECT_TRUE(numbers.insert(take()).second);
        EXPECT_EQ(pool_.take(), pager::no_frame);
        return numbers;
    }

    uint32_t storage_[capacity]{};
    pager::FramePool pool_;
};

TEST_F(FramePool, GivesFramesInAscendingOrderAndTheFreedOnesFirst) {
    add_range(5, 8);
    add_range(1, 3);
    EXPECT_EQ(take(), 1u);
    EXPECT_EQ(take(), 2u);
    EXPECT_EQ(take(), 5u);
    pool_.add(2 * frame_bytes);
    EXPECT_EQ(take(), 2u);
    EXPECT_EQ(rest(), (std::set<uint32_t>{6, 7}));
}

TEST_F(FramePool, GivesNeighboursFromMemoryNeverUsed) {
    add_range(10, 20);
    EXPECT_EQ(take_neighbours(4), 16u);
    EXPECT_EQ(take(), 10u);
    EXPECT_EQ(take_neighbours(6), pager::no_frame);
    EXPECT_EQ(take_neighbours(5), 11u);
    EXPECT_EQ(pool_.free(), 0u);
}

TEST(FrameSet, GivesAdjacentFramesTogetherAndEachOnce) {
    constexpr uint32_t frame_bytes = pager::FramePool::frame_bytes, frames = 5000;
    std::vector<uint32_t> memory(pager::FrameSet::memory_bytes(frames * frame_bytes) / 4, 0xFFFF'FFFFu);
    pager::FrameSet set;
    set.initialise(memory.data(), frames * frame_bytes);
    std::mt19937_64 random{1};
    for (unsigned round = 0; round < 200; ++round) {
        // Now and then long runs, across words of 32 and 1024.
        std::vector<bool> expected(frames);
        for (auto i = random() % 20; i > 0; --i) {
            const uint32_t first = static_cast<uint32_t>(random() % frames);
            const uint32_t length = static_cast<uint32_t>(random() % (random() % 2 == 0 ? 3 : 1500));
            for (uint32_t number = first; number < first + length && number < frames; ++number)
                expected[number] = true;
        }
        for (uint32_t number = frames; number-- > 0;)
            if (expected[number])
                set.insert(number * frame_bytes);
        std::vector<bool> found(frames);
        uint32_t end = 0;
        set.take_runs([&](uint32_t first, uint32_t count) {
            ASSERT_GT(count, 0u);
            ASSERT_TRUE(end == 0 || first > end) << "two runs that are one";
            end = first + count * frame_bytes;
            std::fill_n(found.begin() + first / frame_bytes, count, true);
        });
        ASSERT_EQ(found, expected) << "round " << round;
        set.take_runs([](uint32_t, uint32_t) { FAIL() << "taken twice"; });
    }
}

TEST(TcbTable, KeepsNeighboursInOneGroup) {
    constexpr uint32_t first = l4::tcb_array_base + 7 * l4::tcb_group_bytes, other = l4::tcb_array_base;
    std::vector<uint64_t> memory(pager::TcbTable::memory_bytes(4) / 8 + 1, ~uint64_t{0});
    pager::TcbTable table;
    table.initialise(memory.data(), 4);
    table.add(first + 31 * l4::page_size, {1, 0x1000}, true);
    table.add(other + 2 * l4::page_size, {2, 0x2000}, false);
    table.add(first, {3, 0x3000}, false);
    ASSERT_EQ(table.group_count(), 2u);
    EXPECT_EQ(table.page_count(), 3u);
    const pager::TcbGroup& group = table.group(0);
    EXPECT_EQ(group.address, first);
    EXPECT_EQ(group.used, 1u | 1u << 31);
    EXPECT_EQ(group.never_copied, group.used);
    EXPECT_EQ(group.must_copy, 1u << 31);
    EXPECT_EQ(table.page(group.pages[31]).slot, 1u);
    EXPECT_EQ(table.page(group.pages[0]).copy, 0x3000u);
    EXPECT_EQ(table.group(1).address, other);
    EXPECT_EQ(table.group(1).used, 1u << 2);
}

} // namespace
} // namespace fixpoint::test
