#include "tests/chipset/ide_fixtures.hpp"

namespace fixpoint::models {
namespace {

using AtaRegisters = test::IdeTest;

TEST_F(AtaRegisters, ShowTheSignatureAfterPowerOn) {
    EXPECT_EQ(status(), 0x50u);
    EXPECT_EQ(reg(1), 0x01u);
    EXPECT_EQ(reg(2), 0x01u);
    EXPECT_EQ(lba(), 0x000001u);
    EXPECT_EQ(reg(6), 0xA0u);
}

TEST_F(AtaRegisters, KeepThePreviousValueForThe48BitCommands) {
    set_reg(3, 0x12);
    set_reg(3, 0x34);
    EXPECT_EQ(reg(3), 0x34u);
    set_control(0x80);
    EXPECT_EQ(reg(3), 0x12u);
    set_reg(2, 0); // any write to the task file switches back
    EXPECT_EQ(reg(3), 0x34u);
    set_control(0x80);
    set_reg(7, 0xE5); // the command's, too
    EXPECT_EQ(reg(3), 0x34u);
}

TEST_F(AtaRegisters, AreNotWrittenWhileTheDriveIsBusy) {
    command(0xE7);
    EXPECT_EQ(status() & 0x80, 0x80u);
    set_reg(3, 0x77);
    set_reg(7, 0xEC);
    EXPECT_NE(reg(3), 0x77u);
    settle();
    EXPECT_EQ(status(), 0x50u); // the flush ended, nothing else began
    EXPECT_EQ(interrupts, 1);
}

TEST_F(AtaRegisters, AddressByCylinderHeadAndSector) {
    image.write(63 * 16 + 63 + 4, filled(0x66)); // cylinder 1, head 1, sector 5
    command_chs(0x20, 1, 1, 5);
    settle();
    EXPECT_EQ(data(), 0x6666);
}

TEST_F(AtaRegisters, CountCylinderHeadAndSectorOn) {
    command_chs(0x20, 0, 15, 62, 2);
    settle();
    EXPECT_EQ(reg(3), 63u); // the block at hand is the sector before
    take_words(words_a_sector);
    settle();
    take_words(words_a_sector);
    EXPECT_EQ(reg(3), 1u); // of the next cylinder's first head
    EXPECT_EQ(reg(4), 1u);
    EXPECT_EQ(reg(6), 0xA0u);
}

TEST_F(AtaRegisters, RefuseSectorsAndHeadsThatTheTranslationDoesNotHave) {
    for (const auto& [head, sector] : {std::pair{0u, 0u}, {0u, 64u}}) {
        command_chs(0x20, 0, head, sector);
        settle();
        EXPECT_EQ(reg(7), 0x51u);
        EXPECT_EQ(reg(1), 0x10u);
        EXPECT_EQ(reg(3), sector);
    }
    command_chs(0x91, 0, 3, 0, 20); // four heads
    command_chs(0x20, 0, 4, 1);
    EXPECT_EQ(reg(7), 0x51u);
}

TEST_F(AtaRegisters, TranslateAsInitialiseDeviceParametersSays) {
    image.write((2 * 4 + 3) * 20 + 19, filled(0x55));
    command_chs(0x91, 0, 3, 0, 20); // four heads, 20 sectors
    EXPECT_EQ(reg(7), 0x50u);
    EXPECT_EQ(interrupts, 1);
    command_chs(0x20, 2, 3, 20);
    settle();
    EXPECT_EQ(take_words(words_a_sector)[0], 0x5555);
    EXPECT_EQ(reg(3), 1u);
    EXPECT_EQ(reg(4), 3u);
    const auto words = identify();
    EXPECT_EQ(words[54], sectors / 80);
    EXPECT_EQ(words[55], 4);
    EXPECT_EQ(words[56], 20);
    EXPECT_EQ(words[57], sectors / 80 * 80);
    EXPECT_EQ(words[3], 16); // the default translation stays
    EXPECT_EQ(words[6], 63);
}

TEST_F(AtaRegisters, RefuseATranslationWithoutSectors) {
    command_chs(0x91, 0, 3, 0, 0);
    EXPECT_EQ(reg(7), 0x41u);
    EXPECT_EQ(reg(1), 0x04u);
}

TEST_F(AtaRegisters, TellTheNativeMaximum) {
    command(0xF8);
    EXPECT_EQ(lba(), sectors - 1);
    EXPECT_EQ(reg(7), 0x50u);
    command_ext(0x27, 0, 0);
    EXPECT_EQ(lba(), sectors - 1);
    set_control(0x80);
    EXPECT_EQ(lba(), 0u);
    command_chs(0xF8, 0, 0, 0);
    EXPECT_EQ(reg(4), (sectors - 1) / (16 * 63));
}

} // namespace
} // namespace fixpoint::models
