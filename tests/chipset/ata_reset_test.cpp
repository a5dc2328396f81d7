#include "tests/chipset/ide_fixtures.hpp"

namespace fixpoint::models {
namespace {

using AtaReset = test::IdeTest;

TEST_F(AtaReset, SoftResetEndsTheCommandAndShowsTheSignature) {
    command(0xC8, 100, 4);
    set_control(4);
    EXPECT_EQ(status(), 0x80u);
    set_control(0);
    EXPECT_EQ(status(), 0x50u);
    EXPECT_EQ(reg(1), 0x01u);
    EXPECT_EQ(reg(2), 0x01u);
    EXPECT_EQ(lba(), 0x000001u);
    settle();
    EXPECT_EQ(interrupts, 0);
}

TEST_F(AtaReset, DuringSoftResetNothingIsHeard) {
    set_control(4);
    set_reg(2, 0x77);
    set_reg(7, 0xEC);
    set_reg(7, 0x90);
    settle();
    EXPECT_EQ(status(), 0x80u);
    set_control(0);
    EXPECT_EQ(reg(2), 0x01u);
    EXPECT_EQ(interrupts, 0);
}

TEST_F(AtaReset, SoftResetRevertsSettingsUnlessForbidden) {
    for (const bool keeps : {false, true}) {
        set_features(keeps ? 0x66 : 0xCC);
        command(0xC6, 0, 8);
        command_chs(0x91, 0, 3, 0, 20);
        set_features(0x03, 0x42);
        set_control(4);
        set_control(0);
        const auto words = identify();
        EXPECT_EQ(words[59], keeps ? 0x0108 : 0);
        EXPECT_EQ(words[55], keeps ? 4 : 16);
        EXPECT_EQ(words[88], 0x043F) << "the transfer mode stays in any case";
    }
}

TEST_F(AtaReset, TheResetLineRevertsEverything) {
    set_features(0x66);
    command(0xC6, 0, 8);
    set_features(0x03, 0x42);
    ide.reset(now);
    EXPECT_EQ(reg(1), 0x01u);
    const auto words = identify();
    EXPECT_EQ(words[59], 0);
    EXPECT_EQ(words[88], 0x203F);
}

TEST_F(AtaReset, DiagnosticShowsTheSignatureAndInterrupts) {
    command(0x90, 0x123456, 9);
    EXPECT_EQ(interrupts, 1);
    EXPECT_EQ(reg(7), 0x50u);
    EXPECT_EQ(reg(1), 0x01u);
    EXPECT_EQ(lba(), 0x000001u);
    EXPECT_EQ(reg(6), 0xA0u);
}

class AtaResetWithCache : public test::IdeTest {
protected:
    AtaResetWithCache() : IdeTest{AtaErrors::drive, 1, mechanical()} {}
};

TEST_F(AtaResetWithCache, KeepsWhatTheDriveHasAccepted) {
    command(0x30, 0, 1);
    put_words(words_a_sector, 0x7777);
    set_control(4);
    set_control(0);
    EXPECT_EQ(disks[0]->unflushed_sectors(), 1u);
    ide.reset(now);
    EXPECT_EQ(disks[0]->unflushed_sectors(), 1u);
    wait_until(2 * ps_per_second);
    EXPECT_EQ(disks[0]->unflushed_sectors(), 0u);
    EXPECT_EQ(on_medium(0), filled(0x77));
}

TEST_F(AtaResetWithCache, SwitchesTheCacheOnAgain) {
    set_features(0x82);
    set_control(4);
    set_control(0);
    EXPECT_EQ(identify()[85], 0x4021);
}

} // namespace
} // namespace fixpoint::models
