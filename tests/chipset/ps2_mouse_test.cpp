#include "models/chipset/ps2_mouse.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace fixpoint::models {
namespace {

using Bytes = std::vector<uint8_t>;

class Ps2MouseTest : public testing::Test {
protected:
    Ps2MouseTest() { mouse.power_cycle(0); }
    Bytes sent() {
        Bytes bytes;
        while (mouse.has_byte())
            bytes.push_back(mouse.take());
        return bytes;
    }
    Bytes command(std::initializer_list<uint8_t> bytes) {
        for (const uint8_t byte : bytes)
            mouse.receive(byte);
        return sent();
    }
    Ps2Mouse mouse{true};
};

TEST_F(Ps2MouseTest, ResetGivesTheSelfTestsResultAndItsIdentity) {
    EXPECT_EQ(command({0xFF}), (Bytes{0xFA, 0xAA, 0x00}));
    EXPECT_EQ(command({0xF2}), (Bytes{0xFA, 0x00}));
}

TEST_F(Ps2MouseTest, TheSelfTestTakesItsTime) {
    Ps2Mouse timed{false};
    timed.power_cycle(0);
    timed.receive(0xFF);
    EXPECT_EQ(timed.take(), 0xFA);
    const Picoseconds end = timed.next_event();
    EXPECT_GE(end, 50 * ps_per_ms);
    timed.advance(end - 1);
    EXPECT_FALSE(timed.has_byte());
    timed.advance(end);
    EXPECT_EQ(timed.take(), 0xAA);
    EXPECT_EQ(timed.take(), 0x00);
    EXPECT_EQ(timed.next_event(), never);
}

TEST_F(Ps2MouseTest, TellsItsStatus) {
    EXPECT_EQ(command({0xE9}), (Bytes{0xFA, 0x00, 2, 100}));
    EXPECT_EQ(command({0xE8, 3, 0xF3, 40, 0xE7, 0xF4, 0xF0}), (Bytes(7, 0xFA)));
    EXPECT_EQ(command({0xE9}), (Bytes{0xFA, 0x70, 3, 40}));
    EXPECT_EQ(command({0xE6, 0xF5, 0xEA}), (Bytes(3, 0xFA)));
    EXPECT_EQ(command({0xE9}), (Bytes{0xFA, 0x00, 3, 40}));
}

TEST_F(Ps2MouseTest, DefaultsCanBeRestored) {
    command({0xE8, 0, 0xF3, 200, 0xE7, 0xF4});
    EXPECT_EQ(command({0xF6}), (Bytes{0xFA}));
    EXPECT_EQ(command({0xE9}), (Bytes{0xFA, 0x00, 2, 100}));
}

TEST_F(Ps2MouseTest, ReportsNothingUntilItIsEnabled) {
    mouse.move(1, 1, 0);
    EXPECT_EQ(sent(), (Bytes{}));
}

TEST_F(Ps2MouseTest, MovementIsAPacketOfThreeBytes) {
    command({0xF4});
    mouse.move(5, 3, 0);
    EXPECT_EQ(sent(), (Bytes{0x08, 5, 3}));
    mouse.move(-2, -4, Ps2Mouse::left_button | Ps2Mouse::middle_button);
    EXPECT_EQ(sent(), (Bytes{0x08 | 0x30 | 5, 0xFE, 0xFC}));
    mouse.move(0, 0, 0);
    EXPECT_EQ(sent(), (Bytes{0x08, 0, 0})) << "the buttons were released";
    mouse.move(0, 0, 0);
    EXPECT_EQ(sent(), (Bytes{})) << "nothing is new";
}

TEST_F(Ps2MouseTest, AFarMovementTakesSeveralPackets) {
    command({0xF4});
    mouse.move(300, -256, 0);
    EXPECT_EQ(sent(), (Bytes{0x28, 255, 0x01, 0x28, 45, 0xFF}));
}

TEST_F(Ps2MouseTest, WhatDoesNotFitAddsUpUntilThereIsRoom) {
    command({0xF4});
    for (int i = 0; i < 8; ++i)
        mouse.move(1, 0, 0);
    Bytes expected;
    for (const uint8_t dx : Bytes{1, 1, 1, 1, 1, 3})
        expected.insert(expected.end(), {0x08, dx, 0});
    EXPECT_EQ(sent(), expected);
}

TEST_F(Ps2MouseTest, TellsPressedButtonsInItsStatus) {
    command({0xF4});
    mouse.move(0, 0, Ps2Mouse::left_button | Ps2Mouse::right_button);
    sent();
    EXPECT_EQ(command({0xE9}), (Bytes{0xFA, 0x25, 2, 100}));
}

TEST_F(Ps2MouseTest, InRemoteModeItReportsWhenAsked) {
    command({0xF4, 0xF0});
    mouse.move(7, 0, 0);
    EXPECT_EQ(sent(), (Bytes{}));
    EXPECT_EQ(command({0xEB}), (Bytes{0xFA, 0x08, 7, 0}));
    EXPECT_EQ(command({0xEB}), (Bytes{0xFA, 0x08, 0, 0}));
}

TEST_F(Ps2MouseTest, InWrapModeItSendsBackWhatItGets) {
    EXPECT_EQ(command({0xF4}), (Bytes{0xFA}));
    EXPECT_EQ(command({0xEE}), (Bytes{0xFA}));
    mouse.move(1, 0, 0);
    EXPECT_EQ(command({0xF2, 0x42}), (Bytes{0xF2, 0x42}));
    EXPECT_EQ(command({0xEC}), (Bytes{0xFA, 0x08, 1, 0})) << "what moved meanwhile comes afterwards";
    EXPECT_EQ(command({0xF2}), (Bytes{0xFA, 0x00}));
    EXPECT_EQ(command({0xEE, 0xFF}), (Bytes{0xFA, 0xAA, 0x00})) << "reset leaves it too";
    EXPECT_EQ(command({0xF2}), (Bytes{0xFA, 0x00}));
}

TEST_F(Ps2MouseTest, TheKnockGivesItAWheel) {
    command({0xF3, 200, 0xF3, 100, 0xF3, 80});
    EXPECT_EQ(command({0xF2}), (Bytes{0xFA, 0x03}));
    command({0xF4});
    mouse.move(1, 2, 0);
    EXPECT_EQ(sent(), (Bytes{0x08, 1, 2, 0}));
    command({0xFF});
    EXPECT_EQ(command({0xF2}), (Bytes{0xFA, 0x00}));
}

TEST_F(Ps2MouseTest, AnotherOrderOfRatesIsNoKnock) {
    command({0xF3, 100, 0xF3, 200, 0xF3, 80});
    EXPECT_EQ(command({0xF2}), (Bytes{0xFA, 0x00}));
}

TEST_F(Ps2MouseTest, AnswersThatDoNotFitAreLostAsAWhole) {
    for (int i = 0; i < 5; ++i)
        mouse.receive(0xE9);
    EXPECT_EQ(sent().size(), 16u);
}

TEST_F(Ps2MouseTest, SendsItsLastByteAgainAndAsksForUnknownOnes) {
    command({0xE9});
    EXPECT_EQ(command({0xFE}), (Bytes{100}));
    EXPECT_EQ(command({0x11}), (Bytes{0xFE}));
}

} // namespace
} // namespace fixpoint::models
