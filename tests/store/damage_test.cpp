// Bad sectors, strange disks, and the session number.
#include <gtest/gtest.h>

#include <optional>

#include "pager/store/crc32c.hpp"
#include "tests/store/crash_checker.hpp"
#include "tests/store/opened_store.hpp"
#include "tests/store/write_pages.hpp"

namespace fixpoint::test {
namespace {

using store::StoreKind;

constexpr uint32_t disk_sectors = 20000; // more than one directory block

// A disk with `epochs` checkpoints of `pages` pages; in each, page 0 and one other change.
struct Fixture {
    Fixture(StoreKind store_kind, unsigned epochs, uint32_t pages = 600)
        : kind{store_kind}, geometry{store::geometry_for(kind, disk_sectors)}, disk{std::vector<Sector>(
                                                                                   disk_sectors)} {
        OpenedStore store{disk, kind};
        EXPECT_EQ(store.status, store::OpenStatus::blank);
        EXPECT_TRUE(store.opened.format());
        session = store.opened.begin_session();
        World world;
        for (uint32_t epoch = 1; epoch <= epochs; ++epoch) {
            for (uint32_t page = 0; page < pages; ++page) {
                const store::PageKey key = store::page_key(16, (page + 1) << 12);
                if (epoch == 1) {
                    EXPECT_EQ(store.opened.allocate(key), page);
                }
                if (epoch != 1 && page != 0 && page != epoch)
                    continue;
                world[key] = epoch * 10000u + page;
                const std::vector<uint8_t> content = page_content(world[key]);
                const store::PageWrite write{page, content.data()};
                EXPECT_TRUE(store.opened.reserve(page));
                EXPECT_EQ(write_pages(store.opened, disk, {&write, 1}), store::DeviceStatus::ok);
            }
            worlds[epoch] = world;
            EXPECT_EQ(store.opened.commit({}), store::CommitStatus::ok);
        }
    }
    MediaDisk damaged(const std::vector<uint32_t>& sectors) const {
        MediaDisk copy{disk.whole_image()};
        for (const uint32_t sector : sectors)
            copy.make_unreadable(sector);
        return copy;
    }
    // In the newest checkpoint.
    uint32_t sector_of(uint32_t slot) {
        return geometry.block_sector(OpenedStore{disk}.opened.entry(slot).block);
    }

    const StoreKind kind;
    const store::Geometry geometry;
    MediaDisk disk;
    History worlds;
    uint32_t session = 0;
};

class EachStore : public testing::TestWithParam<StoreKind> {
protected:
    static StoreKind kind() { return GetParam(); }
};
std::string kind_name(const testing::TestParamInfo<StoreKind>& info) {
    return store::name_of(info.param);
}
class StoreDamage : public EachStore {};
class StoreOpen : public EachStore {};
class StoreUse : public EachStore {};
INSTANTIATE_TEST_SUITE_P(Stores, StoreDamage, testing::ValuesIn(all_store_kinds), kind_name);
INSTANTIATE_TEST_SUITE_P(Stores, StoreOpen, testing::ValuesIn(all_store_kinds), kind_name);
INSTANTIATE_TEST_SUITE_P(Stores, StoreUse, testing::ValuesIn(all_store_kinds), kind_name);

TEST_P(StoreDamage, OneBadCopyOfAnythingButDataIsSurvived) {
    const Fixture fixture{kind(), 4};
    const store::Geometry& geometry = fixture.geometry;
    for (uint32_t copy = 0; copy < 2; ++copy)
        for (const uint32_t sector :
             {store::label_sector[copy], store::session_sector[copy], store::root_sector[0][copy],
              store::root_sector[1][copy], geometry.index_sector(0, copy, 0),
              geometry.directory_sector(0, copy, 0) + 3, geometry.directory_sector(0, copy, 1)}) {
            MediaDisk disk = fixture.damaged({sector});
            const auto violation = check_disk(disk, fixture.worlds, 4, 4);
            EXPECT_FALSE(violation) << "sector " << sector << ": " << *violation;
        }
}

TEST_P(StoreDamage, BothCopiesOfARootStopTheRecovery) {
    const Fixture fixture{kind(), 4};
    for (const uint32_t parity : {0u, 1u}) {
        MediaDisk disk = fixture.damaged({store::root_sector[parity][0], store::root_sector[parity][1]});
        const OpenedStore store{disk};
        EXPECT_EQ(store.status, store::OpenStatus::damaged_roots);
        EXPECT_EQ(store.opened.damage().epoch, parity == 0 ? 4u : 5u) << "the epoch that may be lost";
    }
}

TEST_P(StoreDamage, BothCopiesOfIndexOrDirectoryStopTheRecoveryAndAreNamed) {
    const Fixture fixture{kind(), 4};
    const store::Geometry& geometry = fixture.geometry;
    MediaDisk index_gone = fixture.damaged({geometry.index_sector(0, 0, 0), geometry.index_sector(0, 1, 0)});
    const OpenedStore without_index{index_gone};
    EXPECT_EQ(without_index.status, store::OpenStatus::damaged_index);
    EXPECT_EQ(without_index.opened.damage().epoch, 4u);

    MediaDisk block_gone =
        fixture.damaged({geometry.directory_sector(0, 0, 1), geometry.directory_sector(0, 1, 1) + 7});
    const OpenedStore without_block{block_gone};
    EXPECT_EQ(without_block.status, store::OpenStatus::damaged_directory);
    EXPECT_EQ(without_block.opened.damage().number, 1u);
}

TEST_P(StoreDamage, TheOlderEpochIsUsedOnRequestOnlyAndOnlyIfWhole) {
    const Fixture fixture{kind(), 4};
    const std::vector<uint32_t> index = {fixture.geometry.index_sector(0, 0, 0),
                                         fixture.geometry.index_sector(0, 1, 0)};
    MediaDisk disk = fixture.damaged(index);
    uint32_t block_of_page_2 = 0;
    {
        OpenedStore store{disk, kind(), true};
        ASSERT_EQ(store.status, store::OpenStatus::checkpoint);
        EXPECT_TRUE(store.opened.degraded());
        EXPECT_EQ(store.opened.epoch(), 3u);
        block_of_page_2 = store.opened.entry(2).block;
        ASSERT_TRUE(store.opened.repair());
    }
    EXPECT_FALSE(check_disk(disk, fixture.worlds, 3, 3)) << "after the repair it is the newest";

    MediaDisk worse = fixture.damaged({index[0], index[1], fixture.geometry.block_sector(block_of_page_2)});
    EXPECT_EQ((OpenedStore{worse, kind(), true}.status), store::OpenStatus::damaged_page);
}

TEST_P(StoreDamage, ABadPageIsFoundWhenItIsLoaded) {
    Fixture fixture{kind(), 2};
    MediaDisk disk = fixture.damaged({fixture.sector_of(5)});
    const OpenedStore store{disk};
    ASSERT_EQ(store.status, store::OpenStatus::checkpoint);
    std::vector<uint8_t> content(store::block_bytes);
    EXPECT_EQ(store.opened.load(5, content.data()), store::LoadStatus::unreadable);
    EXPECT_EQ(store.opened.load(6, content.data()), store::LoadStatus::ok);

    const uint32_t sector = fixture.sector_of(6) + 3;
    Sector flipped = disk.sector(sector);
    flipped[100] ^= 1;
    disk.put(sector, flipped);
    EXPECT_EQ(store.opened.load(6, content.data()), store::LoadStatus::wrong_checksum);
    EXPECT_EQ(store.opened.load(700, content.data()), store::LoadStatus::unused);
}

TEST_P(StoreDamage, BadDirectoryCopiesAreWrittenAgain) {
    const Fixture fixture{kind(), 3};
    const uint32_t bad = fixture.geometry.directory_sector(1, 0, 0); // epoch 3, copy 0
    MediaDisk disk = fixture.damaged({bad});
    const OpenedStore store{disk};
    ASSERT_EQ(store.status, store::OpenStatus::checkpoint);
    ASSERT_EQ(store.opened.commit({}), store::CommitStatus::ok);
    ASSERT_EQ(store.opened.commit({}), store::CommitStatus::ok); // epoch 5, the area's turn
    uint8_t buffer[store::sector_bytes];
    EXPECT_EQ(disk.read(bad, buffer, 1), store::DeviceStatus::ok);
}

TEST_P(StoreDamage, ABadLabelCopyIsWrittenAgainByTheRepair) {
    const Fixture fixture{kind(), 1};
    for (const uint32_t bad : store::label_sector) {
        MediaDisk disk = fixture.damaged({bad});
        const OpenedStore store{disk};
        ASSERT_TRUE(store.opened.repair());
        uint8_t buffer[store::sector_bytes];
        EXPECT_EQ(disk.read(bad, buffer, 1), store::DeviceStatus::ok);
        EXPECT_FALSE(check_disk(disk, fixture.worlds, 1, 1));
    }
}

TEST_P(StoreOpen, RefusesAStoreOfAnotherKindByName) {
    const Fixture fixture{kind(), 2};
    const StoreKind other = kind() == StoreKind::ab ? StoreKind::log : StoreKind::ab;
    const std::vector<uint32_t> labels(std::begin(store::label_sector), std::end(store::label_sector));
    MediaDisk intact = fixture.damaged({});
    MediaDisk without_label = fixture.damaged(labels);
    for (MediaDisk* disk : {&intact, &without_label}) {
        const OpenedStore store{*disk, other};
        EXPECT_EQ(store.status, store::OpenStatus::other_kind);
        EXPECT_EQ(store.opened.damage().number, static_cast<uint32_t>(kind()));
        StoreKind found = other;
        EXPECT_TRUE(store::find_kind(*disk, found));
        EXPECT_EQ(found, kind());
    }
    // On request it is formatted over, whenever the power fails.
    RecordingDisk recording{fixture.disk.whole_image()};
    const OpenedStore store{recording, other};
    ASSERT_TRUE(store.opened.format());
    std::vector<Sector> image = fixture.disk.whole_image();
    for (const DiskEvent& event : recording.history()) {
        if (event.kind != DiskEvent::Kind::write)
            continue;
        image[event.number] = event.data;
        MediaDisk cut_short{image};
        const store::OpenStatus status = OpenedStore{cut_short, other}.status;
        EXPECT_TRUE(status == store::OpenStatus::other_kind || status == store::OpenStatus::empty);
    }
    MediaDisk formatted{image};
    EXPECT_EQ(OpenedStore{formatted}.opened.kind(), other);
}

TEST_P(StoreOpen, KnowsBlankForeignAndTooSmallDisks) {
    MediaDisk blank{std::vector<Sector>(disk_sectors)};
    EXPECT_EQ((OpenedStore{blank, kind()}.status), store::OpenStatus::blank);

    std::vector<Sector> partitioned(disk_sectors);
    partitioned[0][510] = 0x55;
    partitioned[0][511] = 0xAA;
    MediaDisk foreign{partitioned};
    EXPECT_EQ((OpenedStore{foreign, kind()}.status), store::OpenStatus::foreign);

    MediaDisk small{std::vector<Sector>(800)};
    store::EitherStore either;
    store::Store& store = either.of_kind(kind());
    uint64_t memory[8];
    EXPECT_EQ(store.open(small, memory, sizeof memory), store::OpenStatus::too_small);
    EXPECT_EQ(store.memory_bytes(800), 0u);
    EXPECT_EQ(store.open(blank, memory, sizeof memory), store::OpenStatus::no_memory);
}

TEST_P(StoreOpen, RefusesAnotherFormatVersionByNumber) {
    Fixture fixture{kind(), 2};
    for (const uint32_t sector : {store::root_sector[0][0], store::root_sector[0][1]}) {
        store::RootSector root;
        Sector bytes = fixture.disk.sector(sector);
        std::memcpy(&root, bytes.data(), sizeof root);
        root.header.version = 9;
        root.header.checksum = 0;
        root.header.checksum = store::crc32c(&root, sizeof root);
        std::memcpy(bytes.data(), &root, sizeof root);
        fixture.disk.put(sector, bytes);
    }
    const OpenedStore store{fixture.disk};
    EXPECT_EQ(store.status, store::OpenStatus::wrong_version);
    EXPECT_EQ(store.opened.damage().number, 9u);
}

TEST_P(StoreOpen, AFormatCutShortAnywhereCanBeRepeated) {
    RecordingDisk disk{std::vector<Sector>(disk_sectors)};
    OpenedStore store{disk, kind()};
    ASSERT_TRUE(store.opened.format());
    std::vector<Sector> image(disk_sectors);
    for (const DiskEvent& event : disk.history()) {
        if (event.kind != DiskEvent::Kind::write)
            continue;
        MediaDisk before{image};
        before.make_unreadable(event.number);
        const store::OpenStatus status = OpenedStore{before, kind()}.status;
        EXPECT_TRUE(status == store::OpenStatus::blank || status == store::OpenStatus::empty)
            << static_cast<int>(status) << " with sector " << event.number << " in flight";
        image[event.number] = event.data;
    }
}

TEST_P(StoreUse, ARunHoldsValidNeighbours) {
    Fixture fixture{kind(), 2}; // pages 0 and 2 are somewhere else than the rest
    const OpenedStore store{fixture.disk};
    const store::Run run = store.opened.run_around(4);
    EXPECT_GT(run.count, 5u);
    EXPECT_LE(run.count, store::run_blocks_max);
    std::vector<uint8_t> content(store::transfer_bytes_max);
    ASSERT_EQ(store.opened.load_run(run, content.data(), fixture.disk), store::DeviceStatus::ok);
    unsigned valid = 0;
    for (uint32_t i = 0; i < run.count; ++i) {
        const uint32_t slot = store.opened.slot_of(run.first + i);
        valid += slot != store::no_slot ? 1 : 0;
        if (slot != store::no_slot) {
            EXPECT_TRUE(store.opened.verify(slot, &content[size_t{i} * store::block_bytes])) << slot;
        }
    }
    EXPECT_NE(store.opened.slot_of(run.first), store::no_slot);
    EXPECT_NE(store.opened.slot_of(run.first + run.count - 1), store::no_slot);
    EXPECT_GE(valid, run.count - 2);
}

TEST_P(StoreUse, CountsEveryStartAndSurvivesOneBadCopy) {
    Fixture fixture{kind(), 1};
    EXPECT_EQ(fixture.session, 1u);
    MediaDisk& disk = fixture.disk;
    EXPECT_EQ(OpenedStore{disk}.opened.begin_session(), 2u);
    disk.make_unreadable(store::session_sector[0]);
    EXPECT_EQ(OpenedStore{disk}.opened.begin_session(), 3u);
    disk.make_unreadable(store::session_sector[1]);
    EXPECT_EQ(OpenedStore{disk}.opened.begin_session(), 4u);
}

TEST_P(StoreUse, IsNewEvenIfBothCopiesAreLost) {
    Fixture fixture{kind(), 1};
    for (const uint32_t sector : store::session_sector)
        fixture.disk.make_unreadable(sector);
    EXPECT_GT(OpenedStore{fixture.disk}.opened.begin_session(), 0x10000u);
}

TEST_P(StoreUse, AFullDiskSaysSo) {
    MediaDisk disk{std::vector<Sector>(disk_sectors)};
    OpenedStore store{disk, kind()};
    ASSERT_TRUE(store.opened.format());
    for (uint32_t slot = 0; slot < store.opened.slots(); ++slot)
        ASSERT_EQ(store.opened.allocate(store::page_key(16, slot << 12)), slot);
    EXPECT_EQ(store.opened.allocate(store::page_key(17, 0x1000)), store::no_slot);
    EXPECT_EQ(store.opened.free_slots(), 0u);
}

TEST_P(StoreUse, WritesOnlyTheDirectoryBlocksThatChanged) {
    const Fixture fixture{kind(), 4}; // both areas are complete
    RecordingDisk disk{fixture.disk.whole_image()};
    OpenedStore store{disk};
    ASSERT_EQ(store.opened.commit({}), store::CommitStatus::ok);
    ASSERT_EQ(store.opened.commit({}), store::CommitStatus::ok);
    const std::vector<uint8_t> content = page_content(1);
    const store::PageWrite write{3, content.data()}; // directory block 0
    ASSERT_TRUE(store.opened.reserve(3));
    ASSERT_EQ(write_pages(store.opened, disk, {&write, 1}), store::DeviceStatus::ok);
    const size_t before = disk.history().size();
    ASSERT_EQ(store.opened.commit({}), store::CommitStatus::ok);
    size_t writes = 0;
    for (size_t i = before; i < disk.history().size(); ++i)
        writes += disk.history()[i].kind == DiskEvent::Kind::write ? 1 : 0;
    EXPECT_EQ(writes, 2u * (1 + store::recent_blocks + 1) * store::sectors_per_block + 2)
        << "one block, the recent entries and the index, twice; two roots";
}

TEST_P(StoreUse, TheDirectoryGrowsBeyondOneIndexBlock) {
    // Sectors that nobody writes cost nothing: a disk of 12 GiB.
    class LargeDisk final : public store::BlockDevice {
    public:
        virtual ~LargeDisk() = default;
        uint32_t sector_count() const override { return 12u << 21; }
        store::DeviceStatus read(uint32_t first, void* buffer, uint32_t sectors) override {
            for (uint32_t i = 0; i < sectors; ++i) {
                const auto found = written_.find(first + i);
                const Sector data = found == written_.end() ? Sector{} : found->second;
                std::memcpy(static_cast<uint8_t*>(buffer) + size_t{i} * data.size(), data.data(),
                            data.size());
            }
            return store::DeviceStatus::ok;
        }
        store::DeviceStatus write(uint32_t first, const store::Segment* segments, uint32_t count) override {
            for (uint32_t i = 0; i < count; ++i)
                for (uint32_t offset = 0; offset < segments[i].bytes; offset += store::sector_bytes)
                    std::memcpy(written_[first++].data(),
                                static_cast<const uint8_t*>(segments[i].data) + offset, store::sector_bytes);
            return store::DeviceStatus::ok;
        }
        store::DeviceStatus flush() override { return store::DeviceStatus::ok; }

    private:
        std::map<uint32_t, Sector> written_;
    };
    LargeDisk disk;
    constexpr uint32_t pages = store::children_per_index * store::entries_per_block + 1;
    const std::vector<uint8_t> content = page_content(1);
    {
        const OpenedStore store{disk, kind()};
        ASSERT_EQ(store.status, store::OpenStatus::blank);
        ASSERT_EQ(store.opened.slots(), store::slots_max);
        ASSERT_TRUE(store.opened.format());
        for (uint32_t page = 0; page < pages; ++page)
            ASSERT_EQ(store.opened.allocate(store::page_key(16 + (page >> 19), (page + 1) << 12)), page);
        for (const uint32_t slot : {0u, pages - 1}) {
            const store::PageWrite write{slot, content.data()};
            ASSERT_TRUE(store.opened.reserve(slot));
            ASSERT_EQ(write_pages(store.opened, disk, {&write, 1}), store::DeviceStatus::ok);
        }
        ASSERT_EQ(store.opened.commit({}), store::CommitStatus::ok);
    }
    const OpenedStore store{disk};
    ASSERT_EQ(store.status, store::OpenStatus::checkpoint);
    EXPECT_EQ(store.opened.root().pages, 2u);
    std::vector<uint8_t> read(store::block_bytes);
    EXPECT_EQ(store.opened.load(pages - 1, read.data()), store::LoadStatus::ok);
    EXPECT_EQ(read, content);
}

TEST(Crc32c, HasTheStandardsCheckValue) {
    EXPECT_EQ(store::crc32c("123456789", 9), 0xE3069283u);
}

} // namespace
} // namespace fixpoint::test
