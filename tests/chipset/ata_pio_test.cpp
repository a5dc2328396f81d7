#include "tests/chipset/ide_fixtures.hpp"

namespace fixpoint::models {
namespace {

using AtaPio = test::IdeTest;

TEST_F(AtaPio, ReadsASectorAnInterrupt) {
    image.write(5, filled(0x11));
    image.write(6, filled(0x22));
    command(0x20, 5, 2);
    EXPECT_EQ(status() & 0x80, 0x80u);
    settle();
    EXPECT_EQ(status(), 0x58u);
    EXPECT_EQ(interrupts, 1);
    EXPECT_EQ(reg(7), 0x58u); // lowers INTRQ
    EXPECT_EQ(take_words(words_a_sector), std::vector<uint16_t>(words_a_sector, 0x1111));
    settle();
    EXPECT_EQ(interrupts, 2);
    reg(7);
    EXPECT_EQ(take_words(words_a_sector), std::vector<uint16_t>(words_a_sector, 0x2222));
    EXPECT_EQ(status(), 0x50u);
    EXPECT_EQ(interrupts, 2);
    EXPECT_EQ(lba(), 7u);
    EXPECT_EQ(reg(2), 0u);
}

TEST_F(AtaPio, TheCommandTakesTheDisksTime) {
    command(0x20, 5, 3);
    for (unsigned sector = 1; sector <= 3; ++sector) {
        while (status() & 0x80)
            wait_until(ide.next_event());
        EXPECT_EQ(now, latency + sector * sector_on_medium);
        take_words(words_a_sector);
    }
    const Picoseconds start = now;
    command(0x30, 5, 1);
    put_words(words_a_sector, 0);
    settle();
    EXPECT_EQ(now - start, latency + sector_on_medium);
}

TEST_F(AtaPio, ReadsAndWritesWithoutRetryAreTheSame) {
    command(0x31, 5, 1);
    put_words(words_a_sector, 0x7777);
    settle();
    EXPECT_EQ(reg(7), 0x50u);
    command(0x21, 5, 1);
    settle();
    EXPECT_EQ(take_words(words_a_sector), std::vector<uint16_t>(words_a_sector, 0x7777));
}

TEST_F(AtaPio, TheDataPortIsAlso32BitsWide) {
    image.write(5, filled(0x33));
    command(0x20, 5, 1);
    settle();
    for (int i = 0; i < 128; ++i)
        EXPECT_EQ(ide.read(PiixIde::primary_task_file, 4), 0x33333333u);
    EXPECT_EQ(status(), 0x50u);
}

TEST_F(AtaPio, WritesAskForTheFirstSectorWithoutInterrupt) {
    command(0x30, 9, 2);
    settle();
    EXPECT_EQ(status(), 0x58u);
    EXPECT_EQ(interrupts, 0);
    put_words(words_a_sector, 0x4444);
    settle();
    EXPECT_EQ(interrupts, 1);
    EXPECT_EQ(reg(7), 0x58u);
    put_words(words_a_sector, 0x5555);
    settle();
    EXPECT_EQ(interrupts, 2);
    EXPECT_EQ(reg(7), 0x50u);
    EXPECT_EQ(on_medium(10), filled(0x55));
    EXPECT_EQ(lba(), 11u);
}

TEST_F(AtaPio, MultipleNeedsItsMode) {
    command(0xC4, 0, 4);
    EXPECT_EQ(reg(7), 0x41u);
    command(0xC5, 0, 4);
    EXPECT_EQ(reg(7), 0x41u);
}

TEST_F(AtaPio, MultipleModeIsAPowerOfTwoUpTo16OrOff) {
    for (const unsigned count : {1u, 2u, 4u, 8u, 16u}) {
        command(0xC6, 0, count);
        EXPECT_EQ(reg(7), 0x50u);
        EXPECT_EQ(identify()[59], 0x0100 | count);
    }
    for (const unsigned count : {3u, 5u, 32u, 255u}) {
        command(0xC6, 0, count);
        EXPECT_EQ(reg(7), 0x41u);
    }
    EXPECT_EQ(identify()[59], 0x0110); // as before
    command(0xC6, 0, 0);
    EXPECT_EQ(identify()[59], 0);
    command(0xC4, 0, 4);
    EXPECT_EQ(reg(7), 0x41u);
}

TEST_F(AtaPio, ReadMultipleMovesBlocksAndAPartialOneAtTheEnd) {
    command(0xC6, 0, 4);
    interrupts = 0;
    for (uint64_t i = 0; i < 6; ++i)
        image.write(20 + i, filled(static_cast<uint8_t>(i)));
    command(0xC4, 20, 6);
    settle();
    EXPECT_EQ(interrupts, 1);
    EXPECT_EQ(reg(7), 0x58u);
    const auto block = take_words(4 * words_a_sector);
    for (size_t i = 0; i < block.size(); ++i)
        EXPECT_EQ(block[i] & 0xFF, static_cast<int>(i / words_a_sector));
    settle();
    EXPECT_EQ(interrupts, 2);
    EXPECT_EQ(reg(7), 0x58u);
    EXPECT_EQ(take_words(2 * words_a_sector)[words_a_sector], 0x0505);
    EXPECT_EQ(status(), 0x50u);
    EXPECT_EQ(interrupts, 2);
}

TEST_F(AtaPio, WriteMultipleMovesBlocksAndAPartialOneAtTheEnd) {
    command(0xC6, 0, 2);
    interrupts = 0;
    command(0xC5, 40, 3);
    put_words(words_a_sector, 0x1111);
    settle();
    EXPECT_EQ(status(), 0x58u);
    EXPECT_EQ(interrupts, 0); // in the middle of a block
    put_words(words_a_sector, 0x2222);
    settle();
    EXPECT_EQ(interrupts, 1);
    EXPECT_EQ(reg(7), 0x58u);
    put_words(words_a_sector, 0x3333);
    settle();
    EXPECT_EQ(interrupts, 2);
    EXPECT_EQ(reg(7), 0x50u);
    EXPECT_EQ(on_medium(41), filled(0x22));
    EXPECT_EQ(on_medium(42), filled(0x33));
}

TEST_F(AtaPio, The48BitCommandsMoveTheSame) {
    command(0xC6, 0, 4);
    for (const auto& [write, read] : {std::pair<uint8_t, uint8_t>{0x34, 0x24}, {0x39, 0x29}}) {
        command_ext(write, 1'500, 1);
        put_words(words_a_sector, write);
        settle();
        EXPECT_EQ(reg(7), 0x50u);
        command_ext(read, 1'500, 1);
        settle();
        EXPECT_EQ(take_words(words_a_sector), std::vector<uint16_t>(words_a_sector, write));
        EXPECT_EQ(lba(), 1'501u);
    }
}

TEST_F(AtaPio, A48BitCountHas16Bits) {
    command_ext(0x42, 100, 0x0203);
    settle();
    EXPECT_EQ(reg(7), 0x50u);
    EXPECT_EQ(lba(), 100u + 0x0203u);
    command_ext(0x42, 0, 0); // 65,536
    settle();
    EXPECT_EQ(reg(7), 0x51u);
    EXPECT_EQ(lba(), sectors);
    EXPECT_EQ(reg(2), (65'536 - sectors) & 0xFF);
    set_control(0x80);
    EXPECT_EQ(reg(2), (65'536 - sectors) >> 8);
}

TEST_F(AtaPio, VerifyReadsWithoutMoving) {
    for (const uint8_t code : std::initializer_list<uint8_t>{0x40, 0x41}) {
        const Picoseconds start = now;
        command(code, 3, 4);
        settle();
        EXPECT_EQ(now - start, latency + 4 * sector_on_medium);
        EXPECT_EQ(reg(7), 0x50u);
        EXPECT_EQ(lba(), 7u);
    }
}

TEST_F(AtaPio, FlushIsBusyUntilTheMediumHasEverything) {
    for (const uint8_t code : std::initializer_list<uint8_t>{0xE7, 0xEA}) {
        const Picoseconds start = now;
        interrupts = 0;
        command(code);
        EXPECT_EQ(status() & 0x80, 0x80u);
        settle();
        EXPECT_EQ(now - start, latency);
        EXPECT_EQ(interrupts, 1);
        EXPECT_EQ(reg(7), 0x50u);
    }
}

TEST_F(AtaPio, SeekAndRecalibrateSucceed) {
    command(0x70, 5, 0);
    EXPECT_EQ(reg(7), 0x50u);
    command(0x10);
    EXPECT_EQ(reg(7), 0x50u);
    EXPECT_EQ(interrupts, 2);
}

TEST_F(AtaPio, ACommandInADataPhaseEndsTheOneBefore) {
    image.write(5, filled(0x11));
    image.write(9, filled(0x22));
    command(0x20, 5, 2);
    settle();
    EXPECT_EQ(status(), 0x58u);
    EXPECT_EQ(data(), 0x1111);
    EXPECT_FALSE(disks[0]->command_done());
    command(0xE5, 0, 0);
    settle();
    EXPECT_TRUE(disks[0]->command_done()); // though this command needs no disk
    command(0x20, 9, 1);
    settle();
    EXPECT_EQ(status(), 0x58u);
    EXPECT_EQ(take_words(words_a_sector), std::vector<uint16_t>(words_a_sector, 0x2222));
    EXPECT_EQ(status(), 0x50u);
    command(0x30, 20, 2); // asks for data
    command(0x20, 9, 1);
    settle();
    EXPECT_EQ(data(), 0x2222);
}

} // namespace
} // namespace fixpoint::models
