#include "models/chipset/keyboard_controller.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace fixpoint::models {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr uint8_t output_full = 0x01, input_full = 0x02, system_flag = 0x04, was_command = 0x08,
                  not_inhibited = 0x10, mouse_output = 0x20;

// Driven through its two ports; time stands still where nothing else is said.
class ControllerBench : public testing::Test {
protected:
    explicit ControllerBench(bool instant) : controller{instant} {
        controller.on_reset = [this] { ++resets; };
        controller.on_a20 = [this](bool open) { a20.push_back(open); };
        controller.keyboard_interrupt.connect([this](bool level) { keyboard_edges += level; });
        controller.mouse_interrupt.connect([this](bool level) { mouse_edges += level; });
    }
    uint8_t status() { return static_cast<uint8_t>(controller.read(KeyboardController::command, 1)); }
    uint8_t data() { return static_cast<uint8_t>(controller.read(KeyboardController::data, 1)); }
    void command(uint8_t value) { controller.write(KeyboardController::command, 1, value); }
    void put(uint8_t value) { controller.write(KeyboardController::data, 1, value); }
    void command(uint8_t value, uint8_t parameter) {
        command(value);
        put(parameter);
    }
    void to_mouse(uint8_t value) { command(0xD4, value); }
    uint8_t asked(uint8_t value) {
        command(value);
        return data();
    }
    Bytes all_data() {
        Bytes bytes;
        while (status() & output_full)
            bytes.push_back(data());
        return bytes;
    }
    void press(Key key) {
        controller.keyboard().press(key);
        controller.advance(now);
    }
    void release(Key key) {
        controller.keyboard().release(key);
        controller.advance(now);
    }
    void move_mouse() {
        controller.mouse().move(1, 2, 0);
        controller.advance(now);
    }
    void enable_mouse() {
        to_mouse(0xF4);
        all_data();
    }
    KeyboardController controller;
    Picoseconds now = 0;
    int resets = 0, keyboard_edges = 0, mouse_edges = 0;
    std::vector<bool> a20;
};

class KeyboardControllerTest : public ControllerBench {
protected:
    KeyboardControllerTest() : ControllerBench{true} {}
};

TEST_F(KeyboardControllerTest, PowersOnEmptyWithInterruptsOnAndWithoutTranslation) {
    EXPECT_EQ(status(), not_inhibited | was_command);
    EXPECT_EQ(asked(0x20), 0x03);
    EXPECT_EQ(controller.next_event(), never);
}

TEST_F(KeyboardControllerTest, FirmwareLeavesAWorkingKeyboard) {
    controller.leave_firmware_state();
    EXPECT_EQ(status(), not_inhibited | system_flag);
    EXPECT_EQ(asked(0x20), 0x61);
    press(Key::a);
    release(Key::a);
    EXPECT_EQ(all_data(), (Bytes{0x1E, 0x9E}));
    EXPECT_GE(keyboard_edges, 2);
}

TEST_F(KeyboardControllerTest, TheSelfTestPassesAndLeavesTheCommandByteAlone) {
    command(0x60, 0x41);
    EXPECT_EQ(asked(0xAA), 0x55);
    EXPECT_TRUE(status() & system_flag);
    EXPECT_EQ(asked(0x20), 0x41);
}

TEST_F(KeyboardControllerTest, TheSystemFlagFollowsTheCommandByteToo) {
    command(0x60, 0x04);
    EXPECT_TRUE(status() & system_flag);
    command(0x60, 0x00);
    EXPECT_FALSE(status() & system_flag);
}

TEST_F(KeyboardControllerTest, StatusTellsCommandsFromData) {
    command(0xAE);
    EXPECT_TRUE(status() & was_command);
    put(0xEE);
    EXPECT_FALSE(status() & was_command);
}

TEST_F(KeyboardControllerTest, LineTestsPass) {
    EXPECT_EQ(asked(0xAB), 0x00);
    EXPECT_EQ(asked(0xA9), 0x00);
}

TEST_F(KeyboardControllerTest, ThereIsNoPassword) {
    EXPECT_EQ(asked(0xA4), 0xF1);
}

TEST_F(KeyboardControllerTest, ItsMemoryCanBeWrittenAndRead) {
    for (uint8_t i = 1; i < 0x20; ++i)
        command(static_cast<uint8_t>(0x60 + i), static_cast<uint8_t>(i * 7));
    for (uint8_t i = 1; i < 0x20; ++i)
        EXPECT_EQ(asked(static_cast<uint8_t>(0x20 + i)), static_cast<uint8_t>(i * 7));
    EXPECT_EQ(asked(0x20), 0x03);
}

TEST_F(KeyboardControllerTest, InterfacesAreSwitchedInTheCommandByte) {
    command(0xAD);
    command(0xA7);
    EXPECT_EQ(asked(0x20), 0x33);
    EXPECT_EQ(asked(0xE0), 0x00) << "both clocks are held low";
    command(0xAE);
    EXPECT_EQ(asked(0x20), 0x23);
    EXPECT_EQ(asked(0xE0), 0x01);
    command(0xA8);
    EXPECT_EQ(asked(0x20), 0x03);
    EXPECT_EQ(asked(0xE0), 0x03);
}

TEST_F(KeyboardControllerTest, ADisabledDeviceWaits) {
    command(0xAD);
    press(Key::a);
    EXPECT_FALSE(status() & output_full);
    command(0xAE);
    EXPECT_EQ(all_data(), (Bytes{0x1C}));
}

TEST_F(KeyboardControllerTest, SendingToADeviceEnablesIt) {
    command(0xAD);
    command(0xA7);
    put(0xEE);
    EXPECT_EQ(all_data(), (Bytes{0xEE}));
    EXPECT_EQ(asked(0x20), 0x23);
    to_mouse(0xE6);
    EXPECT_EQ(all_data(), (Bytes{0xFA}));
    EXPECT_EQ(asked(0x20), 0x03);
}

TEST_F(KeyboardControllerTest, AnEmptyBufferGivesTheLastByteAgain) {
    EXPECT_EQ(asked(0xAA), 0x55);
    EXPECT_FALSE(status() & output_full);
    EXPECT_EQ(data(), 0x55);
}

TEST_F(KeyboardControllerTest, TheInputPortSaysNotLocked) {
    EXPECT_EQ(asked(0xC0), 0x80);
}

TEST_F(KeyboardControllerTest, WritesToTheOutputBufferLookLikeTheDevices) {
    command(0xD2, 0x77);
    EXPECT_EQ(status() & (output_full | mouse_output), output_full);
    EXPECT_EQ(keyboard_edges, 1);
    EXPECT_EQ(data(), 0x77);
    command(0xD3, 0x88);
    EXPECT_EQ(status() & (output_full | mouse_output), output_full | mouse_output);
    EXPECT_EQ(mouse_edges, 1);
    EXPECT_EQ(data(), 0x88);
    EXPECT_EQ(keyboard_edges, 1);
}

TEST_F(KeyboardControllerTest, CommandsFromF0PulseTheResetLine) {
    command(0xFE);
    EXPECT_EQ(resets, 1);
    command(0xF0);
    EXPECT_EQ(resets, 2);
    command(0xFF); // no bit is low
    command(0xFD); // another one is
    EXPECT_EQ(resets, 2);
}

TEST_F(KeyboardControllerTest, TheOutputPortHoldsA20AndReset) {
    EXPECT_EQ(asked(0xD0), 0xCF);
    command(0xD1, 0xDD);
    EXPECT_EQ(a20, (std::vector<bool>{false}));
    EXPECT_EQ(resets, 0);
    EXPECT_EQ(asked(0xD0) & 3, 1);
    command(0xD1, 0xDE);
    EXPECT_EQ(resets, 1);
}

TEST_F(KeyboardControllerTest, TheOutputPortShowsTheFullBuffer) {
    press(Key::a);
    command(0xD0);
    EXPECT_EQ(data(), 0x1C);
    EXPECT_EQ(data(), 0xCF | 0x10);
}

TEST_F(KeyboardControllerTest, EveryWriteToTheA20GateSetsTheLine) {
    command(0xDF);
    command(0xDF);
    command(0xDD);
    EXPECT_EQ(a20, (std::vector<bool>{true, true, false}));
    EXPECT_EQ(asked(0xD0) & 2, 0);
}

TEST_F(KeyboardControllerTest, AByteOfTheKeyboardIsOneEdge) {
    press(Key::left);
    EXPECT_TRUE(controller.keyboard_interrupt.level());
    EXPECT_EQ(keyboard_edges, 1);
    EXPECT_EQ(data(), 0xE0);
    EXPECT_EQ(keyboard_edges, 2) << "it falls when the byte is read and rises with the next";
    EXPECT_EQ(data(), 0x6B);
    EXPECT_FALSE(controller.keyboard_interrupt.level());
    EXPECT_EQ(keyboard_edges, 2);
    EXPECT_EQ(mouse_edges, 0);
}

TEST_F(KeyboardControllerTest, TheMouseHasAnInterruptAndAStatusBitOfItsOwn) {
    enable_mouse();
    mouse_edges = 0;
    move_mouse();
    EXPECT_TRUE(status() & mouse_output);
    EXPECT_EQ(all_data(), (Bytes{0x08, 1, 2}));
    EXPECT_EQ(mouse_edges, 3);
    EXPECT_EQ(keyboard_edges, 0);
    EXPECT_FALSE(controller.mouse_interrupt.level());
}

TEST_F(KeyboardControllerTest, InterruptsCanBeSwitchedOffAndOn) {
    command(0x60, 0x00);
    press(Key::a);
    EXPECT_TRUE(status() & output_full);
    EXPECT_FALSE(controller.keyboard_interrupt.level());
    command(0x60, 0x01);
    EXPECT_TRUE(controller.keyboard_interrupt.level());
    command(0x60, 0x02);
    EXPECT_FALSE(controller.keyboard_interrupt.level());
}

TEST_F(KeyboardControllerTest, AnAnswerOfTheControllerGoesBeforeTheDevices) {
    enable_mouse();
    press(Key::a);
    press(Key::b);
    move_mouse();
    command(0x20);
    EXPECT_EQ(data(), 0x1C) << "this one was in the buffer already";
    EXPECT_EQ(data(), 0x03);
}

TEST_F(KeyboardControllerTest, KeyboardAndMouseTakeTurns) {
    enable_mouse();
    press(Key::left);
    press(Key::b);
    move_mouse();
    EXPECT_EQ(all_data(), (Bytes{0xE0, 0x08, 0x6B, 1, 0x32, 2}));
}

TEST_F(KeyboardControllerTest, ANewerAnswerReplacesTheOneBefore) {
    command(0x20);
    command(0xAA);
    EXPECT_EQ(all_data(), (Bytes{0x55}));
}

TEST_F(KeyboardControllerTest, AParameterIsAwaitedThroughOtherCommands) {
    command(0x60);
    EXPECT_EQ(asked(0xAB), 0x00);
    put(0x43);
    EXPECT_EQ(asked(0x20), 0x43);
}

TEST_F(KeyboardControllerTest, TranslationTurnsSet2IntoSet1) {
    command(0x60, 0x41);
    press(Key::left_shift);
    press(Key::up);
    release(Key::up);
    release(Key::left_shift);
    EXPECT_EQ(all_data(), (Bytes{0x2A, 0xE0, 0x48, 0xE0, 0xC8, 0xAA}));
    press(Key::f7);
    release(Key::f7);
    EXPECT_EQ(all_data(), (Bytes{0x41, 0xC1}));
    press(Key::pause);
    EXPECT_EQ(all_data(), (Bytes{0xE1, 0x1D, 0x45, 0xE1, 0x9D, 0xC5}));
}

TEST_F(KeyboardControllerTest, TranslationTakesAnswersToo) {
    command(0x60, 0x41);
    put(0xF2);
    EXPECT_EQ(all_data(), (Bytes{0xFA, 0xAB, 0x41}));
    put(0xF0);
    put(0x00);
    EXPECT_EQ(all_data(), (Bytes{0xFA, 0x41})) << "set 2";
    put(0xFF);
    EXPECT_EQ(all_data(), (Bytes{0xFA, 0xAA}));
}

TEST_F(KeyboardControllerTest, TranslatedKeysAreSet1) {
    for (size_t i = 0; i < key_count; ++i) {
        command(0x60, 0x01);
        put(0xF0);
        put(0x01);
        all_data();
        press(static_cast<Key>(i));
        release(static_cast<Key>(i));
        const Bytes set_1 = all_data();
        put(0xF0);
        put(0x02);
        all_data();
        command(0x60, 0x41);
        press(static_cast<Key>(i));
        release(static_cast<Key>(i));
        EXPECT_EQ(all_data(), set_1) << i;
    }
}

TEST_F(KeyboardControllerTest, TellsWhenTheKeyboardIsIdle) {
    int left = 3;
    controller.on_keyboard_idle = [&](Ps2Keyboard& keyboard) {
        if (left-- > 0)
            keyboard.press(Key::a);
    };
    controller.advance(now);
    EXPECT_EQ(all_data(), (Bytes{0x1C, 0x1C, 0x1C}));
    EXPECT_LT(left, 0);
}

TEST_F(KeyboardControllerTest, UnknownCommandsHaveNoEffect) {
    for (const uint8_t unknown : Bytes{0x00, 0x10, 0x1F, 0x40, 0x5F, 0x80, 0xB0, 0xE5})
        command(unknown);
    EXPECT_FALSE(status() & output_full);
    put(0xEE); // still goes to the keyboard
    EXPECT_EQ(all_data(), (Bytes{0xEE}));
}

TEST_F(KeyboardControllerTest, ResetForgetsTheControllersStateOnly) {
    command(0x60, 0x41);
    command(0xAA);
    put(0xED);
    put(0x02);
    controller.reset(now);
    EXPECT_EQ(status(), not_inhibited | was_command);
    EXPECT_EQ(controller.keyboard().leds(), 2);
    EXPECT_FALSE(controller.keyboard_interrupt.level());
    controller.power_cycle(now);
    EXPECT_EQ(controller.keyboard().leds(), 0);
}

// With the bits on the lines.
class KeyboardLineTest : public ControllerBench {
protected:
    KeyboardLineTest() : ControllerBench{false} {
        controller.leave_firmware_state();
        controller.advance(now);
    }
    void go(Picoseconds time) {
        now += time;
        controller.advance(now);
    }
    // Microseconds until the next byte is there.
    uint64_t wait() {
        const Picoseconds start = now;
        while (!(status() & output_full) && controller.next_event() != never) {
            now = controller.next_event();
            controller.advance(now);
        }
        return (now - start) / ps_per_us;
    }
};

TEST_F(KeyboardLineTest, AByteTakesElevenBits) {
    press(Key::a);
    EXPECT_FALSE(status() & output_full);
    const uint64_t time_us = wait();
    EXPECT_GE(time_us, 11 * 1'000'000 / 16'700u);
    EXPECT_LE(time_us, 11 * 1'000'000 / 10'000u);
    EXPECT_EQ(keyboard_edges, 1);
}

TEST_F(KeyboardLineTest, TheNextByteStartsWhenTheLastWasRead) {
    press(Key::left); // E0 6B
    const uint64_t time_us = wait();
    go(ps_per_second);
    EXPECT_EQ(data(), 0xE0);
    EXPECT_FALSE(status() & output_full);
    EXPECT_EQ(wait(), time_us);
    EXPECT_EQ(data(), 0x4B);
    EXPECT_EQ(keyboard_edges, 2);
}

TEST_F(KeyboardLineTest, ABreakPrefixTakesItsTimeAlthoughTranslationDropsIt) {
    press(Key::a);
    const uint64_t time_us = wait();
    data();
    release(Key::a);
    EXPECT_EQ(wait(), 2 * time_us);
    EXPECT_EQ(data(), 0x9E);
}

TEST_F(KeyboardLineTest, TheControllerAnswersAtOnce) {
    EXPECT_EQ(asked(0x20), 0x61);
}

TEST_F(KeyboardLineTest, TheInputBufferIsFullWhileAByteGoesToADevice) {
    put(0xEE);
    EXPECT_TRUE(status() & input_full);
    EXPECT_FALSE(status() & output_full);
    go(controller.next_event() - now);
    EXPECT_FALSE(status() & input_full);
    wait();
    EXPECT_EQ(data(), 0xEE);
}

TEST_F(KeyboardLineTest, WhoDoesNotWaitLosesNothing) {
    put(0xED);
    put(0x02);
    to_mouse(0xF4);
    EXPECT_EQ(controller.keyboard().leds(), 2);
    wait();
    EXPECT_EQ(data(), 0xFA);
    EXPECT_FALSE(status() & mouse_output);
    wait();
    EXPECT_TRUE(status() & mouse_output);
    EXPECT_EQ(data(), 0xFA);
}

TEST_F(KeyboardLineTest, DisablingTheKeyboardBreaksItsByteOff) {
    press(Key::a);
    const uint64_t time_us = 880;
    go(time_us / 2 * ps_per_us);
    command(0xAD);
    go(ps_per_second);
    EXPECT_FALSE(status() & output_full);
    command(0xAE);
    EXPECT_EQ(wait(), time_us);
    EXPECT_EQ(data(), 0x1E);
}

TEST_F(KeyboardLineTest, TheSelfTestsResultComesAfterItsTime) {
    put(0xFF);
    EXPECT_LT(wait(), 3'000u);
    EXPECT_EQ(data(), 0xFA);
    EXPECT_GE(wait(), 40'000u);
    EXPECT_EQ(data(), 0xAA);
}

TEST_F(KeyboardLineTest, TimeMayPassInOneLeap) {
    press(Key::a);
    press(Key::b);
    go(10 * ps_per_second);
    EXPECT_EQ(data(), 0x1E);
    EXPECT_FALSE(status() & output_full);
    go(10 * ps_per_second);
    EXPECT_EQ(data(), 0x30);
}

// Firmware of emulators does not expect the mouse's.
TEST_F(KeyboardLineTest, PowerOnIsFollowedByTheKeyboardsSelfTest) {
    controller.power_cycle(now);
    EXPECT_GE(wait(), 50'000u);
    EXPECT_EQ(data(), 0xAA);
    EXPECT_EQ(controller.next_event(), never);
}

} // namespace
} // namespace fixpoint::models
