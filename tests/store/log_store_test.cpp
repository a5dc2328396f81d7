// What the log store does beyond what both stores do: room, moves, zero pages.
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <utility>

#include "pager/store/log_store.hpp"
#include "tests/store/store_run.hpp"
#include "tests/store/write_pages.hpp"

namespace fixpoint::test {
namespace {

using store::MoveStatus, store::Moving, store::StoreKind;

constexpr uint32_t disk_sectors = 984;
const store::Geometry geometry = store::geometry_for(StoreKind::log, disk_sectors);
const uint32_t log_blocks = geometry.blocks - geometry.slots;

// A formatted disk, and pages of it by number.
struct Log {
    Log() : disk{std::vector<Sector>(disk_sectors)}, on_disk{disk, StoreKind::log} {
        EXPECT_TRUE(log().format());
    }
    store::LogStore& log() { return static_cast<store::LogStore&>(on_disk.opened); }
    uint32_t new_page() { return log().allocate(store::page_key(16, static_cast<uint32_t>(++pages) << 12)); }
    void write(uint32_t slot, uint64_t seed) {
        const std::vector<uint8_t> content = page_content(seed);
        const store::PageWrite page{slot, content.data()};
        ASSERT_EQ(write_pages(log(), disk, {&page, 1}), store::DeviceStatus::ok);
        world[log().entry(slot).key()] = seed;
    }
    void save(uint32_t slot, uint64_t seed) {
        ASSERT_TRUE(log().reserve(slot));
        write(slot, seed);
    }
    void commit() {
        worlds[log().epoch() + 1] = world;
        ASSERT_EQ(log().commit({}), store::CommitStatus::ok);
    }
    std::optional<std::string> check() { return check_disk(disk, worlds, log().epoch(), log().epoch()); }

    RecordingDisk disk;
    OpenedStore on_disk;
    unsigned pages = 0;
    World world;
    History worlds;
};

TEST(LogStore, PagesOfACheckpointLieOneBehindTheOtherInTheOrderOfTheirWriting) {
    Log log;
    const uint32_t first = log.new_page(), second = log.new_page(), third = log.new_page();
    log.save(third, 3);
    log.save(first, 1);
    log.save(second, 2);
    EXPECT_EQ(log.log().entry(first).block, log.log().entry(third).block + 1);
    EXPECT_EQ(log.log().entry(second).block, log.log().entry(third).block + 2);
    log.commit();
    EXPECT_FALSE(log.check());
    EXPECT_EQ(log.log().used_blocks(), 3u);
}

TEST(LogStore, OneRequestTakesAnyPagesUpToTheLogsEnd) {
    Log log;
    std::vector<std::vector<uint8_t>> contents;
    std::vector<store::PageWrite> pages;
    for (uint32_t i = 0; i < 4; ++i) {
        contents.push_back(page_content(i == 2 ? zero_page : i + 1));
        pages.push_back({log.new_page(), contents.back().data()});
        ASSERT_TRUE(log.log().reserve(pages.back().slot));
    }
    std::swap(pages[0], pages[3]);
    std::vector<uint32_t> slots;
    for (const store::PageWrite& page : pages)
        slots.push_back(page.slot);
    EXPECT_EQ(log.log().batch_length(slots.data(), 4), 4u);
    store::WriteRequest request;
    EXPECT_EQ(log.log().prepare(pages.data(), 4, request), 4u);
    EXPECT_EQ(request.segments, 3u) << "the zero page needs no block";
    const uint32_t sector = request.sector;
    EXPECT_EQ(log.log().prepare(pages.data(), 4, request), 4u);
    EXPECT_EQ(request.sector, sector) << "asked again";
}

TEST(LogStore, AZeroPageTakesNoBlockAndComesBack) {
    Log log;
    const uint32_t page = log.new_page();
    log.save(page, zero_page);
    log.commit();
    EXPECT_EQ(log.log().used_blocks(), 0u);
    EXPECT_TRUE(log.log().entry(page).is_zero());
    EXPECT_FALSE(log.check());
    log.save(page, 5);
    log.commit();
    EXPECT_FALSE(log.check());
    log.save(page, zero_page);
    log.commit();
    EXPECT_FALSE(log.check());
    EXPECT_EQ(log.log().used_blocks(), 0u) << "the content before is dead";
}

// I5, with reservations as the only users of the log.
TEST(LogStore, ReservesNoMoreThanItHas) {
    Log log;
    std::vector<uint32_t> reserved;
    for (uint32_t i = 0; i < log_blocks; ++i) {
        reserved.push_back(log.new_page());
        ASSERT_TRUE(log.log().reserve(reserved.back()));
    }
    const uint32_t one_more = log.new_page();
    EXPECT_FALSE(log.log().reserve(one_more));
    EXPECT_TRUE(log.log().is_short());
    EXPECT_TRUE(log.log().can_begin());
    EXPECT_EQ(log.log().move_some(Moving::for_stop), MoveStatus::nothing_to_move)
        << "a checkpoint is what helps";
    log.log().release(reserved.back());
    EXPECT_TRUE(log.log().reserve(one_more));
    reserved.back() = one_more;

    for (const uint32_t slot : reserved)
        log.write(slot, slot + 1);
    log.commit();
    EXPECT_FALSE(log.check());
    EXPECT_EQ(log.log().used_blocks(), log_blocks);
    EXPECT_FALSE(log.log().can_reserve());
}

TEST(LogStore, AFullLogIsFreeAgainAfterMovesAndTheirCommit) {
    Log log;
    for (uint32_t i = 0; i < log_blocks; ++i)
        log.save(log.new_page(), i + 1);
    log.commit();
    ASSERT_FALSE(log.log().can_reserve());
    EXPECT_TRUE(log.log().should_move());
    while (log.log().move_some(Moving::for_stop) == MoveStatus::moved) {
    }
    EXPECT_FALSE(log.log().can_reserve()) << "the newest checkpoint still needs the log (I4)";
    EXPECT_FALSE(log.check());
    const uint32_t epoch = log.log().epoch();
    ASSERT_EQ(log.log().commit_moves(), store::CommitStatus::ok);
    EXPECT_EQ(log.log().epoch(), epoch) << "no checkpoint was taken";
    EXPECT_EQ(log.log().used_blocks(), 0u);
    EXPECT_FALSE(log.check());
    for (uint32_t slot = 0; slot < log_blocks; ++slot)
        EXPECT_EQ(log.log().entry(slot).block, slot) << "at home";
    log.save(0, 100);
    log.commit();
    EXPECT_FALSE(log.check());
}

TEST(LogStore, PagesAboutToChangeAreMovedOnlyWhenNothingElseHelps) {
    Log log;
    const uint32_t dirty = log.new_page(), quiet = log.new_page();
    log.save(dirty, 1);
    log.save(quiet, 2);
    log.commit();
    ASSERT_TRUE(log.log().reserve(dirty));
    EXPECT_EQ(log.log().move_some(Moving::for_writers), MoveStatus::nothing_to_move)
        << "a checkpoint frees the tail at once";
    EXPECT_EQ(log.log().move_some(Moving::lazily), MoveStatus::moved);
    EXPECT_EQ(log.log().entry(quiet).block, quiet);
    EXPECT_NE(log.log().entry(dirty).block, dirty);
    EXPECT_EQ(log.log().move_some(Moving::lazily), MoveStatus::nothing_to_move);
    EXPECT_EQ(log.log().move_some(Moving::for_stop), MoveStatus::moved);
    EXPECT_EQ(log.log().entry(dirty).block, dirty);
    log.write(dirty, 3);
    log.commit();
    EXPECT_FALSE(log.check());
}

// Copied on write while it was frozen: written for one checkpoint, and already dirty for the next.
TEST(LogStore, APageThatIsDirtyAgainWhenItIsWrittenCountsAsAboutToChange) {
    Log log;
    const uint32_t page = log.new_page();
    ASSERT_TRUE(log.log().reserve(page));
    ASSERT_TRUE(log.log().reserve(page));
    const std::vector<uint8_t> content = page_content(1);
    const store::PageWrite write{page, content.data(), true};
    ASSERT_EQ(write_pages(log.log(), log.disk, {&write, 1}), store::DeviceStatus::ok);
    log.world[log.log().entry(page).key()] = 1;
    log.commit();
    EXPECT_EQ(log.log().move_some(Moving::lazily), MoveStatus::nothing_to_move);
    log.write(page, 2);
    log.commit();
    EXPECT_FALSE(log.check());
    EXPECT_EQ(log.log().move_some(Moving::lazily), MoveStatus::moved);
}

TEST(LogStore, GoesOnAtItsHeadAfterARestart) {
    Log log;
    const uint32_t page = log.new_page(), other = log.new_page();
    for (uint32_t epoch = 1; epoch <= log_blocks / 2; ++epoch) {
        log.save(page, epoch);
        log.commit();
    }
    log.save(other, 1);
    log.commit();
    const OpenedStore again{log.disk};
    const auto& reopened = static_cast<const store::LogStore&>(again.opened);
    EXPECT_EQ(reopened.used_blocks(), 2u);
    EXPECT_EQ(reopened.tail(), log.log().tail());
}

TEST(LogStore, APageThatIsMovedWhileItIsReadIsReadAgain) {
    // Between a request and its data everything else goes on; here the page's block gets new content meanwhile.
    class SlowDisk final : public store::BlockDevice {
    public:
        SlowDisk(MediaDisk& disk, std::function<void()> meanwhile)
            : disk_{disk}, meanwhile_{std::move(meanwhile)} {}
        virtual ~SlowDisk() = default;
        uint32_t sector_count() const override { return disk_.sector_count(); }
        store::DeviceStatus read(uint32_t first, void* buffer, uint32_t sectors) override {
            if (const auto once = std::exchange(meanwhile_, nullptr))
                once();
            return disk_.read(first, buffer, sectors);
        }
        store::DeviceStatus write(uint32_t, const store::Segment*, uint32_t) override {
            return store::DeviceStatus::failed;
        }
        store::DeviceStatus flush() override { return store::DeviceStatus::failed; }

    private:
        MediaDisk& disk_;
        std::function<void()> meanwhile_;
    };
    Log log;
    const uint32_t read = log.new_page(), written = log.new_page();
    log.save(read, 1);
    log.commit();
    SlowDisk slow{log.disk, [&] {
                      const uint32_t block = log.log().entry(read).block;
                      ASSERT_EQ(log.log().move_some(Moving::for_writers), MoveStatus::moved);
                      ASSERT_EQ(log.log().commit_moves(), store::CommitStatus::ok);
                      while (log.log().entry(written).block != block) {
                          log.save(written, 2);
                          log.commit();
                      }
                  }};
    std::vector<uint8_t> content(store::block_bytes);
    EXPECT_EQ(log.log().load(read, content.data(), slow), store::LoadStatus::ok);
    EXPECT_EQ(content, page_content(1));
}

TEST(LogStore, MovesNothingWhileACheckpointIsWritten) {
    Log log;
    const uint32_t first = log.new_page(), second = log.new_page();
    log.save(first, 1);
    log.commit();
    log.save(second, 2);
    EXPECT_EQ(log.log().move_some(Moving::for_stop), MoveStatus::nothing_to_move);
}

TEST(LogStore, TcbPagesKeepTheirReserveForEveryCheckpoint) {
    Log log;
    const uint32_t tcb = log.log().allocate(store::page_key(0, 0xE0200000u));
    ASSERT_TRUE(log.log().reserve(tcb));
    for (uint32_t epoch = 1; epoch < 3 * log_blocks; ++epoch) {
        log.write(tcb, epoch); // no further reservation
        log.commit();
    }
    EXPECT_FALSE(log.check());
    std::vector<uint32_t> pages;
    while (log.log().can_reserve()) {
        pages.push_back(log.new_page());
        ASSERT_TRUE(log.log().reserve(pages.back()));
    }
    EXPECT_EQ(pages.size(), log_blocks - 2) << "one block is used, one stands for the next checkpoint";
    for (const uint32_t slot : pages)
        log.write(slot, slot);
    log.write(tcb, 1);
    log.commit();
    EXPECT_FALSE(log.check());
    EXPECT_TRUE(log.log().can_begin()) << "the block of the epoch before is free again";
    log.write(tcb, 2);
    log.commit();
    EXPECT_FALSE(log.log().can_begin()) << "until something was moved";
    while (!log.log().can_begin()) {
        ASSERT_EQ(log.log().move_some(Moving::for_stop), MoveStatus::moved);
        ASSERT_EQ(log.log().commit_moves(), store::CommitStatus::ok);
    }
    log.write(tcb, 3);
    log.commit();
    EXPECT_FALSE(log.check());
}

// A bad sector in the log costs its page, not the store.
TEST(LogStore, ABlockThatCannotBeReadDoesNotStopTheMoves) {
    Log log;
    for (uint32_t i = 0; i < 5; ++i)
        log.save(log.new_page(), i + 1);
    log.commit();
    log.disk.make_unreadable(geometry.block_sector(log.log().entry(2).block) + 5);
    ASSERT_EQ(log.log().move_some(Moving::for_stop), MoveStatus::moved);
    ASSERT_EQ(log.log().commit_moves(), store::CommitStatus::ok);
    EXPECT_EQ(log.log().used_blocks(), 0u);
    std::vector<uint8_t> content(store::block_bytes);
    for (uint32_t slot = 0; slot < 5; ++slot)
        EXPECT_EQ(log.log().load(slot, content.data()),
                  slot == 2 ? store::LoadStatus::wrong_checksum : store::LoadStatus::ok);
}

// A disk of which the checker knows what the newest checkpoint needs.
class GuardedDisk final : public store::BlockDevice {
public:
    explicit GuardedDisk(MediaDisk& disk) : disk_{disk} {}
    virtual ~GuardedDisk() = default;
    uint32_t sector_count() const override { return disk_.sector_count(); }
    store::DeviceStatus read(uint32_t first, void* buffer, uint32_t sectors) override {
        return disk_.read(first, buffer, sectors);
    }
    store::DeviceStatus write(uint32_t first, const store::Segment* segments, uint32_t count) override {
        for (uint32_t i = 0; i < count; ++i)
            EXPECT_FALSE(needed_.contains(first + i * store::sectors_per_block) &&
                         segments[i].bytes == store::block_bytes)
                << "I4: sector " << first;
        return disk_.write(first, segments, count);
    }
    store::DeviceStatus flush() override { return disk_.flush(); }

    // Of the store as it was just committed.
    void guard(const store::Store& opened) {
        needed_.clear();
        for (uint32_t slot = 0; slot < opened.slots(); ++slot)
            if (opened.entry(slot).has_block())
                needed_.insert(geometry.block_sector(opened.entry(slot).block));
    }

private:
    std::set<uint32_t> needed_; // first sectors of its blocks
    MediaDisk& disk_;
};

// Against the map of what was committed: thousands of checkpoints, each found again, none overwritten too early.
TEST(LogStore, AlwaysHoldsWhatWasCommittedWhateverIsWrittenMovedAndReserved) {
    uint32_t times_round = 0, refusals = 0, moves = 0, restarts = 0;
    for (uint64_t seed = 1; seed <= 6; ++seed) {
        std::mt19937_64 random{seed};
        MediaDisk media{std::vector<Sector>(disk_sectors)};
        GuardedDisk disk{media};
        auto on_disk = std::make_unique<OpenedStore>(disk, StoreKind::log);
        ASSERT_TRUE(on_disk->opened.format());
        History worlds;
        World world;
        for (uint32_t epoch = 1; epoch <= 300; ++epoch) {
            auto* log = static_cast<store::LogStore*>(&on_disk->opened);
            const uint32_t pages_of_world = 1 + static_cast<uint32_t>(random() % geometry.slots);
            std::map<uint32_t, uint64_t> dirty;
            for (uint64_t i = random() % (2 * uint64_t{log_blocks}); i > 0; --i) {
                uint32_t slot = static_cast<uint32_t>(random() % pages_of_world);
                if (log->entry(slot).key() == 0)
                    slot = log->allocate(store::page_key(16, (log->first_free_slot() + 1) << 12));
                if (dirty.contains(slot))
                    continue;
                if (!log->reserve(slot)) {
                    ++refusals;
                    const Moving how = random() % 2 == 0 ? Moving::for_writers : Moving::for_stop;
                    const bool moved = log->move_some(how) == MoveStatus::moved;
                    moves += moved;
                    if (moved && random() % 2 == 0) {
                        ASSERT_EQ(log->commit_moves(), store::CommitStatus::ok);
                        disk.guard(*log);
                    }
                    continue;
                }
                dirty[slot] = random() % 8 == 0 ? zero_page : random();
                if (random() % 8 == 0)
                    moves += log->move_some(Moving::lazily) == MoveStatus::moved;
            }
            ASSERT_TRUE(log->can_begin());
            const uint32_t head_before = (log->tail() + log->used_blocks()) % log_blocks;
            for (const auto& [slot, content_seed] : dirty) {
                const std::vector<uint8_t> content = page_content(content_seed);
                const store::PageWrite page{slot, content.data()};
                ASSERT_EQ(write_pages(*log, disk, {&page, 1}), store::DeviceStatus::ok);
                world[log->entry(slot).key()] = content_seed;
            }
            worlds[epoch] = world;
            ASSERT_EQ(log->commit({}), store::CommitStatus::ok);
            times_round += (log->tail() + log->used_blocks()) % log_blocks < head_before ? 1 : 0;
            const auto violation = check_disk(media, worlds, epoch, epoch);
            ASSERT_FALSE(violation) << "seed " << seed << ": " << *violation;
            worlds.erase(epoch - 1);
            if (random() % 16 == 0) {
                on_disk = std::make_unique<OpenedStore>(disk, StoreKind::log);
                ASSERT_EQ(on_disk->status, store::OpenStatus::checkpoint);
                ++restarts;
            }
            disk.guard(on_disk->opened);
        }
    }
    EXPECT_GT(times_round, 200u);
    EXPECT_GT(refusals, 200u);
    EXPECT_GT(moves, 200u);
    EXPECT_GT(restarts, 50u);
}

} // namespace
} // namespace fixpoint::test
