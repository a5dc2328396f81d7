// The 8042 with a keyboard whose keys are pressed and a mouse that nobody touches: commands, their answers, key codes,
// IRQ 1 and 12.
//
// A key goes down or up between two accesses, in QEMU by QMP's input-send-event, whose answer comes when the keyboard has
// the event; so it is as deterministic as an access.
//
// Not asked for: resets of the machine; commands that QEMU does not have (the controller's RAM beyond the command byte,
// 0xA4 and 0xE0; types of single keys, 0xFB and 0xFD; 0xFE, which asks for the last byte again; 0xEC to a mouse that does
// not wrap, and anything that is no command of the mouse's, where QEMU says nothing and a mouse asks for another byte); a
// command in a parameter's place, which QEMU takes for the parameter; the reset of a mouse that wraps, which goes on
// wrapping in QEMU; sample rates of 200 one after the other, which ask QEMU's mouse for five buttons. Of keys: more than
// the keyboard's buffer holds, where QEMU drops single bytes instead of keystrokes and tells nobody; another translation
// while codes may wait, which QEMU translates when the key is pressed; modifiers while the keyboard does not scan, which
// QEMU does not notice; Print Screen with Alt, for which QEMU releases Alt and presses it again.
#include "models/chipset/ps2_keyboard.hpp"
#include "tests/qtest/subjects/subjects.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace fixpoint::qtest {
namespace {

constexpr uint32_t data = 0x60, command = 0x64;
enum : uint32_t {
    read_command_byte = 0x20,
    write_command_byte = 0x60,
    disable_mouse = 0xA7,
    enable_mouse = 0xA8,
    test_mouse_line = 0xA9,
    self_test = 0xAA,
    test_keyboard_line = 0xAB,
    disable_keyboard = 0xAD,
    enable_keyboard = 0xAE,
    read_input_port = 0xC0,
    read_output_port = 0xD0,
    write_output_port = 0xD1,
    write_keyboard_output = 0xD2,
    write_mouse_output = 0xD3,
    write_mouse = 0xD4,
    close_a20 = 0xDD,
    open_a20 = 0xDF,
    pulse_nothing = 0xFF,
};
constexpr uint32_t pulses = 0xF0, not_reset = 0x01; // a command that pulses lines; the line of the reset
// Of the keyboard.
constexpr uint32_t first_keyboard_command = 0xED, set_leds = 0xED, scan_code_set = 0xF0, identify = 0xF2,
                   set_typematic = 0xF3, enable = 0xF4, default_disable = 0xF5, set_default = 0xF6,
                   key_make_typematic = 0xFB, key_make_break = 0xFC, key_make = 0xFD, resend = 0xFE;
// Of the mouse.
constexpr uint32_t first_mouse_command = 0xE6, set_resolution = 0xE8, reset_wrap = 0xEC, set_wrap = 0xEE,
                   mouse_identify = 0xF2, set_sample_rate = 0xF3;
constexpr uint32_t mouse_commands[]{0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xEB, 0xEE,
                                    0xF0, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xFF};
constexpr uint32_t wheel_rate = 200;    // the first of three that ask for the wheel
constexpr uint32_t device_reset = 0xFF; // of either

bool is_mouse_command(uint32_t value) {
    return std::ranges::find(mouse_commands, value) != std::end(mouse_commands);
}

// Bits of the command byte that the controller has.
constexpr uint32_t interrupts = 0x03, keyboard_off = 0x10, translation = 0x40, command_byte_bits = 0x77;

using models::Key;

// Codes that may wait in the keyboard, as the steps tell: never less than there are.
class WaitingCodes {
public:
    [[nodiscard]] bool any() const { return bytes_ != 0; }
    [[nodiscard]] bool have_room_for(const Step& key) const {
        return bytes_ + longest_code(key) <= models::Ps2Keyboard::buffer_bytes;
    }
    void add(const Step& key) {
        bytes_ += longest_code(key);
        reads_ = 0;
    }
    void clear() { bytes_ = 0; }
    // Whoever reads long enough while the keyboard may speak has them all.
    void follow_read() { bytes_ = ++reads_ >= reads_for_all ? 0 : bytes_; }
    void follow_write() { reads_ = 0; }

    // The controller's byte, the mouse's 16, and the keyboard's with an answer of 4.
    static constexpr unsigned reads_for_all = 1 + 16 + models::Ps2Keyboard::buffer_bytes + 4;

private:
    static size_t longest_code(const Step& step) {
        const Key key{static_cast<uint8_t>(step.address)};
        if (key == Key::print_screen || key == Key::pause)
            return models::ScanCodes::longest;
        return step.value != 0 ? 2 : 3;
    }

    size_t bytes_ = 0;
    unsigned reads_ = 0;
};

// Whom the next byte at the data port is for, and what that one expects.
class Follower {
public:
    void follow(const Step& step) {
        if (step.action == Action::key) {
            follow_key(step);
            return;
        }
        if (step.action == Action::read && step.address == data) {
            retranslated_ |= awaits_answer_ && answer_translated_ != translates_;
            if (!keyboard_disabled_)
                codes_.follow_read();
        }
        if (step.action != Action::write)
            return;
        codes_.follow_write();
        const auto value = static_cast<uint32_t>(step.value);
        if (step.address == command)
            follow_command(value);
        else
            follow_data(std::exchange(awaiting_, 0), value);
    }
    [[nodiscard]] uint32_t awaiting() const { return awaiting_; }
    // A command for the types of keys has been sent.
    [[nodiscard]] bool key_types() const { return key_types_; }

    [[nodiscard]] bool keypad_sign() const { return keypad_sign_; }
    // What was read since a keyboard's answer that QEMU has translated may have been translated otherwise.
    [[nodiscard]] bool retranslated() const { return retranslated_; }

    // Whether the subject asks for this.
    [[nodiscard]] bool allows(const Step& step) const {
        if (step.action == Action::key)
            return allows_key(step);
        if (step.action != Action::write)
            return true;
        const auto value = static_cast<uint32_t>(step.value);
        if (step.address == command)
            return (value & pulses) != pulses || value & not_reset;
        switch (awaiting_) {
        case 0:
            return keyboard_parameter_ != 0
                       ? value < first_keyboard_command
                       : value != key_make_typematic && value != key_make && value != resend;
        case write_mouse:
            if (mouse_wraps_)
                return value != device_reset;
            if (mouse_parameter_ == set_sample_rate && value == wheel_rate && mouse_rate_ == wheel_rate)
                return false;
            return mouse_parameter_ != 0 ? value < first_mouse_command : is_mouse_command(value);
        case write_output_port:
            return value & not_reset;
        case write_command_byte:
            return !codes_.any() || translates_ == ((value & translation) != 0);
        default:
            return true;
        }
    }

private:
    static bool is_modifier(Key key) {
        return key == Key::left_shift || key == Key::right_shift || key == Key::left_control ||
               key == Key::right_control || is_alt(key);
    }
    static bool is_alt(Key key) { return key == Key::left_alt || key == Key::right_alt; }
    [[nodiscard]] bool allows_key(const Step& step) const {
        const Key key{static_cast<uint8_t>(step.address)};
        if ((is_modifier(key) && !scanning_) || (key == Key::print_screen && alts_down_ != 0))
            return false;
        return codes_.have_room_for(step);
    }
    void follow_key(const Step& step) {
        const Key key{static_cast<uint8_t>(step.address)};
        if (is_alt(key)) {
            const unsigned bit = key == Key::left_alt ? 1 : 2;
            alts_down_ = step.value != 0 ? alts_down_ | bit : alts_down_ & ~bit;
        }
        keypad_sign_ |= key == Key::keypad_slash || key == Key::keypad_minus;
        codes_.add(step);
    }
    void follow_command(uint32_t value) {
        if (value == disable_keyboard || value == enable_keyboard)
            keyboard_disabled_ = value == disable_keyboard;
        if (value == write_command_byte || (value >= write_output_port && value <= write_mouse))
            awaiting_ = value;
    }
    void follow_data(uint32_t after, uint32_t value) {
        if (after == 0)
            follow_keyboard(value);
        else if (after == write_mouse)
            follow_mouse(value);
        else if (after == write_command_byte) {
            translates_ = value & translation;
            keyboard_disabled_ = value & keyboard_off;
        }
    }
    void follow_keyboard(uint32_t value) {
        keyboard_disabled_ = false;
        awaits_answer_ = false;
        if (keyboard_parameter_ == 0) {
            if (value == default_disable || value == set_default || value == device_reset)
                codes_.clear();
            if (value == default_disable)
                scanning_ = false;
            else if (value == enable || value == set_default || value == device_reset)
                scanning_ = true;
        }
        if (keyboard_parameter_ == 0 ? value == identify
                                     : keyboard_parameter_ == scan_code_set && value == 0) {
            awaits_answer_ = true;
            answer_translated_ = translates_;
            retranslated_ = false;
        }
        constexpr uint32_t all_typematic = 0xF7, all_make = 0xF9;
        key_types_ |= keyboard_parameter_ == 0 && value >= all_typematic && value <= all_make;
        const bool has_parameter =
            value == set_leds || value == scan_code_set || value == set_typematic || value == key_make_break;
        keyboard_parameter_ = keyboard_parameter_ == 0 && has_parameter ? value : 0;
    }
    void follow_mouse(uint32_t value) {
        const uint32_t parameter_of = std::exchange(mouse_parameter_, 0);
        if (mouse_wraps_)
            mouse_wraps_ = value != reset_wrap;
        else if (parameter_of == set_sample_rate)
            mouse_rate_ = value;
        else if (parameter_of == 0 && (value == set_resolution || value == set_sample_rate))
            mouse_parameter_ = value;
        else if (parameter_of == 0)
            mouse_wraps_ = value == set_wrap;
    }

    uint32_t awaiting_ = 0, keyboard_parameter_ = 0, mouse_parameter_ = 0, mouse_rate_ = 0;
    bool mouse_wraps_ = false, key_types_ = false;
    bool translates_ = false, keyboard_disabled_ = false, scanning_ = true, retranslated_ = false;
    // The last answer is one that QEMU translates at the command, and did or did not.
    bool awaits_answer_ = false, answer_translated_ = false;
    bool keypad_sign_ = false; // one of those that QEMU has other codes for has been pressed or released
    unsigned alts_down_ = 0;
    WaitingCodes codes_;
};

class Generator {
public:
    explicit Generator(Random& random) : random_{random} {}

    Steps run() {
        const unsigned count = 3 + random_.below(25);
        careful_ = random_.one_in(2);
        if (random_.one_in(2)) { // as kernels like it, more often than chance would
            add(out(command, write_command_byte));
            add(out(data, interrupts | (random_.one_in(2) ? translation : 0)));
        }
        for (unsigned i = 0; i < count; ++i)
            act();
        return std::move(steps_);
    }

private:
    void act() {
        switch (random_.below(11)) {
        case 8:
            press_keys();
            break;
        case 9:
            fetch_all();
            break;
        case 10:
            choose_scan_codes();
            break;
        case 0:
            to_controller();
            break;
        case 1:
            add(out(command, write_command_byte));
            add(out(data, random_.one_in(2) ? interrupts : random_.below(256) & command_byte_bits));
            break;
        case 2:
        case 3:
            to_keyboard();
            break;
        case 4:
        case 5:
            to_mouse();
            break;
        case 6:
            look();
            break;
        default:
            if (!careful_)
                add(out(data, random_.below(256)));
            look();
            break;
        }
        if (careful_)
            fetch();
    }
    // Keys one after the other, some while others are held.
    void press_keys() {
        const unsigned count = 1 + random_.below(3);
        for (unsigned i = 0; i < count; ++i) {
            const Key key = random_.one_in(3)
                                ? random_.pick({Key::left_shift, Key::right_shift, Key::left_control,
                                                Key::right_control, Key::left_alt, Key::right_alt,
                                                Key::print_screen, Key::print_screen, Key::pause, Key::pause})
                                : static_cast<Key>(random_.below(models::key_count));
            if (!random_.one_in(6))
                add_key(key, true);
            if (random_.one_in(2))
                answer();
            if (random_.one_in(2))
                add_key(key, false);
        }
        if (random_.one_in(2))
            fetch_all();
    }
    void add_key(Key key, bool down) {
        const Step step = qtest::key(static_cast<uint32_t>(key), down);
        if (follower_.allows(step))
            add(step);
    }
    void fetch_all() {
        for (unsigned i = 0; i < WaitingCodes::reads_for_all; ++i)
            add(in(data));
    }
    void choose_scan_codes() {
        add(out(data, scan_code_set));
        answer();
        add(out(data, 1 + random_.below(3)));
        answer();
    }
    void to_controller() {
        const uint32_t value = random_.pick(
            {read_command_byte, disable_mouse, enable_mouse, test_mouse_line, self_test, test_keyboard_line,
             disable_keyboard, enable_keyboard, read_input_port, read_output_port, write_output_port,
             write_keyboard_output, write_mouse_output, close_a20, open_a20, pulse_nothing});
        add(out(command, value));
        if (follower_.awaiting() != 0)
            add(out(data, random_.below(256)));
    }
    // Commands and, after some of them, a parameter.
    void to_keyboard() {
        const uint32_t value = first_keyboard_command + random_.below(0x100 - first_keyboard_command);
        add(out(data, random_.one_in(8) ? random_.below(256) : value));
        if (value == set_leds || value == scan_code_set || value == set_typematic || random_.one_in(16)) {
            answer();
            add(out(data, random_.below(random_.one_in(4) ? 256 : 4)));
        }
    }
    void to_mouse() {
        const uint32_t value = random_.pick_from(mouse_commands);
        mouse_byte(random_.one_in(8) ? random_.below(256) : value);
        if (value == set_resolution || random_.one_in(16))
            mouse_parameter(random_.below(4));
        else if (value == set_sample_rate && random_.one_in(2))
            mouse_parameter(random_.below(256));
        else if (value == set_sample_rate)
            ask_for_wheel();
    }
    void ask_for_wheel() {
        mouse_parameter(wheel_rate);
        for (const uint32_t rate : {100u, 80u}) {
            answer();
            mouse_byte(set_sample_rate);
            mouse_parameter(rate);
        }
        answer();
        mouse_byte(mouse_identify);
    }
    void mouse_byte(uint32_t value) {
        add(out(command, write_mouse));
        add(out(data, value));
    }
    void mouse_parameter(uint32_t value) {
        answer();
        mouse_byte(value);
    }
    void look() { add(in(random_.one_in(2) ? command : data)); }
    // As a driver: status, data.
    void answer() {
        if (!careful_ && random_.one_in(4))
            return;
        add(in(command));
        add(in(data));
    }
    void fetch() {
        for (unsigned i = 0; i < 1 + random_.below(5); ++i)
            answer();
    }
    void add(Step step) {
        while (!follower_.allows(step))
            step.value = random_.below(256);
        follower_.follow(step);
        steps_.push_back(step);
    }

    Random& random_;
    Steps steps_;
    Follower follower_;
    bool careful_ = false;
};

class Keyboard final : public Subject {
public:
    std::string_view name() const override { return "keyboard"; }
    uint32_t lines() const override { return 1u << 1 | 1u << 12; }
    Steps prologue() const override {
        Steps steps{out(command, self_test), in(data), out(data, device_reset), in(data), in(data)};
        steps.insert(steps.end(),
                     {out(command, write_mouse), out(data, device_reset), in(data), in(data), in(data)});
        return steps;
    }
    Steps generate(Random& random) const override { return Generator{random}.run(); }
    bool legal(const Steps& steps) const override {
        Follower follower;
        for (const Step& step : steps) {
            if (!follower.allows(step))
                return false;
            follower.follow(step);
        }
        return true;
    }
    std::vector<Features> features(const Steps& steps) const override {
        Follower follower;
        std::vector<Features> all;
        for (const Step& step : steps) {
            Features here;
            if (step.action == Action::write && step.address == command)
                here.insert(fmt::format("command:{:#x}", step.value));
            if (step.action == Action::write && step.address == data)
                here.insert(fmt::format("after:{:#x}", follower.awaiting()));
            follower.follow(step);
            if (follower.key_types())
                here.insert("key_types");
            if (follower.keypad_sign())
                here.insert("keypad_sign");
            if (follower.retranslated())
                here.insert("retranslated");
            all.push_back(std::move(here));
        }
        return all;
    }
};

} // namespace

std::unique_ptr<Subject> make_keyboard() {
    return std::make_unique<Keyboard>();
}

} // namespace fixpoint::qtest
