#include "models/chipset/ps2_keyboard.hpp"

namespace fixpoint::models {
namespace {

enum Command : uint8_t {
    set_leds = 0xED,
    echo = 0xEE,
    scan_code_set = 0xF0,
    identify = 0xF2,
    set_typematic = 0xF3,
    enable = 0xF4,
    default_disable = 0xF5,
    set_default = 0xF6,
    all_typematic = 0xF7, // F7-FA: a type for all keys of set 3
    all_typematic_make_break = 0xFA,
    key_typematic = 0xFB, // FB-FD: a type for the key that follows
    key_make = 0xFD,
    resend = 0xFE,
    reset = 0xFF,
    no_command = 0x00, // acknowledged, as QEMU does
};
constexpr uint8_t first_command = set_leds;

constexpr uint8_t acknowledge = 0xFA, ask_again = 0xFE, self_test_passed = 0xAA;
constexpr uint8_t identity_low = 0xAB, identity_high = 0x83;
constexpr uint8_t overrun_set_1 = 0xFF, overrun_other_sets = 0x00;
constexpr uint8_t led_bits = 7;
// A real keyboard's basic assurance test takes 300 to 500 ms, but firmware that was written for emulators (Bochs's)
// gives up after 100 ms.
constexpr Picoseconds self_test_time = 50 * ps_per_ms;

} // namespace

HeldModifiers Ps2Keyboard::held_modifiers() const {
    const auto held = [this](Key key) { return held_[static_cast<size_t>(key)]; };
    return {.shift = held(Key::left_shift) || held(Key::right_shift),
            .control = held(Key::left_control) || held(Key::right_control),
            .alt = held(Key::left_alt) || held(Key::right_alt)};
}

void Ps2Keyboard::press(Key key) {
    held_.set(static_cast<size_t>(key));
    send(make_codes(key, set_, held_modifiers()));
}

void Ps2Keyboard::release(Key key) {
    held_.reset(static_cast<size_t>(key));
    send(break_codes(key, set_, held_modifiers()));
}

void Ps2Keyboard::send(const ScanCodes& codes) {
    if (!scans())
        return;
    if (codes_.size() + codes.size() <= buffer_bytes) {
        for (const uint8_t byte : codes)
            codes_.push(byte);
        overrun_ = false;
    } else if (!overrun_) {
        codes_.push(set_ == ScanCodeSet::set_1 ? overrun_set_1 : overrun_other_sets);
        overrun_ = true;
    }
}

uint8_t Ps2Keyboard::take() {
    if (!answers_.empty())
        last_sent_ = answers_.pop();
    else if (!codes_.empty())
        last_sent_ = codes_.pop();
    return last_sent_;
}

void Ps2Keyboard::receive(uint8_t byte) {
    if (byte == resend) {
        if (answers_.room() > 1) // the self-test's result will need its place
            answers_.push_front(last_sent_);
        return;
    }
    answers_.clear();
    self_test_ends_ = never; // a command breaks it off
    const uint8_t command = awaiting_;
    awaiting_ = 0;
    if (command != 0 && byte < first_command)
        take_parameter(command, byte);
    else
        execute(byte);
}

void Ps2Keyboard::execute(uint8_t command) {
    switch (command) {
    case set_leds:
    case scan_code_set:
    case set_typematic:
    case key_typematic:
    case key_typematic + 1:
    case key_make:
        awaiting_ = command;
        answer(acknowledge);
        break;
    case echo:
        answer(echo);
        break;
    case identify:
        answer(acknowledge);
        answer(identity_low);
        answer(identity_high);
        break;
    case enable:
        scanning_ = true;
        answer(acknowledge);
        break;
    case default_disable:
    case set_default:
        set_defaults();
        scanning_ = command == set_default;
        answer(acknowledge);
        break;
    case reset:
        set_defaults();
        answer(acknowledge);
        start_self_test();
        break;
    case no_command:
    case all_typematic:
    case all_typematic + 1:
    case all_typematic + 2:
    case all_typematic_make_break:
        answer(acknowledge);
        break;
    default:
        answer(ask_again);
        break;
    }
}

void Ps2Keyboard::take_parameter(uint8_t command, uint8_t parameter) {
    if (command == scan_code_set && parameter > static_cast<uint8_t>(ScanCodeSet::set_3)) {
        answer(ask_again);
        return;
    }
    answer(acknowledge);
    if (command == set_leds)
        leds_ = parameter & led_bits;
    else if (command == scan_code_set && parameter == 0)
        answer(static_cast<uint8_t>(set_));
    else if (command == scan_code_set)
        set_ = static_cast<ScanCodeSet>(parameter);
}

void Ps2Keyboard::start_self_test() {
    if (instant_)
        answer(self_test_passed);
    else
        self_test_ends_ = now_ + self_test_time;
}

void Ps2Keyboard::advance(Picoseconds now) {
    now_ = now;
    if (self_test_ends_ <= now) {
        self_test_ends_ = never;
        answer(self_test_passed);
    }
}

void Ps2Keyboard::set_defaults() {
    answers_.clear();
    codes_.clear();
    overrun_ = false;
    self_test_ends_ = never;
    awaiting_ = 0;
    scanning_ = true;
    set_ = ScanCodeSet::set_2;
    leds_ = 0;
}

void Ps2Keyboard::power_cycle(Picoseconds now) {
    now_ = now;
    set_defaults();
    last_sent_ = 0;
    if (!instant_)
        start_self_test();
}

} // namespace fixpoint::models
