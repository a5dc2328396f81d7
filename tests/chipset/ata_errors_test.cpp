#include "tests/chipset/ide_fixtures.hpp"
#include "tests/support/temporary_folder.hpp"

namespace fixpoint::models {
namespace {

// As a real drive reports them.
using AtaDriveErrors = test::IdeTest;

TEST_F(AtaDriveErrors, AnAddressBeyondTheEndIsNotFound) {
    for (const uint8_t code : std::initializer_list<uint8_t>{0x20, 0x30, 0x40, 0xC8, 0xCA}) {
        interrupts = 0;
        command(code, sectors, 1);
        EXPECT_EQ(interrupts, 1);
        EXPECT_EQ(reg(7), 0x51u) << unsigned{code};
        EXPECT_EQ(reg(1), 0x10u);
        EXPECT_EQ(lba(), sectors);
        EXPECT_EQ(reg(2), 1u);
    }
}

TEST_F(AtaDriveErrors, ARangeOverTheEndMovesUpToTheEnd) {
    image.write(sectors - 1, filled(0x11));
    command(0x20, sectors - 1, 3);
    settle();
    EXPECT_EQ(reg(7), 0x58u);
    EXPECT_EQ(take_words(words_a_sector)[0], 0x1111);
    EXPECT_EQ(reg(7), 0x51u);
    EXPECT_EQ(reg(1), 0x10u);
    EXPECT_EQ(lba(), sectors);
    EXPECT_EQ(reg(2), 2u);
    command(0x30, sectors - 1, 2);
    put_words(words_a_sector, 0x2222);
    settle();
    EXPECT_EQ(reg(7), 0x51u);
    EXPECT_EQ(lba(), sectors);
    EXPECT_EQ(on_medium(sectors - 1), filled(0x22));
    command(0x40, sectors - 1, 2);
    settle();
    EXPECT_EQ(reg(7), 0x51u);
    EXPECT_EQ(lba(), sectors);
}

TEST_F(AtaDriveErrors, ADmaTransferOverTheEndMovesUpToTheEnd) {
    image.write(sectors - 1, filled(0x11));
    set_table({{0x2000, 1024, true}});
    command(0xC8, sectors - 1, 2);
    start(true);
    settle();
    EXPECT_EQ(memory.bytes[0x2000], 0x11);
    EXPECT_EQ(reg(7), 0x51u);
    EXPECT_EQ(lba(), sectors);
    EXPECT_EQ(bus_master_status(), 5u);
}

TEST_F(AtaDriveErrors, ABlockOverTheEndIsNotMoved) {
    command(0xC6, 0, 4);
    command(0xC4, sectors - 2, 4);
    EXPECT_EQ(reg(7), 0x51u);
    EXPECT_EQ(lba(), sectors);
    EXPECT_EQ(reg(2), 2u);
}

TEST_F(AtaDriveErrors, ASeekBeyondTheEndIsNotFound) {
    command(0x70, sectors, 0);
    EXPECT_EQ(reg(7), 0x51u);
    EXPECT_EQ(reg(1), 0x10u);
    command_chs(0x70, 0, 0, 0); // sectors of cylinder addresses count from 1
    EXPECT_EQ(reg(7), 0x51u);
}

TEST_F(AtaDriveErrors, AnUnreadableSectorEndsAReadByPorts) {
    image.mark_unreadable(6);
    command(0x20, 5, 3);
    settle();
    take_words(words_a_sector);
    settle();
    EXPECT_EQ(reg(7), 0x51u);
    EXPECT_EQ(reg(1), 0x40u);
    EXPECT_EQ(lba(), 6u);
    EXPECT_EQ(reg(2), 2u);
    EXPECT_TRUE(disks[0]->command_done());
}

TEST_F(AtaDriveErrors, AnUnreadableSectorEndsABlock) {
    image.mark_unreadable(6);
    command(0xC6, 0, 4);
    command(0xC4, 4, 8);
    settle();
    EXPECT_EQ(reg(7), 0x51u);
    EXPECT_EQ(lba(), 6u);
    EXPECT_EQ(reg(2), 6u);
}

TEST_F(AtaDriveErrors, AnUnreadableSectorEndsAVerify) {
    image.mark_unreadable(5);
    command(0x40, 3, 4);
    settle();
    EXPECT_EQ(reg(7), 0x51u);
    EXPECT_EQ(reg(1), 0x40u);
    EXPECT_EQ(lba(), 5u);
}

TEST_F(AtaDriveErrors, TheAddressIsCylinderHeadAndSectorIfTheCommandsWas) {
    image.mark_unreadable(63 + 2); // head 1, sector 3
    command_chs(0x40, 0, 1, 1, 8);
    settle();
    EXPECT_EQ(reg(7), 0x51u);
    EXPECT_EQ(reg(3), 3u);
    EXPECT_EQ(reg(6), 0xA1u);
}

TEST_F(AtaDriveErrors, A48BitCommandTellsA48BitAddress) {
    command_ext(0x24, 0x1234'5678'9ABC, 1);
    EXPECT_EQ(reg(7), 0x51u);
    EXPECT_EQ(lba(), 0x789ABCu);
    set_control(0x80);
    EXPECT_EQ(lba(), 0x123456u);
}

TEST_F(AtaDriveErrors, ASectorThatCannotBeWrittenFailsTheWriteWithoutCache) {
    image.write(6, filled(0xEE));
    image.mark_unwritable(6);
    set_table({{0x2000, 4 * 512, true}});
    command(0xCA, 5, 4);
    start(false);
    settle();
    EXPECT_EQ(reg(7), 0x71u);
    EXPECT_EQ(reg(1), 0x04u);
    EXPECT_EQ(lba(), 6u);
    EXPECT_EQ(on_medium(6), filled(0xEE));
    command(0xCA, 9, 1);
    start(false);
    settle();
    EXPECT_EQ(reg(7) & 1, 0u); // told once
}

class AtaCacheErrors : public test::IdeTest {
protected:
    AtaCacheErrors() : IdeTest{AtaErrors::drive, 1, mechanical()} {
        image.mark_unwritable(6);
        command(0x30, 6, 1);
        put_words(words_a_sector, 0x1111);
        settle();
    }
};

TEST_F(AtaCacheErrors, AreToldByTheFlush) {
    EXPECT_EQ(reg(7), 0x50u);
    command(0xE7);
    settle();
    EXPECT_EQ(reg(7), 0x71u);
    EXPECT_EQ(reg(1), 0x04u);
    EXPECT_EQ(lba(), 6u);
    command(0xEA);
    settle();
    EXPECT_EQ(reg(7), 0x50u); // the drive has given the sector up
}

TEST_F(AtaCacheErrors, AreToldWhenTheCacheIsSwitchedOff) {
    set_features(0x82);
    EXPECT_EQ(reg(7), 0x71u);
    EXPECT_EQ(lba(), 6u);
}

TEST_F(AtaCacheErrors, WaitForTheFlushWhenTheCacheWasWrittenInTheBackground) {
    wait_until(3 * ps_per_second);
    EXPECT_EQ(disks[0]->unflushed_sectors(), 0u);
    EXPECT_EQ(status(), 0x50u);
    command(0xE7);
    settle();
    EXPECT_EQ(reg(7), 0x71u);
}

TEST(AtaWriteProtected, AbortsWritesBeforeAnyDataAndReads) {
    const tests::TemporaryFolder folder{"write-protected-test"};
    DiskImage{100}.save(folder / "disk.img");
    DiskImage image{folder / "disk.img", DiskImage::Access::read_only};
    DiskParameters parameters{};
    parameters.kind = DiskKind::ideal;
    parameters.interface_bytes_per_second = 1'000'000;
    const auto disk = make_disk(parameters, image);
    test::FakeMemory memory;
    for (const AtaErrors errors : {AtaErrors::drive, AtaErrors::qemu}) {
        PiixIde ide{{{{disk.get(), "X", 1'000'000}}}, errors, memory};
        ide.function.leave_firmware_config();
        ide.write(2, 1, 1);
        for (const uint32_t code : {0x30u, 0xCAu, 0x34u}) {
            ide.write(7, 1, code);
            EXPECT_EQ(ide.read(7, 1), 0x41u);
            EXPECT_EQ(ide.read(1, 1), 0x04u);
        }
        ide.write(6, 1, 0xE0);
        ide.write(7, 1, 0x20);
        EXPECT_EQ(ide.read(7, 1), 0x58u);
    }
}

} // namespace
} // namespace fixpoint::models
