#include "models/chipset/ps2_keyboard.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace fixpoint::models {
namespace {

using Bytes = std::vector<uint8_t>;

class Ps2KeyboardTest : public testing::Test {
protected:
    Ps2KeyboardTest() { keyboard.power_cycle(0); }
    Bytes sent() {
        Bytes bytes;
        while (keyboard.has_byte())
            bytes.push_back(keyboard.take());
        return bytes;
    }
    Bytes command(std::initializer_list<uint8_t> bytes) {
        for (const uint8_t byte : bytes)
            keyboard.receive(byte);
        return sent();
    }
    // Its answers to each byte, one after the other.
    Bytes conversation(std::initializer_list<uint8_t> bytes) {
        Bytes answers;
        for (const uint8_t byte : bytes)
            for (const uint8_t answer : command({byte}))
                answers.push_back(answer);
        return answers;
    }
    Bytes pressed(Key key) {
        keyboard.press(key);
        return sent();
    }
    Bytes released(Key key) {
        keyboard.release(key);
        return sent();
    }
    void use_set(uint8_t set) { conversation({0xF0, set}); }
    Ps2Keyboard keyboard{true};
};

TEST_F(Ps2KeyboardTest, IsQuietAndScansAfterPowerOn) {
    EXPECT_TRUE(keyboard.is_idle());
    EXPECT_EQ(pressed(Key::a), (Bytes{0x1C}));
    EXPECT_EQ(released(Key::a), (Bytes{0xF0, 0x1C}));
}

TEST_F(Ps2KeyboardTest, IdentifiesItself) {
    EXPECT_EQ(command({0xF2}), (Bytes{0xFA, 0xAB, 0x83}));
}

TEST_F(Ps2KeyboardTest, EchoIsNotAcknowledged) {
    EXPECT_EQ(command({0xEE}), (Bytes{0xEE}));
}

TEST_F(Ps2KeyboardTest, ShowsTheLedsItIsTold) {
    EXPECT_EQ(conversation({0xED, Ps2Keyboard::led_caps_lock | Ps2Keyboard::led_scroll_lock}),
              (Bytes{0xFA, 0xFA}));
    EXPECT_EQ(keyboard.leds(), 5);
    conversation({0xED, 0xF6}); // a command in place of the parameter: LEDs off
    EXPECT_EQ(keyboard.leds(), 0);
}

TEST_F(Ps2KeyboardTest, TellsAndChangesItsScanCodeSet) {
    EXPECT_EQ(conversation({0xF0, 0}), (Bytes{0xFA, 0xFA, 2}));
    EXPECT_EQ(conversation({0xF0, 3}), (Bytes{0xFA, 0xFA}));
    EXPECT_EQ(conversation({0xF0, 0}), (Bytes{0xFA, 0xFA, 3}));
    EXPECT_EQ(conversation({0xF0, 4}), (Bytes{0xFA, 0xFE}));
    EXPECT_EQ(conversation({0xF0, 0}), (Bytes{0xFA, 0xFA, 3}));
}

TEST_F(Ps2KeyboardTest, TakesATypematicRate) {
    EXPECT_EQ(conversation({0xF3, 0x20, 0xEE}), (Bytes{0xFA, 0xFA, 0xEE}));
}

TEST_F(Ps2KeyboardTest, TakesKeyTypesForSet3) {
    for (const uint8_t all : Bytes{0xF7, 0xF8, 0xF9, 0xFA})
        EXPECT_EQ(command({all}), (Bytes{0xFA})) << all;
    for (const uint8_t one : Bytes{0xFB, 0xFC, 0xFD})
        EXPECT_EQ(conversation({one, 0x1C, 0xEE}), (Bytes{0xFA, 0xFA, 0xEE})) << one;
}

TEST_F(Ps2KeyboardTest, AsksAgainForWhatItDoesNotKnow) {
    for (const uint8_t unknown : Bytes{0xEF, 0xF1, 0x42})
        EXPECT_EQ(command({unknown}), (Bytes{0xFE})) << unknown;
}

TEST_F(Ps2KeyboardTest, SendsItsLastByteAgain) {
    keyboard.receive(0xF2);
    EXPECT_EQ(keyboard.take(), 0xFA);
    EXPECT_EQ(keyboard.take(), 0xAB);
    EXPECT_EQ(command({0xFE}), (Bytes{0xAB, 0x83})) << "and then the rest";
}

TEST_F(Ps2KeyboardTest, DoesNotScanWhileDisabled) {
    EXPECT_EQ(command({0xF5}), (Bytes{0xFA}));
    EXPECT_FALSE(keyboard.is_idle());
    EXPECT_EQ(pressed(Key::a), (Bytes{}));
    EXPECT_EQ(command({0xF4}), (Bytes{0xFA}));
    EXPECT_EQ(released(Key::a), (Bytes{0xF0, 0x1C}));
}

TEST_F(Ps2KeyboardTest, DefaultsAreSet2WithoutLedsAndAnEmptyBuffer) {
    conversation({0xF0, 3, 0xED, 7});
    keyboard.press(Key::b);
    EXPECT_EQ(command({0xF6}), (Bytes{0xFA}));
    EXPECT_EQ(keyboard.leds(), 0);
    EXPECT_EQ(conversation({0xF0, 0}), (Bytes{0xFA, 0xFA, 2}));
}

TEST_F(Ps2KeyboardTest, ResetIsAcknowledgedAndEndsWithTheSelfTestsResult) {
    EXPECT_EQ(command({0xFF}), (Bytes{0xFA, 0xAA}));
}

TEST_F(Ps2KeyboardTest, TheSelfTestTakesItsTime) {
    Ps2Keyboard timed{false};
    timed.power_cycle(0);
    timed.receive(0xFF);
    EXPECT_EQ(timed.take(), 0xFA);
    const Picoseconds end = timed.next_event();
    EXPECT_GE(end, 50 * ps_per_ms);
    EXPECT_LE(end, 500 * ps_per_ms);
    timed.press(Key::a);
    timed.advance(end - 1);
    EXPECT_FALSE(timed.has_byte());
    timed.advance(end);
    EXPECT_EQ(timed.take(), 0xAA);
    EXPECT_FALSE(timed.has_byte()) << "keys are not looked at meanwhile";
    EXPECT_EQ(timed.next_event(), never);

    timed.receive(0xFF);
    EXPECT_EQ(timed.take(), 0xFA);
    EXPECT_EQ(timed.next_event(), 2 * end);
    timed.receive(0xEE);
    EXPECT_EQ(timed.next_event(), never) << "a command breaks it off";
}

TEST_F(Ps2KeyboardTest, AnswersGoBeforeKeys) {
    keyboard.press(Key::a);
    EXPECT_EQ(command({0xF2}), (Bytes{0xFA, 0xAB, 0x83, 0x1C}));
}

TEST_F(Ps2KeyboardTest, ACommandDropsTheAnswerBefore) {
    EXPECT_EQ(command({0xF2, 0xEE}), (Bytes{0xEE}));
}

TEST_F(Ps2KeyboardTest, AKeystrokeThatDoesNotFitLeavesAnOverrunCode) {
    for (int i = 0; i < 15; ++i)
        keyboard.press(Key::a);
    keyboard.press(Key::up); // two bytes
    keyboard.press(Key::up);
    Bytes expected(15, 0x1C);
    expected.push_back(0x00);
    EXPECT_EQ(sent(), expected);
    EXPECT_EQ(pressed(Key::up), (Bytes{0xE0, 0x75}));
}

TEST_F(Ps2KeyboardTest, Set1HasAnOverrunCodeOfItsOwn) {
    use_set(1);
    for (int i = 0; i < 18; ++i)
        keyboard.press(Key::a);
    Bytes expected(16, 0x1E);
    expected.push_back(0xFF);
    EXPECT_EQ(sent(), expected);
}

struct KeyCase {
    Key key;
    Bytes make_1, break_1, make_2, break_2, make_3;
};

// One of each kind, after the tables of the technical reference.
const KeyCase key_cases[] = {
    {Key::escape, {0x01}, {0x81}, {0x76}, {0xF0, 0x76}, {0x08}},
    {Key::f7, {0x41}, {0xC1}, {0x83}, {0xF0, 0x83}, {0x37}},
    {Key::f12, {0x58}, {0xD8}, {0x07}, {0xF0, 0x07}, {0x5E}},
    {Key::q, {0x10}, {0x90}, {0x15}, {0xF0, 0x15}, {0x15}},
    {Key::digit_0, {0x0B}, {0x8B}, {0x45}, {0xF0, 0x45}, {0x45}},
    {Key::backslash, {0x2B}, {0xAB}, {0x5D}, {0xF0, 0x5D}, {0x5C}},
    {Key::less, {0x56}, {0xD6}, {0x61}, {0xF0, 0x61}, {0x13}},
    {Key::caps_lock, {0x3A}, {0xBA}, {0x58}, {0xF0, 0x58}, {0x14}},
    {Key::right_shift, {0x36}, {0xB6}, {0x59}, {0xF0, 0x59}, {0x59}},
    {Key::left_alt, {0x38}, {0xB8}, {0x11}, {0xF0, 0x11}, {0x19}},
    {Key::right_alt, {0xE0, 0x38}, {0xE0, 0xB8}, {0xE0, 0x11}, {0xE0, 0xF0, 0x11}, {0x39}},
    {Key::right_control, {0xE0, 0x1D}, {0xE0, 0x9D}, {0xE0, 0x14}, {0xE0, 0xF0, 0x14}, {0x58}},
    {Key::del, {0xE0, 0x53}, {0xE0, 0xD3}, {0xE0, 0x71}, {0xE0, 0xF0, 0x71}, {0x64}},
    {Key::page_down, {0xE0, 0x51}, {0xE0, 0xD1}, {0xE0, 0x7A}, {0xE0, 0xF0, 0x7A}, {0x6D}},
    {Key::left, {0xE0, 0x4B}, {0xE0, 0xCB}, {0xE0, 0x6B}, {0xE0, 0xF0, 0x6B}, {0x61}},
    {Key::num_lock, {0x45}, {0xC5}, {0x77}, {0xF0, 0x77}, {0x76}},
    {Key::scroll_lock, {0x46}, {0xC6}, {0x7E}, {0xF0, 0x7E}, {0x5F}},
    {Key::keypad_star, {0x37}, {0xB7}, {0x7C}, {0xF0, 0x7C}, {0x7E}},
    {Key::keypad_minus, {0x4A}, {0xCA}, {0x7B}, {0xF0, 0x7B}, {0x84}},
    {Key::keypad_slash, {0xE0, 0x35}, {0xE0, 0xB5}, {0xE0, 0x4A}, {0xE0, 0xF0, 0x4A}, {0x77}},
    {Key::keypad_enter, {0xE0, 0x1C}, {0xE0, 0x9C}, {0xE0, 0x5A}, {0xE0, 0xF0, 0x5A}, {0x79}},
    {Key::keypad_5, {0x4C}, {0xCC}, {0x73}, {0xF0, 0x73}, {0x73}},
    {Key::print_screen,
     {0xE0, 0x2A, 0xE0, 0x37},
     {0xE0, 0xB7, 0xE0, 0xAA},
     {0xE0, 0x12, 0xE0, 0x7C},
     {0xE0, 0xF0, 0x7C, 0xE0, 0xF0, 0x12},
     {0x57}},
    {Key::pause,
     {0xE1, 0x1D, 0x45, 0xE1, 0x9D, 0xC5},
     {},
     {0xE1, 0x14, 0x77, 0xE1, 0xF0, 0x14, 0xF0, 0x77},
     {},
     {0x62}},
};

TEST_F(Ps2KeyboardTest, HasTheCodesOfSet1) {
    use_set(1);
    for (const KeyCase& c : key_cases) {
        EXPECT_EQ(pressed(c.key), c.make_1);
        EXPECT_EQ(released(c.key), c.break_1);
    }
}

TEST_F(Ps2KeyboardTest, HasTheCodesOfSet2) {
    for (const KeyCase& c : key_cases) {
        EXPECT_EQ(pressed(c.key), c.make_2);
        EXPECT_EQ(released(c.key), c.break_2);
    }
}

TEST_F(Ps2KeyboardTest, HasTheCodesOfSet3) {
    use_set(3);
    for (const KeyCase& c : key_cases) {
        EXPECT_EQ(pressed(c.key), c.make_3);
        Bytes broken{0xF0};
        broken.push_back(c.make_3.front());
        EXPECT_EQ(released(c.key), broken);
    }
}

TEST_F(Ps2KeyboardTest, NoTwoKeysHaveTheSameCodes) {
    for (uint8_t set = 1; set <= 3; ++set) {
        use_set(set);
        std::vector<Bytes> seen;
        for (size_t i = 0; i < key_count; ++i) {
            const Bytes make = pressed(static_cast<Key>(i));
            EXPECT_EQ(std::count(seen.begin(), seen.end(), make), 0) << "set " << int{set} << " key " << i;
            seen.push_back(make);
            released(static_cast<Key>(i));
        }
    }
}

TEST_F(Ps2KeyboardTest, PrintScreenWithAltIsSystemRequest) {
    pressed(Key::left_alt);
    EXPECT_EQ(pressed(Key::print_screen), (Bytes{0x84}));
    EXPECT_EQ(released(Key::print_screen), (Bytes{0xF0, 0x84}));
}

TEST_F(Ps2KeyboardTest, PrintScreenWithShiftOrCtrlIsShorter) {
    pressed(Key::right_shift);
    EXPECT_EQ(pressed(Key::print_screen), (Bytes{0xE0, 0x7C}));
    EXPECT_EQ(released(Key::print_screen), (Bytes{0xE0, 0xF0, 0x7C}));
    released(Key::right_shift);
    EXPECT_EQ(pressed(Key::print_screen), (Bytes{0xE0, 0x12, 0xE0, 0x7C}));
}

TEST_F(Ps2KeyboardTest, PauseWithCtrlIsBreak) {
    pressed(Key::left_control);
    EXPECT_EQ(pressed(Key::pause), (Bytes{0xE0, 0x7E, 0xE0, 0xF0, 0x7E}));
    EXPECT_EQ(released(Key::pause), (Bytes{}));
}

} // namespace
} // namespace fixpoint::models
