#include "tests/chipset/ide_fixtures.hpp"

#include <string>

namespace fixpoint::models {
namespace {

using AtaIdentify = test::IdeTest;

TEST_F(AtaIdentify, TellsModelSizeAndAbilities) {
    const auto words = identify();
    EXPECT_EQ(words[0], 0x0040);
    EXPECT_EQ(words[4], 63 * 512);
    EXPECT_EQ(words[5], 512);
    EXPECT_EQ(words[47], 0x8010);
    EXPECT_EQ(words[49], 0x0B00);
    EXPECT_EQ(words[53], 0x0007);
    EXPECT_EQ(words[60] | words[61] << 16, static_cast<int>(sectors));
    EXPECT_EQ(words[80], 0x00F0);
    EXPECT_EQ(words[82], 0x4021);
    EXPECT_EQ(words[83], 0x7400);
    EXPECT_EQ(words[86], 0x3400);
    EXPECT_EQ(words[93], 0x6001);
    EXPECT_EQ(words[100], sectors);
    std::string model;
    for (size_t i = 27; i < 47; ++i) {
        model += static_cast<char>(words[i] >> 8);
        model += static_cast<char>(words[i]);
    }
    EXPECT_EQ(model, "IDEAL" + std::string(35, ' '));
    EXPECT_EQ(status(), 0x50u);
    EXPECT_EQ(interrupts, 1);
}

TEST_F(AtaIdentify, StartsInTheFastestMode) {
    const auto words = identify();
    EXPECT_EQ(words[63], 0x0007);
    EXPECT_EQ(words[88], 0x203F);
}

TEST_F(AtaIdentify, TellsTheModeThatWasSelected) {
    set_features(0x03, 0x42); // ultra DMA 2
    EXPECT_EQ(identify()[88], 0x043F);
    EXPECT_EQ(identify()[63], 0x0007);
    set_features(0x03, 0x21); // multiword DMA 1
    EXPECT_EQ(identify()[88], 0x003F);
    EXPECT_EQ(identify()[63], 0x0207);
}

TEST_F(AtaIdentify, ModesThatTheDriveDoesNotHaveAreAborted) {
    for (const unsigned mode : {0x00u, 0x01u, 0x08u, 0x0Cu, 0x20u, 0x22u, 0x40u, 0x45u}) {
        set_features(0x03, mode);
        EXPECT_EQ(reg(7), 0x50u) << mode;
    }
    for (const unsigned mode : {0x02u, 0x0Du, 0x10u, 0x23u, 0x46u, 0x80u}) {
        set_features(0x03, mode);
        EXPECT_EQ(reg(7), 0x41u) << mode;
        EXPECT_EQ(reg(1), 0x04u) << mode;
    }
}

TEST_F(AtaIdentify, FeaturesAreAcceptedOrAborted) {
    for (const unsigned feature : {0x02u, 0x82u, 0x55u, 0xAAu, 0x66u, 0xCCu}) {
        set_features(feature);
        EXPECT_EQ(reg(7), 0x50u) << feature;
    }
    for (const unsigned feature : {0x00u, 0x01u, 0x05u, 0x77u}) {
        set_features(feature);
        EXPECT_EQ(reg(7), 0x41u) << feature;
    }
}

TEST_F(AtaIdentify, CommandsThatDoNotExistAreAborted) {
    // NOP, DEVICE RESET, PACKET, IDENTIFY PACKET DEVICE, READ BUFFER, DOWNLOAD MICROCODE, SECURITY SET PASSWORD.
    for (const uint8_t code :
         std::initializer_list<uint8_t>{0x00, 0x08, 0xA0, 0xA1, 0xE4, 0x92, 0xF1, 0xFF}) {
        command(code);
        settle();
        EXPECT_EQ(reg(7), 0x41u) << unsigned{code};
        EXPECT_EQ(reg(1), 0x04u) << unsigned{code};
        EXPECT_EQ(reg(4) | reg(5), 0u) << "the signature of a packet device";
    }
}

TEST_F(AtaIdentify, SmartIsSwitchedOffAndOn) {
    const auto smart = [this](unsigned subcommand, uint32_t key, unsigned count = 0) {
        set_reg(1, subcommand);
        command(0xB0, key, count);
        return reg(7);
    };
    constexpr uint32_t key = 0xC24F00;
    EXPECT_EQ(smart(0xDA, key), 0x50u);
    EXPECT_EQ(lba() & 0xFFFF00, key); // no threshold exceeded
    EXPECT_EQ(smart(0xD9, key), 0x50u);
    EXPECT_EQ(identify()[85], 0x4000);
    EXPECT_EQ(smart(0xDA, key), 0x41u);
    EXPECT_EQ(smart(0xD8, 0x00F400), 0x41u); // not the key
    EXPECT_EQ(smart(0xD8, key), 0x50u);
    EXPECT_EQ(identify()[85], 0x4001);
    EXPECT_EQ(smart(0xD0, key), 0x41u);
    EXPECT_EQ(smart(0xD2, key, 0xF1), 0x50u);
    EXPECT_EQ(smart(0xD2, key, 0x01), 0x41u);
}

class AtaWriteCache : public test::IdeTest {
protected:
    AtaWriteCache() : IdeTest{AtaErrors::drive, 1, mechanical()} {}
};

TEST_F(AtaWriteCache, IsReallySwitchedOffAndOn) {
    EXPECT_EQ(identify()[85], 0x4021);
    set_features(0x82);
    EXPECT_EQ(identify()[85], 0x4001);
    command(0x30, 5, 1);
    put_words(words_a_sector, 0x1111);
    EXPECT_EQ(status(), 0xD0u); // until the medium has it
    settle();
    EXPECT_EQ(reg(7), 0x50u);
    EXPECT_EQ(on_medium(5), filled(0x11));
    set_features(0x02);
    EXPECT_EQ(identify()[85], 0x4021);
    command(0x30, 5, 1);
    put_words(words_a_sector, 0x2222);
    EXPECT_EQ(reg(7), 0x50u);
    EXPECT_EQ(on_medium(5), filled(0x11));
}

TEST_F(AtaWriteCache, IsOnTheMediumWhenItHasBeenSwitchedOff) {
    command(0x30, 5, 1);
    put_words(words_a_sector, 0x1111);
    set_reg(1, 0x82);
    command(0xEF);
    EXPECT_EQ(status() & 0x80, 0x80u);
    settle();
    EXPECT_EQ(reg(7), 0x50u);
    EXPECT_EQ(on_medium(5), filled(0x11));
}

} // namespace
} // namespace fixpoint::models
