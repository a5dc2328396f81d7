// Opening a large store: only what is needed is read first, the rest while the world runs already.
#include <gtest/gtest.h>

#include <optional>
#include <set>

#include "tests/store/crash_checker.hpp"
#include "tests/store/opened_store.hpp"
#include "tests/store/write_pages.hpp"

namespace fixpoint::test {
namespace {

using store::DirectoryEntry, store::OpenStatus, store::Reading, store::StoreKind;

constexpr uint32_t group_slots = store::transfer_segments_max * store::entries_per_block;
constexpr uint32_t disk_sectors = 600'000; // three groups of directory blocks, and more
constexpr uint32_t tcb_pages = 400;        // more than a directory block's

// Counts what is read.
class CountingDisk final : public MediaDisk {
public:
    using MediaDisk::MediaDisk;
    store::DeviceStatus read(uint32_t first, void* buffer, uint32_t sectors) override {
        sectors_read += sectors;
        return MediaDisk::read(first, buffer, sectors);
    }
    void put(uint32_t lba, const Sector& data) override {
        ++sectors_written;
        MediaDisk::put(lba, data);
    }
    uint32_t sectors_read = 0, sectors_written = 0;
};

store::PageKey tcb_key(uint32_t page) {
    return store::page_key(0, 0xE0200000u + (page << 12));
}
store::PageKey page_key(uint32_t page) {
    return store::page_key(16, (page + 1) << 12);
}

constexpr uint32_t pages = 2 * group_slots + 1000;

// A checkpoint of pages in all of three groups, and of TCB pages that came among them; after it another one, in which a
// page of the last group changed.
struct LargeWorld {
    explicit LargeWorld(StoreKind kind) {
        MediaDisk disk{std::vector<Sector>(disk_sectors)};
        OpenedStore store{disk, kind};
        EXPECT_TRUE(store.opened.format());
        const std::vector<uint8_t> content = page_content(1);
        const auto write = [&](uint32_t slot) {
            const store::PageWrite page{slot, content.data()};
            EXPECT_TRUE(store.opened.reserve(slot));
            EXPECT_EQ(write_pages(store.opened, disk, {&page, 1}), store::DeviceStatus::ok);
        };
        for (uint32_t page = 0; page < pages; ++page) {
            const uint32_t slot = store.opened.allocate(page_key(page));
            if (page % 50 == 0) // contents cost time: some in each directory block
                write(slot);
            if (page % (pages / tcb_pages) == 0 && tcb_slots.size() < tcb_pages) {
                tcb_slots.insert(store.opened.allocate(tcb_key(page)));
                write(*tcb_slots.rbegin());
            }
        }
        last_slot = store.opened.allocate(page_key(pages));
        EXPECT_EQ(store.opened.commit({}), store::CommitStatus::ok);
        write(last_slot);
        EXPECT_EQ(store.opened.commit({}), store::CommitStatus::ok);
        image = std::make_shared<const std::vector<Sector>>(disk.whole_image());
    }

    std::set<uint32_t> tcb_slots;
    uint32_t last_slot = 0;
    std::shared_ptr<const std::vector<Sector>> image;
};

const LargeWorld& large_world(StoreKind kind) {
    static const LargeWorld ab{StoreKind::ab}, log{StoreKind::log};
    return kind == StoreKind::ab ? ab : log;
}

class PartialReading : public testing::TestWithParam<StoreKind> {
protected:
    static uint32_t block_of(uint32_t slot) { return slot / store::entries_per_block; }
    std::vector<uint32_t> both_copies_of_block(uint32_t number) const {
        return {geometry_.directory_sector(0, 0, number), geometry_.directory_sector(0, 1, number) + 5};
    }
    CountingDisk disk(const std::vector<uint32_t>& unreadable = {}) const {
        CountingDisk copy{large_world(GetParam()).image};
        for (const uint32_t sector : unreadable)
            copy.make_unreadable(sector);
        return copy;
    }

    const store::Geometry geometry_ = store::geometry_for(GetParam(), disk_sectors);
    const std::set<uint32_t>& tcb_slots_ = large_world(GetParam()).tcb_slots;
    const uint32_t last_slot_ = large_world(GetParam()).last_slot;
};
std::string kind_name(const testing::TestParamInfo<StoreKind>& info) {
    return store::name_of(info.param);
}
INSTANTIATE_TEST_SUITE_P(Stores, PartialReading, testing::ValuesIn(all_store_kinds), kind_name);

bool same(const DirectoryEntry& one, const DirectoryEntry& other) {
    return one.key_and_flags == other.key_and_flags && one.block == other.block &&
           (!one.is_used() || one.checksum == other.checksum);
}

TEST_P(PartialReading, TcbPagesLieTogether) {
    const uint32_t first = *tcb_slots_.begin();
    EXPECT_EQ(first % store::entries_per_block, 0u);
    EXPECT_EQ(*tcb_slots_.rbegin(), first + tcb_pages - 1);
}

TEST_P(PartialReading, KnowsAllTcbPagesAtOnceAndTheRestStepByStep) {
    CountingDisk whole_disk = disk(), partial_disk = disk();
    OpenedStore whole{whole_disk, GetParam()};
    OpenedStore partial{partial_disk, GetParam(), false, Reading::as_needed};
    ASSERT_EQ(partial.status, OpenStatus::checkpoint);
    EXPECT_TRUE(whole.opened.is_complete());
    EXPECT_FALSE(partial.opened.is_complete());
    EXPECT_EQ(partial.opened.free_slots(), whole.opened.free_slots());
    for (const uint32_t slot : tcb_slots_)
        EXPECT_TRUE(same(partial.opened.entry(slot), whole.opened.entry(slot))) << slot;
    EXPECT_TRUE(same(partial.opened.entry(last_slot_), whole.opened.entry(last_slot_))) << "recent";
    const uint32_t beside = block_of(last_slot_) * store::entries_per_block;
    ASSERT_NE(last_slot_, beside);
    EXPECT_FALSE(partial.opened.entry(beside).is_used()) << "not known yet";
    std::vector<uint32_t> firsts;
    while (!partial.opened.is_complete()) {
        store::SlotRange range;
        ASSERT_EQ(partial.opened.read_more(range), OpenStatus::checkpoint);
        firsts.push_back(range.first);
        for (uint32_t slot = range.first; slot < range.end; ++slot)
            ASSERT_TRUE(same(partial.opened.entry(slot), whole.opened.entry(slot))) << slot;
    }
    EXPECT_EQ(firsts, (std::vector<uint32_t>{group_slots, 2 * group_slots}));
    EXPECT_EQ(partial.opened.free_slots(), whole.opened.free_slots());
    for (uint32_t slot = 0; slot < whole.opened.slots(); ++slot)
        ASSERT_TRUE(same(partial.opened.entry(slot), whole.opened.entry(slot))) << slot;
    EXPECT_EQ(partial_disk.sectors_written, 0u);
}

TEST_P(PartialReading, ReadsAsMuchForALargeWorldAsForASmallOne) {
    CountingDisk partial_disk = disk();
    OpenedStore partial{partial_disk, GetParam(), false, Reading::as_needed};
    constexpr uint32_t single_sectors = 8;
    EXPECT_LE(partial_disk.sectors_read,
              single_sectors +
                  (store::recent_blocks + 1 + store::transfer_segments_max) * store::sectors_per_block);
}

TEST_P(PartialReading, ANewTcbPageNeedsNoMoreThanThat) {
    CountingDisk partial_disk = disk();
    OpenedStore partial{partial_disk, GetParam(), false, Reading::as_needed};
    const uint32_t slot = partial.opened.allocate(tcb_key(tcb_pages * 100));
    EXPECT_EQ(slot, *tcb_slots_.rbegin() + 1);
    EXPECT_TRUE(partial.opened.reserve(slot)) << "the log, if there is one, is nearly empty";
    store::SlotRange range;
    while (!partial.opened.is_complete())
        ASSERT_EQ(partial.opened.read_more(range), OpenStatus::checkpoint);
    const std::vector<uint8_t> content = page_content(7);
    const store::PageWrite write{slot, content.data()};
    ASSERT_EQ(write_pages(partial.opened, partial_disk, {&write, 1}), store::DeviceStatus::ok);
    ASSERT_EQ(partial.opened.commit({}), store::CommitStatus::ok);
    OpenedStore again{partial_disk};
    EXPECT_EQ(again.opened.entry(slot).key(), tcb_key(tcb_pages * 100));
    EXPECT_EQ(again.opened.root().pages, partial.opened.root().pages);
}

TEST_P(PartialReading, DamageIsFoundWhenItsPartIsReadAndNothingIsWritten) {
    const uint32_t tcb_block = block_of(*tcb_slots_.begin()), last_block = block_of(last_slot_);
    CountingDisk without_tcbs = disk(both_copies_of_block(tcb_block));
    const OpenedStore first{without_tcbs, GetParam(), false, Reading::as_needed};
    EXPECT_EQ(first.status, OpenStatus::damaged_directory);
    EXPECT_EQ(first.opened.damage().number, tcb_block);

    CountingDisk without_index = disk({geometry_.index_sector(0, 0, 0), geometry_.index_sector(0, 1, 0)});
    EXPECT_EQ((OpenedStore{without_index, GetParam(), false, Reading::as_needed}.status),
              OpenStatus::damaged_index);

    CountingDisk without_last = disk(both_copies_of_block(last_block));
    OpenedStore later{without_last, GetParam(), false, Reading::as_needed};
    ASSERT_EQ(later.status, OpenStatus::checkpoint);
    store::SlotRange range;
    EXPECT_EQ(later.opened.read_more(range), OpenStatus::checkpoint);
    EXPECT_EQ(later.opened.read_more(range), OpenStatus::damaged_directory);
    EXPECT_EQ(later.opened.damage().number, last_block);
    EXPECT_EQ(later.opened.damage().epoch, 2u);
    EXPECT_EQ(without_last.sectors_written, 0u);
    // The remedy: the older checkpoint, verified as a whole.
    OpenedStore older{without_last, GetParam(), true, Reading::as_needed};
    EXPECT_EQ(older.status, OpenStatus::checkpoint);
    EXPECT_TRUE(older.opened.degraded());
    EXPECT_TRUE(older.opened.is_complete());
    EXPECT_EQ(older.opened.epoch(), 1u);
}

TEST_P(PartialReading, OneBadCopyOfAnyBlockIsSurvived) {
    for (uint32_t number = 0; number < block_of(last_slot_) + 1; number += 7)
        for (uint32_t copy = 0; copy < 2; ++copy) {
            CountingDisk damaged = disk({geometry_.directory_sector(0, copy, number) + number % 8,
                                         geometry_.index_sector(0, copy ^ 1, 0)});
            OpenedStore partial{damaged, GetParam(), false, Reading::as_needed};
            ASSERT_EQ(partial.status, OpenStatus::checkpoint);
            store::SlotRange range;
            while (!partial.opened.is_complete())
                ASSERT_EQ(partial.opened.read_more(range), OpenStatus::checkpoint) << number;
        }
}

TEST_P(PartialReading, AFullDiskGivesTcbSlotsToPagesAndTheOtherWayRound) {
    MediaDisk small{std::vector<Sector>(20'000)};
    for (const bool tcbs_first : {false, true}) {
        OpenedStore store{small, GetParam()};
        ASSERT_TRUE(store.opened.format());
        std::set<uint32_t> slots;
        for (uint32_t i = 0; i < store.opened.slots(); ++i) {
            const bool tcb = (i < 3) == tcbs_first;
            slots.insert(store.opened.allocate(tcb ? tcb_key(i) : page_key(i)));
        }
        EXPECT_EQ(slots.size(), store.opened.slots());
        EXPECT_FALSE(slots.contains(store::no_slot));
        EXPECT_EQ(store.opened.allocate(tcb_key(9999)), store::no_slot);
        EXPECT_EQ(store.opened.free_slots(), 0u);
    }
}

TEST_P(PartialReading, TheWorkingSetIsAHintThatMayBeLost) {
    CountingDisk copy = disk();
    OpenedStore store{copy, GetParam()};
    std::vector<uint32_t> read(10'000), slots(store::working_set_max + 5);
    EXPECT_EQ(store.opened.read_working_set(read.data(), 10'000), 0u) << "never written";
    for (uint32_t i = 0; i < slots.size(); ++i)
        slots[i] = i * 3;
    for (const uint32_t count : {0u, 1u, 5'000u, store::working_set_max + 5}) {
        ASSERT_TRUE(store.opened.write_working_set(slots.data(), count));
        const uint32_t kept = std::min(count, store::working_set_max);
        ASSERT_EQ(store.opened.read_working_set(read.data(), 10'000), kept);
        EXPECT_TRUE(std::equal(read.begin(), read.begin() + kept, slots.begin()));
    }
    EXPECT_EQ(store.opened.read_working_set(read.data(), 17), 17u);
    EXPECT_EQ(OpenedStore{copy}.status, OpenStatus::checkpoint) << "nothing else changed";
    const uint32_t torn = geometry_.working_set_sector() + 9;
    copy.put(torn, Sector{});
    EXPECT_EQ(store.opened.read_working_set(read.data(), 10'000), 0u);
    copy.make_unreadable(torn);
    EXPECT_EQ(store.opened.read_working_set(read.data(), 10'000), 0u);
}

} // namespace
} // namespace fixpoint::test
