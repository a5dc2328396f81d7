#include "tests/chipset/ide_fixtures.hpp"

#include "models/disk/seeded_random.hpp"

namespace fixpoint::models {
namespace {

class BusMaster : public test::IdeTest {
protected:
    void fill_disk() {
        SeededRandom random{1};
        for (uint64_t lba = 0; lba < sectors; ++lba) {
            std::array<uint8_t, sector_bytes> data{};
            for (uint8_t& byte : data)
                byte = static_cast<uint8_t>(random.next());
            image.write(lba, data);
        }
    }
    bool memory_has(uint32_t address, uint64_t first_byte_on_disk, size_t bytes) {
        std::vector<uint8_t> whole(((first_byte_on_disk % sector_bytes) + bytes + sector_bytes - 1) /
                                   sector_bytes * sector_bytes);
        image.read(first_byte_on_disk / sector_bytes, whole);
        return std::memcmp(whole.data() + first_byte_on_disk % sector_bytes, memory.bytes.data() + address,
                           bytes) == 0;
    }
};

TEST_F(BusMaster, ReadsIntoTheRegionsOfTheTable) {
    fill_disk();
    set_table({{0x2000, 1024}, {0x8000, 512 * 3, true}});
    command(0xC8, 100, 5);
    EXPECT_EQ(status(), 0x58u); // between command and start
    start(true);
    EXPECT_EQ(bus_master_status(), 1u);
    settle();
    EXPECT_TRUE(memory_has(0x2000, 100 * 512, 1024));
    EXPECT_TRUE(memory_has(0x8000, 102 * 512, 512 * 3));
    EXPECT_EQ(bus_master_status(), 4u);
    EXPECT_EQ(status(), 0x50u);
    EXPECT_EQ(lba(), 105u);
    EXPECT_EQ(interrupts, 1);
}

TEST_F(BusMaster, TakesTheDrivesLatencyAndTheCablesTime) {
    set_table({{0x2000, 4 * 512, true}});
    command(0xC8, 0, 4);
    start(true);
    settle();
    // 1 ms, the first sector's 10 us on the medium, then four sectors on the slower cable.
    EXPECT_EQ(now, latency + 10 * ps_per_us + 4 * sector_on_cable);
}

TEST_F(BusMaster, EachSectorIsInMemoryWhenItHasPassed) {
    fill_disk();
    set_table({{0x2000, 2 * 512, true}});
    command(0xC8, 7, 2);
    start(true);
    wait_until(latency + 10 * ps_per_us + sector_on_cable);
    EXPECT_TRUE(memory_has(0x2000, 7 * 512, 512));
    EXPECT_FALSE(memory_has(0x2200, 8 * 512, 512));
    EXPECT_EQ(interrupts, 0);
}

TEST_F(BusMaster, WritesFromTheRegionsOfTheTable) {
    for (uint32_t i = 0; i < 4096; ++i)
        memory.bytes[0x4000 + i] = static_cast<uint8_t>(i / 3);
    set_table({{0x4000, 700}, {0x4000 + 700, 1024 - 700, true}});
    command(0xCA, 55, 2);
    start(false);
    settle();
    EXPECT_TRUE(memory_has(0x4000, 55 * 512, 1024));
    EXPECT_EQ(bus_master_status(), 4u);
    EXPECT_EQ(status(), 0x50u);
}

TEST_F(BusMaster, ARegionOfZeroIs64KB) {
    fill_disk();
    set_table({{0x10000, 0, true}});
    command(0xC8, 0, 128);
    start(true);
    settle();
    EXPECT_TRUE(memory_has(0x10000, 0, 0x10000));
    EXPECT_EQ(bus_master_status(), 4u);
}

TEST_F(BusMaster, ACountOfZeroIs256Sectors) {
    fill_disk();
    set_table({{0x10000, 0}, {0x20000, 0, true}});
    command(0xC8, 0, 256);
    start(true);
    settle();
    EXPECT_TRUE(memory_has(0x10000, 0, 0x20000));
    EXPECT_EQ(lba(), 256u);
}

TEST_F(BusMaster, ATableLongerThanTheTransferStaysActiveUntilStopped) {
    set_table({{0x2000, 4 * 512, true}});
    command(0xC8, 0, 2);
    start(true);
    settle();
    EXPECT_EQ(bus_master_status(), 5u);
    EXPECT_EQ(status(), 0x50u);
    set_bus_master(0, 0);
    EXPECT_EQ(bus_master_status(), 4u);
    set_bus_master(2, 4);
    EXPECT_EQ(bus_master_status(), 0u);
}

TEST_F(BusMaster, ATableShorterThanTheTransferEndsSilentlyAndTheDriveWaits) {
    set_table({{0x2000, 2 * 512, true}});
    command(0xC8, 0, 4);
    start(true);
    settle();
    EXPECT_EQ(bus_master_status(), 0u);
    EXPECT_EQ(status(), 0x58u);
    EXPECT_EQ(interrupts, 0);
}

TEST_F(BusMaster, ATableThatEndsWithinASectorDoesNotMoveThatSector) {
    for (uint32_t i = 0; i < 1024; ++i)
        memory.bytes[0x4000 + i] = 0xEE;
    set_table({{0x4000, 700, true}});
    command(0xCA, 10, 2);
    start(false);
    settle();
    EXPECT_TRUE(memory_has(0x4000, 10 * 512, 512));
    std::array<uint8_t, 512> second{};
    image.read(11, second);
    EXPECT_EQ(second, (std::array<uint8_t, 512>{}));
    EXPECT_EQ(interrupts, 0);
}

TEST_F(BusMaster, MemoryThatDoesNotAnswerIsAnError) {
    set_table({{0x7FFF0000, 512, true}});
    command(0xC8, 0, 1);
    start(true);
    settle();
    EXPECT_EQ(bus_master_status() & 3, 2u);
}

TEST_F(BusMaster, DoesNothingWhileItIsSwitchedOff) {
    ide.function.write_config(4, 2, 1);
    ide.advance(now);
    set_table({{0x2000, 512, true}});
    command(0xC8, 0, 1);
    start(true);
    wait_until(ps_per_second);
    EXPECT_EQ(interrupts, 0);
    ide.function.write_config(4, 2, 5);
    ide.advance(now);
    settle();
    EXPECT_EQ(interrupts, 1);
}

TEST_F(BusMaster, TheWrongDirectionMovesNothing) {
    set_table({{0x2000, 512, true}});
    command(0xC8, 0, 1);
    start(false);
    wait_until(ps_per_second);
    EXPECT_EQ(interrupts, 0);
    EXPECT_EQ(bus_master_status(), 1u);
}

TEST_F(BusMaster, WithInterruptsDisabledTheStatusBitStaysDown) {
    ide.write(PiixIde::primary_control, 1, 2);
    set_table({{0x2000, 512, true}});
    command(0xC8, 0, 1);
    start(true);
    settle();
    EXPECT_EQ(bus_master_status(), 0u);
    EXPECT_EQ(status(), 0x50u);
    EXPECT_EQ(interrupts, 0);
}

TEST_F(BusMaster, AnUnreadableSectorIsReportedWithItsAddress) {
    image.mark_unreadable(12);
    set_table({{0x2000, 4 * 512, true}});
    command(0xC8, 10, 4);
    start(true);
    settle();
    EXPECT_EQ(status() & 0x89, 0x01u);
    EXPECT_EQ(reg(1), 0x40u);
    EXPECT_EQ(lba(), 12u);
    EXPECT_EQ(interrupts, 1);
    EXPECT_EQ(bus_master_status(), 5u);
}

TEST_F(BusMaster, FortyEightBitCommandsReachAllSectors) {
    fill_disk();
    set_table({{0x2000, 2 * 512, true}});
    command_ext(0x25, 1'500, 2);
    start(true);
    settle();
    EXPECT_TRUE(memory_has(0x2000, 1'500 * 512, 1024));
    EXPECT_EQ(status(), 0x50u);
}

TEST_F(BusMaster, StoppingAbandonsTheTransfer) {
    set_table({{0x2000, 8 * 512, true}});
    command(0xC8, 0, 8);
    start(true);
    wait_until(2 * ps_per_ms);
    set_bus_master(0, 0);
    wait_until(ps_per_second);
    EXPECT_EQ(interrupts, 0);
    EXPECT_EQ(bus_master_status(), 0u);
}

TEST_F(BusMaster, TheSecondChannelHasItsOwnRegisters) {
    ide.write(PiixIde::bus_master + 8 + 4, 4, 0x1234'5678);
    EXPECT_EQ(ide.read(PiixIde::bus_master + 8 + 4, 4), 0x1234'5678u);
    EXPECT_EQ(ide.read(PiixIde::bus_master + 4, 4), 0u);
    EXPECT_EQ(ide.read(PiixIde::secondary_task_file + 7, 1), 0u); // no drive
}

} // namespace
} // namespace fixpoint::models
