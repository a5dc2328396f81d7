#include "tests/chipset/ide_fixtures.hpp"

#include <string>

namespace fixpoint::models {
namespace {

class Ata : public test::IdeTest {
protected:
    uint16_t data() { return static_cast<uint16_t>(ide.read(PiixIde::primary_task_file, 2)); }
    void put_data(uint16_t word) { ide.write(PiixIde::primary_task_file, 2, word); }
    std::array<uint16_t, 256> identify() {
        command(0xEC);
        settle();
        std::array<uint16_t, 256> words{};
        for (uint16_t& word : words)
            word = data();
        return words;
    }
    static std::array<uint8_t, sector_bytes> filled(uint8_t value) {
        std::array<uint8_t, sector_bytes> bytes{};
        bytes.fill(value);
        return bytes;
    }
};

TEST_F(Ata, ShowsTheSignatureAfterPowerOn) {
    EXPECT_EQ(status(), 0x50u);
    EXPECT_EQ(reg(1), 0x01u);
    EXPECT_EQ(reg(2), 0x01u);
    EXPECT_EQ(lba(), 0x000001u);
}

TEST_F(Ata, IdentifiesItself) {
    const auto words = identify();
    EXPECT_EQ(words[0], 0x0040);
    EXPECT_EQ(words[49] & 0x0300, 0x0300);
    EXPECT_EQ(words[60] | words[61] << 16, static_cast<int>(sectors));
    EXPECT_EQ(words[100], sectors);
    EXPECT_EQ(words[47], 0x8010);
    EXPECT_EQ(words[83], 0x7400);
    std::string model;
    for (size_t i = 27; i < 47; ++i) {
        model += static_cast<char>(words[i] >> 8);
        model += static_cast<char>(words[i]);
    }
    EXPECT_EQ(model, "IDEAL" + std::string(35, ' '));
    EXPECT_EQ(status(), 0x50u);
    EXPECT_EQ(interrupts, 1);
}

TEST_F(Ata, ReadsByPortsASectorAnInterrupt) {
    image.write(5, filled(0x11));
    image.write(6, filled(0x22));
    command(0x20, 5, 2);
    EXPECT_EQ(status() & 0x80, 0x80u);
    settle();
    EXPECT_EQ(status(), 0x58u);
    EXPECT_EQ(interrupts, 1);
    EXPECT_EQ(reg(7), 0x58u); // lowers INTRQ
    for (int i = 0; i < 256; ++i)
        EXPECT_EQ(data(), 0x1111);
    settle();
    EXPECT_EQ(interrupts, 2);
    reg(7);
    for (int i = 0; i < 256; ++i)
        EXPECT_EQ(data(), 0x2222);
    EXPECT_EQ(status(), 0x50u);
    EXPECT_EQ(interrupts, 2);
    EXPECT_EQ(lba(), 7u);
}

TEST_F(Ata, SeeksOnlyToPlacesThatExist) {
    command(0x70, 5, 0);
    settle();
    EXPECT_EQ(status(), 0x50u);
    command(0x70, sectors, 0);
    settle();
    EXPECT_EQ(status(), 0x51u);
    EXPECT_EQ(reg(1), 0x10u);
    set_reg(3, 0); // sectors of cylinder addresses count from 1
    set_reg(6, 0xA0);
    set_reg(7, 0x70);
    settle();
    EXPECT_EQ(status(), 0x51u);
}

TEST_F(Ata, ReadsByPorts32BitsWide) {
    image.write(5, filled(0x33));
    command(0x20, 5, 1);
    settle();
    for (int i = 0; i < 128; ++i)
        EXPECT_EQ(ide.read(PiixIde::primary_task_file, 4), 0x33333333u);
    EXPECT_EQ(status(), 0x50u);
}

TEST_F(Ata, WritesByPortsAsksForTheFirstSectorWithoutInterrupt) {
    command(0x30, 9, 2);
    settle();
    EXPECT_EQ(status(), 0x58u);
    EXPECT_EQ(interrupts, 0);
    for (int i = 0; i < 256; ++i)
        put_data(0x4444);
    settle();
    EXPECT_EQ(interrupts, 1);
    EXPECT_EQ(reg(7), 0x58u);
    for (int i = 0; i < 256; ++i)
        put_data(0x5555);
    settle();
    EXPECT_EQ(interrupts, 2);
    EXPECT_EQ(reg(7), 0x50u);
    std::array<uint8_t, sector_bytes> second{};
    image.read(10, second);
    EXPECT_EQ(second, filled(0x55));
}

TEST_F(Ata, MultipleModeMovesBlocks) {
    command(0xC4, 0, 4);
    settle();
    EXPECT_EQ(reg(7), 0x41u); // not set up
    command(0xC6, 0, 4);
    EXPECT_EQ(reg(7), 0x50u);
    EXPECT_EQ(identify()[59], 0x0104);
    interrupts = 0;
    for (uint64_t i = 0; i < 6; ++i)
        image.write(20 + i, filled(static_cast<uint8_t>(i)));
    command(0xC4, 20, 6);
    settle();
    EXPECT_EQ(interrupts, 1);
    reg(7);
    for (int i = 0; i < 4 * 256; ++i)
        EXPECT_EQ(data() & 0xFF, i / 256);
    settle();
    EXPECT_EQ(interrupts, 2); // a block of the two that are left
    for (int i = 0; i < 2 * 256; ++i)
        EXPECT_EQ(data() & 0xFF, 4 + i / 256);
    EXPECT_EQ(status(), 0x50u);
    command(0xC6, 0, 3);
    EXPECT_EQ(reg(7), 0x41u); // no power of two
}

TEST_F(Ata, AddressesByCylinderHeadAndSector) {
    image.write(63 * 16 + 63 + 4, filled(0x66)); // cylinder 1, head 1, sector 5
    set_reg(6, 0xA0 | 1);
    set_reg(2, 1);
    set_reg(3, 5);
    set_reg(4, 1);
    set_reg(5, 0);
    set_reg(7, 0x20);
    settle();
    EXPECT_EQ(data(), 0x6666);
}

TEST_F(Ata, RefusesAddressesBeyondTheEnd) {
    command(0x20, sectors - 1, 2);
    EXPECT_EQ(reg(7) & 0x89, 0x01u);
    EXPECT_EQ(reg(1), 0x10u);
    EXPECT_EQ(interrupts, 1);
}

TEST_F(Ata, AbortsUnknownCommands) {
    command(0xFF);
    EXPECT_EQ(reg(7), 0x41u);
    EXPECT_EQ(reg(1), 0x04u);
}

TEST_F(Ata, FlushIsBusyUntilTheMediumHasEverything) {
    command(0xE7);
    EXPECT_EQ(status() & 0x80, 0x80u);
    wait_until(latency);
    EXPECT_EQ(status(), 0x50u);
    EXPECT_EQ(interrupts, 1);
}

TEST_F(Ata, VerifyReadsWithoutMoving) {
    command(0x40, 3, 4);
    settle();
    EXPECT_EQ(reg(7), 0x50u);
    image.mark_unreadable(5);
    command(0x40, 3, 4);
    settle();
    EXPECT_EQ(reg(7) & 1, 1u);
    EXPECT_EQ(reg(1), 0x40u);
    EXPECT_EQ(lba(), 5u);
}

TEST_F(Ata, AnUnreadableSectorEndsAReadByPorts) {
    image.mark_unreadable(6);
    command(0x20, 5, 3);
    settle();
    for (int i = 0; i < 256; ++i)
        data();
    settle();
    EXPECT_EQ(reg(7) & 0x89, 0x01u);
    EXPECT_EQ(lba(), 6u);
}

TEST_F(Ata, FeaturesAreAcceptedOrAborted) {
    for (const unsigned feature : {0x02u, 0x82u, 0x55u, 0xAAu, 0x66u, 0xCCu}) {
        set_reg(1, feature);
        command(0xEF);
        settle();
        EXPECT_EQ(reg(7), 0x50u) << feature;
    }
    set_reg(1, 0x03);
    command(0xEF, 0, 0x42); // ultra DMA 2
    EXPECT_EQ(reg(7), 0x50u);
    EXPECT_EQ(identify()[88], 0x043F);
    set_reg(1, 0x03);
    command(0xEF, 0, 0x47);
    EXPECT_EQ(reg(7), 0x41u);
    set_reg(1, 0x77);
    command(0xEF);
    EXPECT_EQ(reg(7), 0x41u);
}

TEST_F(Ata, SmallCommandsSucceed) {
    for (const uint8_t code : std::initializer_list<uint8_t>{0x10, 0x70, 0x90, 0xE0, 0xE1, 0xE6, 0xEA}) {
        command(code);
        settle();
        EXPECT_EQ(reg(7) & 0x81, 0x00u) << unsigned{code};
    }
    command(0xE5);
    EXPECT_EQ(reg(2), 0xFFu);
    command(0xF8);
    EXPECT_EQ(lba(), sectors - 1);
}

TEST_F(Ata, SoftResetEndsTheCommandAndShowsTheSignature) {
    command(0xC8, 100, 4);
    ide.write(PiixIde::primary_control, 1, 4);
    EXPECT_EQ(status(), 0x80u);
    ide.write(PiixIde::primary_control, 1, 0);
    EXPECT_EQ(status(), 0x50u);
    EXPECT_EQ(reg(1), 0x01u);
    EXPECT_EQ(lba(), 0x000001u);
    settle();
    EXPECT_EQ(interrupts, 0);
}

TEST_F(Ata, ACommandInADataPhaseEndsTheOneBefore) {
    image.write(5, filled(0x11));
    image.write(9, filled(0x22));
    command(0x20, 5, 2);
    settle();
    EXPECT_EQ(status(), 0x58u);
    EXPECT_EQ(data(), 0x1111);
    EXPECT_FALSE(disk->command_done());
    command(0xE5, 0, 0);
    settle();
    EXPECT_TRUE(disk->command_done()); // though this command needs no disk
    command(0x20, 9, 1);
    settle();
    EXPECT_EQ(status(), 0x58u);
    for (int i = 0; i < 256; ++i)
        EXPECT_EQ(data(), 0x2222);
    EXPECT_EQ(status(), 0x50u);
    command(0x30, 20, 2); // asks for data
    command(0x20, 9, 1);
    settle();
    EXPECT_EQ(data(), 0x2222);
}

TEST_F(Ata, AnAbsentSlaveHasStatusZero) {
    set_reg(6, 0xF0);
    EXPECT_EQ(reg(7), 0u);
    EXPECT_EQ(status(), 0u);
    set_reg(7, 0xEC);
    settle();
    EXPECT_EQ(interrupts, 0);
    set_reg(6, 0xE0);
    EXPECT_EQ(reg(7), 0x50u);
}

TEST_F(Ata, AResetLineKeepsWhatTheDriveHasAccepted) {
    DiskImage blank{1'000};
    DiskParameters parameters = ideal();
    parameters.kind = DiskKind::mechanical;
    parameters.mechanical = {.rotation_rpm = 6'000,
                             .cylinders = 100,
                             .heads = 1,
                             .zones = {{0, 100, 20, 20}},
                             .seek = {{1, 1'000}},
                             .head_switch_us = 1'000,
                             .write_settle_us = 0,
                             .read_segments = 1,
                             .read_segment_sectors = 64,
                             .read_ahead_sectors = 0,
                             .write_cache_sectors = 64,
                             .write_cache_enabled = true,
                             .destage_delay_us = 1'000'000};
    const auto drive = make_disk(parameters, blank);
    PiixIde controller{{{{drive.get(), "X", 1'000'000}}}, AtaErrors::drive, memory};
    controller.write(6, 1, 0xE0);
    controller.write(2, 1, 1);
    controller.write(7, 1, 0x30);
    for (int i = 0; i < 256; ++i)
        controller.write(0, 2, 0x7777);
    EXPECT_EQ(drive->unflushed_sectors(), 1u);
    controller.reset(0);
    EXPECT_EQ(drive->unflushed_sectors(), 1u);
    controller.advance(2 * ps_per_second);
    EXPECT_EQ(drive->unflushed_sectors(), 0u);
}

} // namespace
} // namespace fixpoint::models
