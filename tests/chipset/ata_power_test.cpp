#include "tests/chipset/ide_fixtures.hpp"

namespace fixpoint::models {
namespace {

class AtaPowerModes : public test::IdeTest {
protected:
    uint32_t mode() {
        command(0xE5);
        settle();
        return reg(2);
    }
};

TEST_F(AtaPowerModes, CheckTellsWhatTheHostHasAskedFor) {
    EXPECT_EQ(mode(), 0xFFu);
    for (const auto& [code, expected] :
         {std::pair<uint8_t, uint32_t>{0xE0, 0x00}, {0xE1, 0x80}, {0xE2, 0x00}, {0xE3, 0x80}, {0x94, 0x00}}) {
        command(code, 0, 0);
        settle();
        EXPECT_EQ(reg(7), 0x50u);
        EXPECT_EQ(mode(), expected) << unsigned{code};
    }
}

TEST_F(AtaPowerModes, AnAccessToTheMediumMakesTheDriveActive) {
    command(0xE0);
    settle();
    command(0x40, 5, 1);
    settle();
    EXPECT_EQ(mode(), 0xFFu);
}

TEST_F(AtaPowerModes, TheStandbyTimerCountsFiveSeconds) {
    command(0xE3, 0, 2);
    settle();
    const Picoseconds start = now;
    wait_until(start + 10 * ps_per_second - 1);
    EXPECT_EQ(mode(), 0x80u);
    wait_until(start + 10 * ps_per_second);
    EXPECT_EQ(mode(), 0x00u);
    command(0xE3, 0, 0); // timer off
    settle();
    wait_until(now + 100 * ps_per_second);
    EXPECT_EQ(mode(), 0x80u);
}

TEST_F(AtaPowerModes, ASleepingDriveIsWokenByAResetOnly) {
    command(0xE6);
    settle();
    EXPECT_EQ(reg(7), 0x50u);
    interrupts = 0;
    command(0xEC);
    settle();
    EXPECT_EQ(interrupts, 0);
    EXPECT_EQ(status(), 0x50u);
    set_control(4);
    set_control(0);
    EXPECT_EQ(mode(), 0x00u);
    EXPECT_EQ(identify()[0], 0x0040);
}

class AtaStandby : public test::IdeTest {
protected:
    AtaStandby() : IdeTest{AtaErrors::drive, 1, mechanical()} {}
};

TEST_F(AtaStandby, EmptiesTheWriteCacheFirst) {
    for (const uint8_t code : std::initializer_list<uint8_t>{0xE0, 0xE2, 0xE6}) {
        command(0x30, 5, 1);
        put_words(words_a_sector, code);
        EXPECT_EQ(disks[0]->unflushed_sectors(), 1u);
        command(code, 0, 0);
        settle();
        EXPECT_EQ(disks[0]->unflushed_sectors(), 0u);
    }
}

} // namespace
} // namespace fixpoint::models
