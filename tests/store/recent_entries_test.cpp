// What the newest checkpoint has written is known at once after an opening, wherever it is in the directory.
#include <gtest/gtest.h>

#include "pager/store/crc32c.hpp"
#include "pager/store/sector.hpp"
#include "tests/store/crash_checker.hpp"
#include "tests/store/opened_store.hpp"
#include "tests/store/write_pages.hpp"

namespace fixpoint::test {
namespace {

using store::OpenStatus, store::Reading, store::StoreKind;

constexpr uint32_t disk_sectors = 600'000;
constexpr uint32_t group_slots = store::transfer_segments_max * store::entries_per_block;

store::PageKey page_key(uint32_t page) {
    return store::page_key(16, (page + 1) << 12);
}
store::PageKey tcb_key(uint32_t page) {
    return store::page_key(0, 0xE0200000u + (page << 12));
}

std::vector<uint32_t> recent_of(const store::Store& store) {
    std::vector<uint32_t> slots;
    for (uint32_t i = 0; i < store.recent().count(); ++i)
        slots.push_back(store.recent().slot(i));
    return slots;
}

// Slots of pages in three groups of directory blocks; none is in a checkpoint yet.
class RecentEntries : public testing::TestWithParam<StoreKind> {
protected:
    RecentEntries() {
        EXPECT_TRUE(store_.opened.format());
        for (uint32_t page = 0; page < 2 * group_slots + 1000; ++page)
            store_.opened.allocate(page_key(page));
    }
    void write(const std::vector<uint32_t>& slots, uint8_t content = 1) {
        const std::vector<uint8_t> bytes = page_content(content);
        for (const uint32_t slot : slots) {
            const store::PageWrite page{slot, bytes.data()};
            ASSERT_TRUE(store_.opened.reserve(slot));
            ASSERT_EQ(write_pages(store_.opened, disk_, {&page, 1}), store::DeviceStatus::ok);
        }
    }
    void commit() { ASSERT_EQ(store_.opened.commit({}), store::CommitStatus::ok); }
    uint32_t recent_sector(uint32_t copy, uint32_t number) const {
        return store_.opened.geometry().recent_sector(store_.opened.root().generation & 1, copy, number);
    }

    MediaDisk disk_{std::vector<Sector>(disk_sectors)};
    OpenedStore store_{disk_, GetParam()};
    const std::vector<uint32_t> far_ = {5, group_slots + 700, 2 * group_slots + 20};
};
std::string kind_name(const testing::TestParamInfo<StoreKind>& info) {
    return store::name_of(info.param);
}
INSTANTIATE_TEST_SUITE_P(Stores, RecentEntries, testing::ValuesIn(all_store_kinds), kind_name);

TEST_P(RecentEntries, AreThoseOfTheNewestCheckpoint) {
    write({1, 2, 3});
    commit();
    EXPECT_EQ(recent_of(store_.opened), (std::vector<uint32_t>{1, 2, 3}));
    write(far_);
    commit();
    OpenedStore again{disk_, GetParam(), false, Reading::as_needed};
    EXPECT_EQ(recent_of(again.opened), far_);
    std::vector<uint8_t> content(store::block_bytes);
    for (const uint32_t slot : far_) {
        ASSERT_EQ(again.opened.load(slot, content.data()), store::LoadStatus::ok);
        EXPECT_EQ(content, page_content(1));
        const store::Run run = again.opened.run_around(slot);
        EXPECT_LE(run.first, again.opened.entry(slot).block);
        EXPECT_GT(run.first + run.count, again.opened.entry(slot).block);
    }
    EXPECT_FALSE(again.opened.entry(1).is_used()) << "of the first, not known yet";
    EXPECT_FALSE(again.opened.is_complete());
    EXPECT_EQ(again.opened.free_slots(), again.opened.slots() - 6);
}

TEST_P(RecentEntries, OfTcbPagesComeFirstAndHaveARoomOfTheirOwn) {
    constexpr uint32_t capacity = store::RecentBlock::capacity;
    std::vector<uint32_t> pages, tcbs;
    for (uint32_t i = 0; i < capacity + 10; ++i) {
        pages.push_back(i * 40);
        tcbs.push_back(store_.opened.allocate(tcb_key(i)));
    }
    write(pages);
    write(tcbs);
    commit();
    pages.resize(capacity);
    tcbs.resize(capacity);
    std::vector<uint32_t> expected = tcbs;
    expected.insert(expected.end(), pages.begin(), pages.end());
    OpenedStore again{disk_, GetParam(), false, Reading::as_needed};
    EXPECT_EQ(recent_of(again.opened), expected);
    EXPECT_EQ(again.opened.recent().tcb_count(), capacity);
}

TEST_P(RecentEntries, WhatHasHappenedToThemSurvivesTheReadingOfTheirBlocks) {
    write(far_);
    commit();
    OpenedStore again{disk_, GetParam(), false, Reading::as_needed};
    ASSERT_TRUE(again.opened.reserve(far_[1]));
    store::SlotRange range;
    while (!again.opened.is_complete())
        ASSERT_EQ(again.opened.read_more(range), OpenStatus::checkpoint);
    EXPECT_EQ(again.opened.entry(far_[1]).is_reserved(), GetParam() == StoreKind::log);
    EXPECT_FALSE(again.opened.entry(far_[2]).is_reserved());
    const std::vector<uint8_t> bytes = page_content(9);
    const store::PageWrite page{far_[1], bytes.data()};
    ASSERT_EQ(write_pages(again.opened, disk_, {&page, 1}), store::DeviceStatus::ok);
    ASSERT_EQ(again.opened.commit({}), store::CommitStatus::ok);
    OpenedStore last{disk_, GetParam(), false, Reading::as_needed};
    EXPECT_EQ(recent_of(last.opened), (std::vector<uint32_t>{far_[1]}));
}

TEST_P(RecentEntries, AreOfOneCheckpointAlthoughAWriteWasAskedForTwice) {
    const std::vector<uint8_t> bytes = page_content(3);
    const store::PageWrite page{7, bytes.data()};
    ASSERT_TRUE(store_.opened.reserve(7));
    for (int time = 0; time < 2; ++time)
        ASSERT_EQ(write_pages(store_.opened, disk_, {&page, 1}), store::DeviceStatus::ok);
    commit();
    EXPECT_EQ(recent_of(store_.opened), (std::vector<uint32_t>{7}));
}

TEST_P(RecentEntries, OfAPageThatIsGoneAreLeftOut) {
    write(far_);
    commit();
    store_.opened.remove(far_[0]);
    commit(); // which writes no page
    OpenedStore again{disk_, GetParam(), false, Reading::as_needed};
    EXPECT_EQ(recent_of(again.opened), (std::vector<uint32_t>{far_[1], far_[2]}));
}

TEST_P(RecentEntries, AreReadFromEitherCopyAndDoneWithoutIfBothAreBad) {
    write(far_);
    commit();
    for (uint32_t number = 0; number < store::recent_blocks; ++number) {
        disk_.make_unreadable(recent_sector(0, number));
        OpenedStore one{disk_, GetParam(), false, Reading::as_needed};
        ASSERT_EQ(one.status, OpenStatus::checkpoint);
        EXPECT_EQ(recent_of(one.opened), far_) << number;
    }
    disk_.put(recent_sector(1, 1) + 3, Sector{0x55});
    OpenedStore neither{disk_, GetParam(), false, Reading::as_needed};
    ASSERT_EQ(neither.status, OpenStatus::checkpoint);
    EXPECT_EQ(recent_of(neither.opened), std::vector<uint32_t>{});
    store::SlotRange range;
    while (!neither.opened.is_complete())
        ASSERT_EQ(neither.opened.read_more(range), OpenStatus::checkpoint);
    for (const uint32_t slot : far_)
        EXPECT_TRUE(neither.opened.entry(slot).is_used());
}

// Blocks with valid checksums, of somebody who writes something else into them.
TEST_P(RecentEntries, ThatNameWhatCannotBeAreNotBelieved) {
    write(far_);
    commit();
    const uint32_t parity = store_.opened.root().generation & 1;
    const auto change = [&](auto&& edit) {
        store::RecentBlock recent;
        ASSERT_EQ(disk_.read(recent_sector(0, 1), &recent, store::sectors_per_block),
                  store::DeviceStatus::ok);
        const store::RecentBlock before = recent;
        edit(recent);
        const auto write_all = [&](const store::RecentBlock& block) {
            store::RootSector root = store_.opened.root();
            root.recent_checksum[1] = store::crc32c(&block, sizeof block);
            const store::Segment segment{&block, sizeof block};
            for (uint32_t copy = 0; copy < 2; ++copy) {
                ASSERT_EQ(disk_.write(recent_sector(copy, 1), &segment, 1), store::DeviceStatus::ok);
                ASSERT_TRUE(store::write_sector(disk_, store::root_sector[parity][copy], store::root_magic,
                                                GetParam(), root));
            }
        };
        write_all(recent);
        OpenedStore opened{disk_, GetParam(), false, Reading::as_needed};
        EXPECT_EQ(opened.status, OpenStatus::checkpoint);
        EXPECT_EQ(recent_of(opened.opened), std::vector<uint32_t>{});
        write_all(before);
    };
    change([](store::RecentBlock& recent) { recent.count = store::RecentBlock::capacity + 1; });
    change([](store::RecentBlock& recent) { recent.item[1].slot = store::no_slot; });
    change([](store::RecentBlock& recent) { recent.item[1].slot = 2 * group_slots + 5000; }); // not in use
    change([](store::RecentBlock& recent) { recent.item[1].entry.key_and_flags = 0; });
    change([](store::RecentBlock& recent) { recent.item[1].entry.block = 3; });
    change([](store::RecentBlock& recent) { ++recent.generation; });
    change([](store::RecentBlock& recent) { recent.number = 0; });
    change([](store::RecentBlock& recent) { ++recent.magic; });
    OpenedStore opened{disk_, GetParam(), false, Reading::as_needed};
    EXPECT_EQ(recent_of(opened.opened), far_);
}

} // namespace
} // namespace fixpoint::test
