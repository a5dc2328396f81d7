// Pages that leave the world: until a checkpoint without them is durable, the newest one has them where they were.
#include <gtest/gtest.h>

#include "tests/store/crash_checker.hpp"
#include "tests/store/opened_store.hpp"
#include "tests/store/write_pages.hpp"

namespace fixpoint::test {
namespace {

using store::StoreKind;

constexpr uint32_t disk_sectors = 1464;
const store::PageKey key = store::page_key(16, 0x400000), other_key = store::page_key(16, 0x401000);

class StoreRemoval : public testing::TestWithParam<StoreKind> {
protected:
    StoreRemoval() : disk_{std::vector<Sector>(disk_sectors)}, on_disk_{disk_, GetParam()} {
        EXPECT_TRUE(store().format());
        slot_ = new_page(key, 1);
        commit();
    }
    store::Store& store() { return on_disk_.opened; }
    uint32_t new_page(store::PageKey page, uint64_t seed) {
        const uint32_t slot = store().allocate(page);
        EXPECT_TRUE(store().reserve(slot));
        const std::vector<uint8_t> content = page_content(seed);
        const store::PageWrite write{slot, content.data()};
        EXPECT_EQ(write_pages(store(), disk_, {&write, 1}), store::DeviceStatus::ok);
        world_[page] = seed;
        return slot;
    }
    void commit() {
        worlds_[store().epoch() + 1] = world_;
        ASSERT_EQ(store().commit({}), store::CommitStatus::ok);
    }
    std::optional<std::string> check() {
        return check_disk(disk_, worlds_, store().epoch(), store().epoch());
    }

    RecordingDisk disk_;
    OpenedStore on_disk_;
    uint32_t slot_ = 0;
    World world_;
    History worlds_;
};
std::string kind_name(const testing::TestParamInfo<StoreKind>& info) {
    return store::name_of(info.param);
}
INSTANTIATE_TEST_SUITE_P(Stores, StoreRemoval, testing::ValuesIn(all_store_kinds), kind_name);

TEST_P(StoreRemoval, FreesTheSlotWithTheCommitAndNotBefore) {
    const uint32_t free_slots = store().free_slots();
    store().remove(slot_);
    world_.erase(key);
    EXPECT_EQ(store().free_slots(), free_slots);
    EXPECT_FALSE(check()) << "the newest checkpoint still has the page";
    commit();
    EXPECT_EQ(store().free_slots(), free_slots + 1);
    EXPECT_FALSE(check());
    EXPECT_EQ(new_page(other_key, 2), slot_);
    commit();
    EXPECT_FALSE(check());
}

TEST_P(StoreRemoval, IsInEveryLaterDirectory) {
    store().remove(slot_);
    world_.erase(key);
    for (unsigned i = 0; i < 4; ++i) {
        commit();
        EXPECT_FALSE(check()) << i << " checkpoints later, in either area";
    }
    const OpenedStore again{disk_, GetParam()};
    EXPECT_EQ(again.opened.free_slots(), again.opened.slots());
}

TEST_P(StoreRemoval, TheSamePageMayComeAgainInTheSameCheckpoint) {
    EXPECT_NE(new_page(key, 3), slot_);
    store().remove(slot_);
    commit();
    EXPECT_FALSE(check());
}

TEST_P(StoreRemoval, ASlotThatNoCheckpointHasIsFreeAtOnce) {
    const uint32_t free_slots = store().free_slots();
    store().free(store().allocate(other_key));
    EXPECT_EQ(store().free_slots(), free_slots);
    commit();
    EXPECT_FALSE(check());
}

} // namespace
} // namespace fixpoint::test
