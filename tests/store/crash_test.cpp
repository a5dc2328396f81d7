// The store under power cuts, and the checker under planted bugs.
#include <gtest/gtest.h>

#include "tests/store/crash_checker.hpp"

namespace fixpoint::test {
namespace {

constexpr uint32_t disk_sectors = 2600; // more than 64 slots, little to copy for each of many thousand states

struct StoreRun {
    explicit StoreRun(RecordingDisk& recording) : disk{recording} {
        memory.resize(store::Store::memory_bytes(disk.sector_count()) / 8 + 1);
    }
    store::OpenStatus open() {
        return opened.open(disk, memory.data(), static_cast<uint32_t>(memory.size() * 8));
    }
    // Some pages change, some are new, some are written twice within the checkpoint.
    bool checkpoint(std::mt19937_64& random, History& worlds) {
        for (unsigned i = 0; i < 1 + random() % 3; ++i) {
            const store::PageKey key =
                store::page_key(16 + static_cast<uint32_t>(random() % 3), next_page++ << 12);
            const uint32_t slot = opened.allocate(key);
            if (slot != store::no_slot)
                slots[key] = slot;
        }
        std::vector<std::vector<uint8_t>> contents;
        std::vector<store::PageWrite> writes;
        for (const auto& [key, slot] : slots)
            if (!world.contains(key) || random() % 4 == 0) {
                world[key] = random();
                contents.push_back(page_content(world[key]));
                writes.push_back({slot, nullptr});
            }
        for (size_t i = 0; i < writes.size(); ++i)
            writes[i].content = contents[i].data();
        for (size_t first = 0; first < writes.size(); first += store::transfer_segments_max) {
            const size_t count = std::min<size_t>(store::transfer_segments_max, writes.size() - first);
            if (opened.write_pages(&writes[first], static_cast<uint32_t>(count)) != store::DeviceStatus::ok)
                return false;
        }
        if (!writes.empty() && random() % 2 == 0 &&
            opened.write_pages(&writes[random() % writes.size()], 1) != store::DeviceStatus::ok)
            return false;
        worlds[opened.epoch() + 1] = world;
        disk.begin_commit();
        const bool ok = opened.commit({.clock_us = random(), .session = session}) == store::CommitStatus::ok;
        disk.report_committed(opened.epoch());
        return ok;
    }
    void adopt_recovered(const History& worlds) {
        if (opened.epoch() == 0)
            return;
        world = worlds.at(opened.epoch());
        for (uint32_t slot = 0; slot < opened.slots(); ++slot)
            if (opened.entry(slot).is_used())
                slots[opened.entry(slot).key()] = slot;
    }

    RecordingDisk& disk;
    std::vector<uint64_t> memory;
    store::Store opened;
    std::map<store::PageKey, uint32_t> slots;
    World world;
    uint32_t next_page = 1, session = 0;
};

std::vector<Sector> blank_image() {
    return std::vector<Sector>(disk_sectors);
}

CrashCheck run_and_check(uint64_t seed, unsigned checkpoints, const RecordingDisk::Planted& planted = {}) {
    std::mt19937_64 random{seed};
    RecordingDisk disk{blank_image(), planted};
    StoreRun run{disk};
    EXPECT_EQ(run.open(), store::OpenStatus::blank);
    EXPECT_TRUE(run.opened.format());
    run.session = run.opened.begin_session();
    History worlds;
    for (unsigned i = 0; i < checkpoints; ++i)
        EXPECT_TRUE(run.checkpoint(random, worlds));
    return check_all_crashes(disk, worlds, 0, seed);
}

TEST(StoreCrash, EveryStateRecoversTheReportedEpochOrTheNextExactly) {
    uint64_t states = 0;
    for (uint64_t seed = 1; seed <= 3; ++seed) {
        const CrashCheck check = run_and_check(seed, 5);
        EXPECT_FALSE(check.violation) << "seed " << seed << ": " << *check.violation;
        states += check.states;
    }
    RecordProperty("states", std::to_string(states));
    EXPECT_GT(states, 10000u);
}

TEST(StoreCrash, GoesOnFromAnyCrashThroughManyRestarts) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        std::mt19937_64 random{seed};
        std::vector<Sector> image = blank_image();
        History worlds;
        uint32_t reported = 0, last_session = 0, next_page = 1;
        for (unsigned restart = 0; restart < 8; ++restart) {
            RecordingDisk disk{image};
            StoreRun run{disk};
            const store::OpenStatus status = run.open();
            if (status == store::OpenStatus::blank)
                ASSERT_TRUE(run.opened.format());
            else
                ASSERT_TRUE(status == store::OpenStatus::checkpoint || status == store::OpenStatus::empty)
                    << "seed " << seed << " restart " << restart << " status " << static_cast<int>(status);
            ASSERT_GE(run.opened.epoch(), reported);
            run.adopt_recovered(worlds);
            ASSERT_TRUE(run.opened.repair());
            run.session = run.opened.begin_session();
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
TEST(StoreCrashCanary, AForgottenFlushIsCaught) {
    // Flush 0, data before directory, orders what no root names yet; 1 and 2 are what I3 and I9 rest on.
    for (int flush = 1; flush <= 2; ++flush) {
        RecordingDisk::Planted planted;
        planted.forgotten_flush = flush;
        EXPECT_TRUE(run_and_check(7, 5, planted).violation) << "flush " << flush;
    }
}

TEST(StoreCrashCanary, PagesWrittenInPlaceAreCaught) {
    const store::Geometry geometry = store::geometry_for(disk_sectors);
    const uint32_t sectors = geometry.slots * store::sectors_per_block;
    EXPECT_TRUE(run_and_check(7, 5, {.aliases = {{geometry.block_b_first, geometry.block_a_first, sectors}}})
                    .violation);
}

TEST(StoreCrashCanary, ADirectoryWrittenInPlaceIsCaught) {
    const store::Geometry geometry = store::geometry_for(disk_sectors);
    const auto& area = geometry.directory_area;
    const uint32_t sectors = area[1][0] - area[0][0];
    EXPECT_TRUE(run_and_check(
                    7, 5, {.aliases = {{area[1][0], area[0][0], sectors}, {area[1][1], area[0][1], sectors}}})
                    .violation);
}

TEST(StoreCrashCanary, OneRootPlaceForAllEpochsIsCaught) {
    const auto& root = store::root_sector;
    EXPECT_TRUE(run_and_check(7, 5, {.aliases = {{root[1][0], root[0][0], 1}, {root[1][1], root[0][1], 1}}})
                    .violation);
}

} // namespace
} // namespace fixpoint::test
