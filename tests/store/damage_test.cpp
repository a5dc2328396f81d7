// Bad sectors, strange disks, and the session number.
#include <gtest/gtest.h>

#include <optional>

#include "pager/store/crc32c.hpp"
#include "tests/store/crash_checker.hpp"

namespace fixpoint::test {
namespace {

constexpr uint32_t disk_sectors = 20000; // more than one directory block
const store::Geometry geometry = store::geometry_for(disk_sectors);

struct OpenedStore {
    explicit OpenedStore(store::BlockDevice& disk, bool older_allowed = false)
        : memory(store::Store::memory_bytes(disk.sector_count()) / 8 + 1) {
        status = opened.open(disk, memory.data(), static_cast<uint32_t>(memory.size() * 8), older_allowed);
    }
    std::vector<uint64_t> memory;
    store::Store opened;
    store::OpenStatus status;
};

// A disk with `epochs` checkpoints of `pages` pages; in each, page 0 and one other change.
struct Fixture {
    explicit Fixture(unsigned epochs, uint32_t pages = 600) : disk{std::vector<Sector>(disk_sectors)} {
        OpenedStore store{disk};
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
                EXPECT_EQ(store.opened.write_pages(&write, 1), store::DeviceStatus::ok);
            }
            worlds[epoch] = world;
            EXPECT_EQ(store.opened.commit({}), store::CommitStatus::ok);
        }
    }
    MediaDisk damaged(std::initializer_list<uint32_t> sectors) const {
        MediaDisk copy{disk.whole_image()};
        for (const uint32_t sector : sectors)
            copy.make_unreadable(sector);
        return copy;
    }
    MediaDisk disk;
    History worlds;
    uint32_t session = 0;
};

TEST(StoreDamage, OneBadCopyOfAnythingButDataIsSurvived) {
    const Fixture fixture{4};
    const uint32_t block = store::sectors_per_block;
    for (uint32_t copy = 0; copy < 2; ++copy)
        for (const uint32_t sector :
             {store::label_sector[copy], store::session_sector[copy], store::root_sector[0][copy],
              store::root_sector[1][copy], geometry.directory_area[0][copy],
              geometry.directory_area[0][copy] + block + 3, geometry.directory_area[0][copy] + 2 * block}) {
            MediaDisk disk = fixture.damaged({sector});
            const auto violation = check_disk(disk, fixture.worlds, 4, 4);
            EXPECT_FALSE(violation) << "sector " << sector << ": " << *violation;
        }
}

TEST(StoreDamage, BothCopiesOfARootStopTheRecovery) {
    const Fixture fixture{4};
    for (const uint32_t parity : {0u, 1u}) {
        MediaDisk disk = fixture.damaged({store::root_sector[parity][0], store::root_sector[parity][1]});
        const OpenedStore store{disk};
        EXPECT_EQ(store.status, store::OpenStatus::damaged_roots);
        EXPECT_EQ(store.opened.damage().epoch, parity == 0 ? 4u : 5u) << "the epoch that may be lost";
    }
}

TEST(StoreDamage, BothCopiesOfIndexOrDirectoryStopTheRecoveryAndAreNamed) {
    const Fixture fixture{4};
    const auto& area = geometry.directory_area[0];
    MediaDisk index_gone = fixture.damaged({area[0], area[1]});
    const OpenedStore without_index{index_gone};
    EXPECT_EQ(without_index.status, store::OpenStatus::damaged_index);
    EXPECT_EQ(without_index.opened.damage().epoch, 4u);

    const uint32_t second_block = 2 * store::sectors_per_block;
    MediaDisk block_gone = fixture.damaged({area[0] + second_block, area[1] + second_block + 7});
    const OpenedStore without_block{block_gone};
    EXPECT_EQ(without_block.status, store::OpenStatus::damaged_directory);
    EXPECT_EQ(without_block.opened.damage().number, 1u);
}

TEST(StoreDamage, TheOlderEpochIsUsedOnRequestOnlyAndOnlyIfWhole) {
    const Fixture fixture{4};
    const auto& area = geometry.directory_area[0];
    MediaDisk disk = fixture.damaged({area[0], area[1]});
    {
        OpenedStore store{disk, true};
        ASSERT_EQ(store.status, store::OpenStatus::checkpoint);
        EXPECT_TRUE(store.opened.degraded());
        EXPECT_EQ(store.opened.epoch(), 3u);
        ASSERT_TRUE(store.opened.repair());
    }
    EXPECT_FALSE(check_disk(disk, fixture.worlds, 3, 3)) << "after the repair it is the newest";

    // A page of the older epoch is bad: page 2 changed last in epoch 2, in its block b.
    MediaDisk worse = fixture.damaged({area[0], area[1], geometry.slot_sector(2, true)});
    EXPECT_EQ((OpenedStore{worse, true}.status), store::OpenStatus::damaged_page);
}

TEST(StoreDamage, ABadPageIsFoundWhenItIsLoaded) {
    const Fixture fixture{2};
    MediaDisk disk = fixture.damaged({geometry.slot_sector(5, false)});
    OpenedStore store{disk};
    ASSERT_EQ(store.status, store::OpenStatus::checkpoint);
    std::vector<uint8_t> content(store::block_bytes);
    EXPECT_EQ(store.opened.load(5, content.data()), store::LoadStatus::unreadable);
    EXPECT_EQ(store.opened.load(6, content.data()), store::LoadStatus::ok);

    Sector flipped = disk.sector(geometry.slot_sector(6, false) + 3);
    flipped[100] ^= 1;
    disk.put(geometry.slot_sector(6, false) + 3, flipped);
    EXPECT_EQ(store.opened.load(6, content.data()), store::LoadStatus::wrong_checksum);
    EXPECT_EQ(store.opened.load(700, content.data()), store::LoadStatus::unused);
}

TEST(StoreDamage, BadDirectoryCopiesAreWrittenAgain) {
    Fixture fixture{3};
    const uint32_t bad = geometry.directory_area[1][0] + store::sectors_per_block; // epoch 3, copy 0
    MediaDisk disk = fixture.damaged({bad});
    OpenedStore store{disk};
    ASSERT_EQ(store.status, store::OpenStatus::checkpoint);
    ASSERT_EQ(store.opened.commit({}), store::CommitStatus::ok);
    ASSERT_EQ(store.opened.commit({}), store::CommitStatus::ok); // epoch 5, the area's turn
    uint8_t buffer[store::sector_bytes];
    EXPECT_EQ(disk.read(bad, buffer, 1), store::DeviceStatus::ok);
}

TEST(StoreOpen, KnowsBlankForeignAndTooSmallDisks) {
    MediaDisk blank{std::vector<Sector>(disk_sectors)};
    EXPECT_EQ(OpenedStore{blank}.status, store::OpenStatus::blank);

    std::vector<Sector> partitioned(disk_sectors);
    partitioned[0][510] = 0x55;
    partitioned[0][511] = 0xAA;
    MediaDisk foreign{partitioned};
    EXPECT_EQ(OpenedStore{foreign}.status, store::OpenStatus::foreign);

    MediaDisk small{std::vector<Sector>(1000)};
    store::Store store;
    uint64_t memory[8];
    EXPECT_EQ(store.open(small, memory, sizeof memory), store::OpenStatus::too_small);
    MediaDisk large{std::vector<Sector>(disk_sectors)};
    EXPECT_EQ(store.open(large, memory, sizeof memory), store::OpenStatus::no_memory);
}

TEST(StoreOpen, RefusesAnotherFormatVersionByNumber) {
    Fixture fixture{2};
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

TEST(StoreOpen, AFormatCutShortAnywhereCanBeRepeated) {
    RecordingDisk disk{std::vector<Sector>(disk_sectors)};
    OpenedStore store{disk};
    ASSERT_TRUE(store.opened.format());
    std::vector<Sector> image(disk_sectors);
    for (const DiskEvent& event : disk.history()) {
        if (event.kind != DiskEvent::Kind::write)
            continue;
        MediaDisk before{image};
        before.make_unreadable(event.number);
        const store::OpenStatus status = OpenedStore{before}.status;
        EXPECT_TRUE(status == store::OpenStatus::blank || status == store::OpenStatus::empty)
            << static_cast<int>(status) << " with sector " << event.number << " in flight";
        image[event.number] = event.data;
    }
}

TEST(StoreLoad, ARunHoldsTheNeighboursWithTheSameValidBlock) {
    Fixture fixture{2}; // page 0 and page 2 are in their blocks b, the rest in a
    OpenedStore store{fixture.disk};
    const store::Store::Run run = store.opened.run_around(4);
    EXPECT_EQ(run.first, 1u);
    EXPECT_EQ(run.count, 15u);
    std::vector<uint8_t> content(store::transfer_bytes_max);
    ASSERT_EQ(store.opened.load_run(run, content.data(), fixture.disk), store::DeviceStatus::ok);
    for (uint32_t i = 0; i < run.count; ++i) {
        const uint32_t slot = run.first + i;
        EXPECT_EQ(run.is_valid_block_of(store.opened.entry(slot)), slot != 2);
        EXPECT_EQ(store.opened.verify(slot, &content[size_t{i} * store::block_bytes]), slot != 2) << slot;
    }
    EXPECT_EQ(store.opened.run_around(599).count, 600u % store::transfer_segments_max);
}

TEST(StoreSession, CountsEveryStartAndSurvivesOneBadCopy) {
    Fixture fixture{1};
    EXPECT_EQ(fixture.session, 1u);
    MediaDisk& disk = fixture.disk;
    EXPECT_EQ(OpenedStore{disk}.opened.begin_session(), 2u);
    disk.make_unreadable(store::session_sector[0]);
    EXPECT_EQ(OpenedStore{disk}.opened.begin_session(), 3u);
    disk.make_unreadable(store::session_sector[1]);
    EXPECT_EQ(OpenedStore{disk}.opened.begin_session(), 4u);
}

TEST(StoreSession, IsNewEvenIfBothCopiesAreLost) {
    Fixture fixture{1};
    for (const uint32_t sector : store::session_sector)
        fixture.disk.make_unreadable(sector);
    EXPECT_GT(OpenedStore{fixture.disk}.opened.begin_session(), 0x10000u);
}

TEST(StoreSlots, AFullDiskSaysSo) {
    MediaDisk disk{std::vector<Sector>(disk_sectors)};
    OpenedStore store{disk};
    ASSERT_TRUE(store.opened.format());
    for (uint32_t slot = 0; slot < store.opened.slots(); ++slot)
        ASSERT_EQ(store.opened.allocate(store::page_key(16, slot << 12)), slot);
    EXPECT_EQ(store.opened.allocate(store::page_key(17, 0x1000)), store::no_slot);
    EXPECT_EQ(store.opened.free_slots(), 0u);
}

TEST(StoreCommit, WritesOnlyTheDirectoryBlocksThatChanged) {
    const Fixture fixture{4}; // both areas are complete
    RecordingDisk disk{fixture.disk.whole_image()};
    OpenedStore store{disk};
    ASSERT_EQ(store.opened.commit({}), store::CommitStatus::ok);
    ASSERT_EQ(store.opened.commit({}), store::CommitStatus::ok);
    const std::vector<uint8_t> content = page_content(1);
    const store::PageWrite write{3, content.data()}; // directory block 0
    ASSERT_EQ(store.opened.write_pages(&write, 1), store::DeviceStatus::ok);
    const size_t before = disk.history().size();
    ASSERT_EQ(store.opened.commit({}), store::CommitStatus::ok);
    size_t writes = 0;
    for (size_t i = before; i < disk.history().size(); ++i)
        writes += disk.history()[i].kind == DiskEvent::Kind::write ? 1 : 0;
    EXPECT_EQ(writes, 2u * (1 + 1) * store::sectors_per_block + 2)
        << "one block and the index, twice; two roots";
}

TEST(Crc32c, HasTheStandardsCheckValue) {
    EXPECT_EQ(store::crc32c("123456789", 9), 0xE3069283u);
}

} // namespace
} // namespace fixpoint::test
