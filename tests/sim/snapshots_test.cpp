#include "kernel-model/abi/system_layout.hpp"
#include "sim/observe/snapshots.hpp"

#include <cstring>
#include <gtest/gtest.h>

namespace fixpoint::sim {
namespace {

constexpr uint32_t page = 4096, task = 17;
constexpr uint32_t first_frame = 0x10000, second_frame = 0x20000, directory = 0x2000, table = 0x3000;
constexpr PageKey first{task, 0x00400000}, second{task, 0x00401000};
constexpr PageKey tcb{0, l4::tcb_array_base + task* l4::threads_per_task* l4::tcb_size};

class SnapshotsTest : public testing::Test {
protected:
    void fill(uint32_t frame, uint8_t value) { std::memset(memory_.data() + frame, value, page); }
    void put_word(uint32_t address, uint32_t value) {
        std::memcpy(memory_.data() + address, &value, sizeof value);
    }

    // Two pages and a snapshot of them in epoch 1, committed.
    void take_first() {
        fill(first_frame, 1);
        fill(second_frame, 2);
        snapshots_.page_placed(first, first_frame, l4::PageSource::fresh);
        snapshots_.page_placed(second, second_frame, l4::PageSource::fresh);
        snapshots_.snapshot(1);
        on_disk_ = {{first, 1}, {second, 2}};
        disk_epoch_ = 1;
        snapshots_.committed(1);
    }
    void cut_power() {
        memory_.power_cycle();
        snapshots_.power_cycle();
    }
    StoreReader reader() {
        return [this](const std::function<void(PageKey, PageContent)>& visit, std::string&) {
            for (const auto& [key, value] : on_disk_) {
                std::array<uint8_t, page> content;
                content.fill(value);
                if (key == corrupted_)
                    content[100] ^= 0x10;
                visit(key, content);
            }
            return std::optional<uint32_t>(disk_epoch_);
        };
    }

    models::PhysicalMemory memory_{1 << 20};
    Snapshots snapshots_{memory_};
    std::map<PageKey, uint8_t> on_disk_;
    uint32_t disk_epoch_ = 0;
    PageKey corrupted_{};
};

TEST_F(SnapshotsTest, RecoveryOfTheSamePagesIsIdentical) {
    take_first();
    fill(first_frame, 9); // written after the snapshot: lost
    cut_power();
    EXPECT_FALSE(snapshots_.identical().has_value());
    snapshots_.recovered(1, reader());
    fill(second_frame, 1);
    snapshots_.page_placed(first, second_frame, l4::PageSource::store); // in another frame than before
    EXPECT_EQ(snapshots_.identical(), true);
    EXPECT_TRUE(snapshots_.violations().empty());
}

TEST_F(SnapshotsTest, APageThatMovesKeepsItsContent) {
    take_first();
    fill(0x30000, 1);
    snapshots_.page_placed(first, 0x30000, l4::PageSource::moved);
    EXPECT_TRUE(snapshots_.violations().empty());

    snapshots_.page_placed(first, second_frame, l4::PageSource::moved);
    snapshots_.page_placed({task, 0x00402000}, 0x40000, l4::PageSource::moved);
    ASSERT_EQ(snapshots_.violations().size(), 2u);
    EXPECT_EQ(snapshots_.violations()[0],
              "page 0x400000 of task 17 has other content in the frame that it was moved to");
    EXPECT_EQ(snapshots_.violations()[1], "page 0x402000 of task 17 was moved and was nowhere before");
}

TEST_F(SnapshotsTest, AShutdownLeavesMemoryAsItsLastSnapshotFoundIt) {
    snapshots_.page_placed(tcb, 0x30000, l4::PageSource::fresh);
    take_first();
    fill(0x30000, 7); // the kernel goes on
    snapshots_.switched_off();
    EXPECT_TRUE(snapshots_.violations().empty());

    memory_.data()[second_frame] ^= 1;
    snapshots_.page_placed({task, 0x00402000}, 0x40000, l4::PageSource::fresh);
    snapshots_.switched_off();
    ASSERT_EQ(snapshots_.violations().size(), 2u);
    EXPECT_EQ(snapshots_.violations()[0],
              "page 0x401000 of task 17 changed after the last checkpoint of a shutdown");
    EXPECT_EQ(snapshots_.violations()[1],
              "page 0x402000 of task 17 changed after the last checkpoint of a shutdown");
}

TEST_F(SnapshotsTest, OneBitChangedInMemoryIsFound) {
    take_first();
    cut_power();
    snapshots_.recovered(1, reader());
    fill(first_frame, 1);
    memory_.data()[first_frame + 4095] ^= 1;
    snapshots_.page_placed(first, first_frame, l4::PageSource::store);
    EXPECT_EQ(snapshots_.identical(), false);
    ASSERT_EQ(snapshots_.violations().size(), 1u);
    EXPECT_EQ(snapshots_.violations()[0],
              "page 0x400000 of task 17 differs when it came from the disk: byte 0xfff is 0x00, was 0x01");
}

TEST_F(SnapshotsTest, OneBitChangedOnTheDiskIsFoundAlsoIfThePageIsNeverTouched) {
    take_first();
    cut_power();
    corrupted_ = second;
    snapshots_.recovered(1, reader());
    EXPECT_EQ(snapshots_.identical(), false);
}

TEST_F(SnapshotsTest, PagesPlacedBeforeTheEpochIsKnownAreComparedToo) {
    take_first();
    cut_power();
    fill(first_frame, 7);
    snapshots_.page_placed(first, first_frame, l4::PageSource::store);
    snapshots_.recovered(1, reader());
    EXPECT_EQ(snapshots_.identical(), false);
}

TEST_F(SnapshotsTest, APageMissingOnTheDiskIsFoundUnlessItIsEmpty) {
    take_first();
    snapshots_.page_placed({task, 0x00500000}, 0x30000, l4::PageSource::fresh); // all zeros
    snapshots_.snapshot(2);
    snapshots_.committed(2);
    disk_epoch_ = 2;
    cut_power();
    snapshots_.recovered(2, reader());
    EXPECT_EQ(snapshots_.identical(), true);
    on_disk_.erase(second);
    cut_power();
    snapshots_.recovered(2, reader());
    EXPECT_EQ(snapshots_.identical(), false);
}

TEST_F(SnapshotsTest, APageThatTheSnapshotDidNotHaveMustBeEmpty) {
    take_first();
    cut_power();
    snapshots_.recovered(1, reader());
    fill(0x40000, 0);
    snapshots_.page_placed({task, 0x00700000}, 0x40000, l4::PageSource::fresh);
    EXPECT_EQ(snapshots_.identical(), true);
    fill(0x41000, 3);
    snapshots_.page_placed({task, 0x00701000}, 0x41000, l4::PageSource::fresh);
    EXPECT_EQ(snapshots_.identical(), false);
}

TEST_F(SnapshotsTest, APageIsComparedOnlyWhenItFirstComesBack) {
    take_first();
    cut_power();
    snapshots_.recovered(1, reader());
    fill(first_frame, 1);
    snapshots_.page_placed(first, first_frame, l4::PageSource::store);
    snapshots_.page_released(first);
    fill(first_frame, 5);
    snapshots_.page_placed(first, first_frame, l4::PageSource::fresh);
    EXPECT_EQ(snapshots_.identical(), true);
}

TEST_F(SnapshotsTest, WhatHasNotComeBackYetBelongsToTheNextSnapshotToo) {
    take_first();
    cut_power();
    snapshots_.recovered(1, reader());
    fill(first_frame, 1);
    snapshots_.page_placed(first, first_frame, l4::PageSource::store);
    fill(first_frame, 6);
    snapshots_.snapshot(2); // the second page was not touched in this life
    snapshots_.committed(2);
    on_disk_[first] = 6;
    disk_epoch_ = 2;
    cut_power();
    snapshots_.recovered(2, reader());
    EXPECT_EQ(snapshots_.identical(), true) << snapshots_.violations().front();
    fill(second_frame, 3);
    snapshots_.page_placed(second, second_frame, l4::PageSource::store);
    EXPECT_EQ(snapshots_.identical(), false);
}

TEST_F(SnapshotsTest, AnOldDisksWorldIsKnownFromTheDisk) {
    on_disk_ = {{first, 1}, {second, 2}};
    disk_epoch_ = 7;
    snapshots_.recovered(7, reader());
    EXPECT_FALSE(snapshots_.identical().has_value());
    snapshots_.snapshot(8);
    snapshots_.committed(8);
    disk_epoch_ = 8;
    cut_power();
    snapshots_.recovered(8, reader());
    EXPECT_EQ(snapshots_.identical(), true);
}

TEST_F(SnapshotsTest, AnEpochNewerThanTheCommittedOneMayComeBack) {
    take_first();
    fill(first_frame, 4);
    snapshots_.snapshot(2); // its root was written, but the power went before the report
    on_disk_[first] = 4;
    disk_epoch_ = 2;
    cut_power();
    snapshots_.recovered(2, reader());
    EXPECT_EQ(snapshots_.identical(), true);
}

TEST_F(SnapshotsTest, AnEpochOlderThanTheCommittedOneMustNot) {
    take_first();
    snapshots_.snapshot(2);
    snapshots_.committed(2);
    cut_power();
    snapshots_.recovered(1, reader());
    EXPECT_EQ(snapshots_.identical(), false);
    EXPECT_NE(snapshots_.violations()[0].find("I9"), std::string::npos);
}

TEST_F(SnapshotsTest, AFreshStartAfterACommitIsAViolation) {
    take_first();
    cut_power();
    snapshots_.recovered(0, reader());
    EXPECT_EQ(snapshots_.identical(), false);
}

TEST_F(SnapshotsTest, AFreshStartBeforeAnyCommitIsNone) {
    cut_power();
    snapshots_.recovered(0, reader());
    fill(first_frame, 1);
    snapshots_.page_placed(first, first_frame, l4::PageSource::fresh); // a program is loaded
    EXPECT_FALSE(snapshots_.identical().has_value());
    EXPECT_TRUE(snapshots_.violations().empty());
}

TEST_F(SnapshotsTest, APresentPageThatWasNeverPlacedIsFoundInThePageTables) {
    put_word(directory + (first.address >> 22) * 4, table | 7);
    put_word(table + (first.address >> 12) % 1024 * 4, first_frame | 7);
    snapshots_.task_space(task, directory);
    snapshots_.page_placed(first, first_frame, l4::PageSource::fresh);
    snapshots_.snapshot(1);
    EXPECT_TRUE(snapshots_.violations().empty());
    put_word(table + (second.address >> 12) % 1024 * 4, second_frame | 5);
    snapshots_.snapshot(2);
    ASSERT_EQ(snapshots_.violations().size(), 1u);
    EXPECT_EQ(snapshots_.violations()[0],
              "epoch 2: page 0x401000 of task 17 lies in frame 0x20000, where nothing was placed");
    snapshots_.page_placed(second, 0x30000, l4::PageSource::fresh); // the tables say another frame
    snapshots_.snapshot(3);
    EXPECT_EQ(snapshots_.violations().size(), 2u);
}

TEST_F(SnapshotsTest, AWritableTcbPageThatWasNeverPlacedIsFound) {
    put_word(directory + (tcb.address >> 22) * 4, table | 3);
    snapshots_.task_space(task, directory);
    put_word(table + (tcb.address >> 12) % 1024 * 4, 0x30000 | 1); // the shared page of zeros
    snapshots_.snapshot(1);
    EXPECT_TRUE(snapshots_.violations().empty());
    put_word(table + (tcb.address >> 12) % 1024 * 4, 0x31000 | 3);
    snapshots_.snapshot(2);
    EXPECT_EQ(snapshots_.violations().size(), 1u);
    snapshots_.page_placed(tcb, 0x31000, l4::PageSource::fresh);
    snapshots_.snapshot(3);
    EXPECT_EQ(snapshots_.violations().size(), 1u);
}

} // namespace
} // namespace fixpoint::sim
