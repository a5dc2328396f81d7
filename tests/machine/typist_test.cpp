#include "sim/machine/typist.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fixpoint::sim {
namespace {

using models::Key;

std::vector<Keystroke> typed(std::string_view bytes) {
    Typist typist;
    typist.type(bytes);
    return {typist.waiting().begin(), typist.waiting().end()};
}

void expect_one(std::string_view bytes, Keystroke stroke) {
    const std::vector<Keystroke> strokes = typed(bytes);
    ASSERT_EQ(strokes.size(), 1u) << testing::PrintToString(std::string{bytes});
    EXPECT_EQ(strokes.front(), stroke) << testing::PrintToString(std::string{bytes});
}

// The guest's side: what a US layout makes of the key.
char character_of(const Keystroke& stroke) {
    constexpr std::string_view order = "`1234567890-=";
    constexpr std::string_view order_shifted = "~!@#$%^&*()_+";
    constexpr std::string_view rows = "\tqwertyuiop[]\\";
    constexpr std::string_view rows_shifted = "\tQWERTYUIOP{}|";
    constexpr std::string_view home = "asdfghjkl;'\r", home_shifted = "ASDFGHJKL:\"\r";
    const auto from = [&](Key first, std::string_view plain, std::string_view shifted) -> char {
        const size_t index = static_cast<size_t>(stroke.key) - static_cast<size_t>(first);
        return index < plain.size() ? (stroke.shift ? shifted : plain)[index] : '\0';
    };
    for (const char c : {from(Key::grave, order, order_shifted), from(Key::tab, rows, rows_shifted),
                         from(Key::a, home, home_shifted), from(Key::z, "zxcvbnm,./", "ZXCVBNM<>?"),
                         from(Key::space, " ", " ")})
        if (c != '\0')
            return c;
    return '\0';
}

TEST(Typist, EveryPrintableCharacterHasItsKey) {
    for (char c = ' '; c <= '~'; ++c) {
        const std::vector<Keystroke> strokes = typed({&c, 1});
        ASSERT_EQ(strokes.size(), 1u) << c;
        EXPECT_EQ(character_of(strokes.front()), c);
        EXPECT_FALSE(strokes.front().control || strokes.front().alt);
    }
}

TEST(Typist, ControlCharactersHaveKeysOfTheirOwn) {
    expect_one("\r", {Key::enter});
    expect_one("\n", {Key::enter});
    expect_one("\t", {Key::tab});
    expect_one("\b", {Key::backspace});
    expect_one("\x7F", {Key::backspace});
    expect_one("\x1B", {Key::escape});
}

TEST(Typist, OtherControlCharactersAreTypedWithCtrl) {
    expect_one("\x01", {.key = Key::a, .control = true});
    expect_one("\x1A", {.key = Key::z, .control = true});
    expect_one("\x1C", {.key = Key::backslash, .control = true});
    expect_one("\x1D", {.key = Key::right_bracket, .control = true});
    expect_one("\x1F", {.key = Key::minus, .shift = true, .control = true});
    expect_one({"\0", 1}, {.key = Key::space, .control = true});
}

TEST(Typist, EscapeBeforeACharacterIsAlt) {
    expect_one("\x1B"
               "x",
               {.key = Key::x, .alt = true});
    expect_one("\x1BX", {.key = Key::x, .shift = true, .alt = true});
    expect_one("\x1B\x03", {.key = Key::c, .control = true, .alt = true});
    expect_one("\x1B[", {.key = Key::left_bracket, .alt = true});
    EXPECT_EQ(typed("\x1B\x1B"), (std::vector<Keystroke>{{Key::escape}, {Key::escape}}));
}

TEST(Typist, KnowsTheSequencesOfTheCursorBlock) {
    expect_one("\x1B[A", {Key::up});
    expect_one("\x1BOB", {Key::down});
    expect_one("\x1B[C", {Key::right});
    expect_one("\x1B[D", {Key::left});
    for (const char* home : {"\x1B[H", "\x1BOH", "\x1B[1~", "\x1B[7~"})
        expect_one(home, {Key::home});
    for (const char* end : {"\x1B[F", "\x1BOF", "\x1B[4~", "\x1B[8~"})
        expect_one(end, {Key::end});
    expect_one("\x1B[2~", {Key::insert});
    expect_one("\x1B[3~", {Key::del});
    expect_one("\x1B[5~", {Key::page_up});
    expect_one("\x1B[6~", {Key::page_down});
    expect_one("\x1B[Z", {.key = Key::tab, .shift = true});
}

TEST(Typist, KnowsTheSequencesOfFunctionKeys) {
    expect_one("\x1BOP", {Key::f1});
    expect_one("\x1B[[A", {Key::f1});
    expect_one("\x1B[[E", {Key::f5});
    expect_one("\x1B[11~", {Key::f1});
    expect_one("\x1B[15~", {Key::f5});
    expect_one("\x1B[17~", {Key::f6});
    expect_one("\x1B[21~", {Key::f10});
    expect_one("\x1B[24~", {Key::f12});
}

TEST(Typist, SequencesMayHaveModifiers) {
    expect_one("\x1B[1;2A", {.key = Key::up, .shift = true});
    expect_one("\x1B[1;5D", {.key = Key::left, .control = true});
    expect_one("\x1B[3;3~", {.key = Key::del, .alt = true});
    expect_one("\x1B[15;8~", {.key = Key::f5, .shift = true, .control = true, .alt = true});
}

TEST(Typist, LeavesOutWhatHasNoKey) {
    expect_one("\x1B[99~a", {Key::a});
    expect_one("\x1B[?1;2ca", {Key::a});
    expect_one("\x1B[200~"
               "a\x1B[201~",
               {Key::a});
    expect_one("\xC3\xA4"
               "a",
               {Key::a});
    EXPECT_EQ(typed("\x1B[1;"), (std::vector<Keystroke>{}));
}

TEST(Typist, PressesWhatIsHeldAroundAKey) {
    models::Ps2Keyboard keyboard{true};
    keyboard.power_cycle(0);
    Typist typist;
    typist.type("A\x1B[1;5A");
    const auto next = [&] {
        typist.press_next(keyboard);
        std::vector<uint8_t> bytes;
        while (keyboard.has_byte())
            bytes.push_back(keyboard.take());
        return bytes;
    };
    EXPECT_EQ(next(), (std::vector<uint8_t>{0x12, 0x1C, 0xF0, 0x1C, 0xF0, 0x12}));
    EXPECT_EQ(next(), (std::vector<uint8_t>{0x14, 0xE0, 0x75, 0xE0, 0xF0, 0x75, 0xF0, 0x14}));
    EXPECT_EQ(next(), (std::vector<uint8_t>{}));
}

TEST(Typist, EveryKeystrokeFitsIntoTheKeyboardsBuffer) {
    for (const std::string_view most : {"\x1B[1;8A", "\x1B\x1F"}) {
        models::Ps2Keyboard keyboard{true};
        keyboard.power_cycle(0);
        Typist typist;
        typist.type(most);
        typist.press_next(keyboard);
        std::vector<uint8_t> bytes;
        while (keyboard.has_byte())
            bytes.push_back(keyboard.take());
        EXPECT_LE(bytes.size(), models::Ps2Keyboard::buffer_bytes);
        EXPECT_EQ(bytes.back(), 0x14) << "Ctrl is let go last";
    }
}

} // namespace
} // namespace fixpoint::sim
