#include "models/chipset/ps2_mouse.hpp"

#include <algorithm>

namespace fixpoint::models {
namespace {

enum Command : uint8_t {
    scaling_1_to_1 = 0xE6,
    scaling_2_to_1 = 0xE7,
    set_resolution = 0xE8,
    read_status = 0xE9,
    set_stream = 0xEA,
    read_data = 0xEB,
    reset_wrap = 0xEC,
    set_wrap = 0xEE,
    set_remote = 0xF0,
    identify = 0xF2,
    set_sample_rate = 0xF3,
    enable = 0xF4,
    disable = 0xF5,
    set_default = 0xF6,
    resend = 0xFE,
    reset = 0xFF,
};
constexpr uint8_t first_command = scaling_1_to_1;

constexpr uint8_t acknowledge = 0xFA, ask_again = 0xFE, self_test_passed = 0xAA;
constexpr uint8_t plain = 0x00, with_wheel = 0x03; // identities
constexpr uint8_t default_resolution = 2 /* 4 counts a mm */, default_sample_rate = 100;

// First byte of a packet; buttons in bits 0-2.
constexpr uint8_t always = 0x08, x_negative = 0x10, y_negative = 0x20;
constexpr int furthest = 255; // in one packet: nine bits with sign
// Status.
constexpr uint8_t is_remote = 0x40, is_enabled = 0x20, is_scaling_2_to_1 = 0x10;

constexpr Picoseconds self_test_time = 50 * ps_per_ms; // as short as the keyboard's

} // namespace

// All of it or nothing.
void Ps2Mouse::answer(std::initializer_list<uint8_t> bytes) {
    if (bytes_.room() < bytes.size())
        return;
    for (const uint8_t byte : bytes)
        bytes_.push(byte);
}

void Ps2Mouse::move(int dx, int dy, uint8_t buttons) {
    if (!enabled_ || self_test_ends_ != never)
        return;
    dx_ += dx;
    dy_ += dy;
    buttons_ = buttons & (left_button | right_button | middle_button);
    report_movement();
}

// In stream mode: as long as there is something new, and room.
void Ps2Mouse::report_movement() {
    while (enabled_ && !remote_ && !wrap_ && (dx_ != 0 || dy_ != 0 || buttons_ != reported_buttons_) &&
           bytes_.room() >= packet_bytes())
        report();
}

void Ps2Mouse::report() {
    if (bytes_.room() < packet_bytes())
        return;
    const int dx = std::clamp(dx_, -furthest, furthest), dy = std::clamp(dy_, -furthest, furthest);
    dx_ -= dx;
    dy_ -= dy;
    reported_buttons_ = buttons_;
    bytes_.push(
        static_cast<uint8_t>(always | buttons_ | (dx < 0 ? x_negative : 0) | (dy < 0 ? y_negative : 0)));
    bytes_.push(static_cast<uint8_t>(dx));
    bytes_.push(static_cast<uint8_t>(dy));
    if (identity_ == with_wheel)
        bytes_.push(0); // nobody turns it
}

uint8_t Ps2Mouse::take() {
    if (!bytes_.empty())
        last_sent_ = bytes_.pop();
    report_movement();
    return last_sent_;
}

void Ps2Mouse::receive(uint8_t byte) {
    self_test_ends_ = never; // a command breaks it off
    const uint8_t command = awaiting_;
    awaiting_ = 0;
    if (wrap_ && byte != reset_wrap && byte != reset)
        answer({byte});
    else if (command != 0 && byte < first_command)
        take_parameter(command, byte);
    else
        execute(byte);
}

uint8_t Ps2Mouse::status() const {
    const auto bit = [](bool set, unsigned mask) { return set ? mask : 0u; };
    return static_cast<uint8_t>(bit(remote_, is_remote) | bit(enabled_, is_enabled) |
                                bit(scaling_2_to_1_, is_scaling_2_to_1) | bit(buttons_ & left_button, 4) |
                                bit(buttons_ & middle_button, 2) | bit(buttons_ & right_button, 1));
}

void Ps2Mouse::execute(uint8_t command) {
    switch (command) {
    case scaling_1_to_1:
    case scaling_2_to_1:
        scaling_2_to_1_ = command == scaling_2_to_1;
        answer({acknowledge});
        break;
    case set_resolution:
    case set_sample_rate:
        awaiting_ = command;
        answer({acknowledge});
        break;
    case read_status:
        answer({acknowledge, status(), resolution_, sample_rate_});
        break;
    case set_stream:
    case set_remote:
        remote_ = command == set_remote;
        answer({acknowledge});
        break;
    case read_data:
        answer({acknowledge});
        report();
        break;
    case set_wrap:
    case reset_wrap:
        wrap_ = command == set_wrap;
        answer({acknowledge});
        break;
    case identify:
        answer({acknowledge, identity_});
        break;
    case enable:
    case disable:
        enabled_ = command == enable;
        answer({acknowledge});
        break;
    case set_default:
        set_defaults();
        answer({acknowledge});
        break;
    case resend:
        answer({last_sent_});
        break;
    case reset:
        set_defaults();
        identity_ = plain;
        rates_before_ = {};
        bytes_.clear();
        answer({acknowledge});
        if (instant_)
            end_self_test();
        else
            self_test_ends_ = now_ + self_test_time;
        break;
    default:
        answer({ask_again});
        break;
    }
}

void Ps2Mouse::take_parameter(uint8_t command, uint8_t parameter) {
    answer({acknowledge});
    if (command == set_resolution) {
        resolution_ = parameter;
        return;
    }
    if (rates_before_[0] == 200 && rates_before_[1] == 100 && parameter == 80)
        identity_ = with_wheel;
    rates_before_ = {rates_before_[1], parameter};
    sample_rate_ = parameter;
}

void Ps2Mouse::set_defaults() {
    enabled_ = remote_ = wrap_ = scaling_2_to_1_ = false;
    resolution_ = default_resolution;
    sample_rate_ = default_sample_rate;
    dx_ = dy_ = 0;
    buttons_ = reported_buttons_ = 0;
}

void Ps2Mouse::end_self_test() {
    self_test_ends_ = never;
    answer({self_test_passed, identity_});
}

void Ps2Mouse::advance(Picoseconds now) {
    now_ = now;
    if (self_test_ends_ <= now)
        end_self_test();
}

void Ps2Mouse::initialise() {
    set_defaults();
    identity_ = plain;
    rates_before_ = {};
    bytes_.clear();
    awaiting_ = last_sent_ = 0;
    self_test_ends_ = never;
}

void Ps2Mouse::power_cycle(Picoseconds now) {
    now_ = now;
    initialise();
}

} // namespace fixpoint::models
