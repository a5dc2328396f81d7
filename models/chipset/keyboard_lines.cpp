// The lines to the devices, and whose byte is in the output buffer.
#include "models/chipset/keyboard_controller.hpp"
#include "models/chipset/keyboard_registers.hpp"

#include <algorithm>

namespace fixpoint::models {

using namespace keyboard_register;

namespace {

// The lines' clock is 10 to 16.7 kHz. To the controller: start, eight data bits, parity, stop; to a device also its
// acknowledgement.
constexpr Picoseconds bit_time = 80 * ps_per_us, byte_time = 11 * bit_time, send_time = 12 * bit_time;

} // namespace

// Levels follow when a byte comes or goes and when the command byte is written; enabling and disabling the keyboard
// by command leaves them alone, as in QEMU.
void KeyboardController::update_interrupts() {
    const bool full = source_ != Source::none;
    keyboard_interrupt.set(full && !shown_as_mouse_ && has(keyboard_interrupt_on) && !has(keyboard_disabled));
    mouse_interrupt.set(full && shown_as_mouse_ && has(mouse_interrupt_on));
}

void KeyboardController::fill_output_buffer() {
    if (source_ != Source::none)
        return;
    if (answer_)
        source_ = Source::controller;
    else if (keyboard_line_.requests && !has(keyboard_disabled))
        source_ = Source::keyboard;
    else if (mouse_line_.requests && !has(mouse_disabled))
        source_ = Source::mouse;
    else
        return;
    shown_as_mouse_ = source_ == Source::mouse || (source_ == Source::controller && answer_->from_mouse);
    output_port_ = static_cast<uint8_t>((output_port_ & ~(is_output_full | is_mouse_output_full)) |
                                        is_output_full | (shown_as_mouse_ ? is_mouse_output_full : 0));
    update_interrupts();
}

void KeyboardController::start(Line& line, bool has_byte, bool disabled, Picoseconds duration) {
    if (line.requests)
        return;
    if (!has_byte || disabled)
        line.arrives_at = never; // the clock is held low: the byte will be sent again
    else if (instant_)
        line.requests = true;
    else if (line.arrives_at == never)
        line.arrives_at = now_ + duration;
}

void KeyboardController::start_lines() {
    const bool with_prefix = has(translates) && keyboard_.has_byte() && keyboard_.front() == break_prefix;
    const bool to_keyboard = sending_ && sending_->device == Source::keyboard;
    const bool to_mouse = sending_ && sending_->device == Source::mouse;
    start(keyboard_line_, keyboard_.has_byte(), has(keyboard_disabled) || to_keyboard,
          with_prefix ? 2 * byte_time : byte_time);
    start(mouse_line_, mouse_.has_byte(), has(mouse_disabled) || to_mouse, byte_time);
}

// After anything that may have given somebody something to say or to do.
void KeyboardController::settle() {
    if (on_keyboard_idle && keyboard_.is_idle())
        on_keyboard_idle(keyboard_);
    start_lines();
    fill_output_buffer();
}

void KeyboardController::send(Source device, uint8_t byte) {
    Line& line = device == Source::mouse ? mouse_line_ : keyboard_line_;
    if (source_ != device) // what is on the line gives way
        line = {};
    sending_ = {device, byte, instant_ ? now_ : now_ + send_time};
    if (instant_)
        finish_sending();
}

void KeyboardController::finish_sending() {
    if (!sending_)
        return;
    if (sending_->device == Source::mouse)
        mouse_.receive(sending_->byte);
    else
        keyboard_.receive(sending_->byte);
    sending_.reset();
}

void KeyboardController::step(Picoseconds now) {
    now_ = now;
    keyboard_.advance(now);
    mouse_.advance(now);
    if (sending_ && sending_->arrives_at <= now)
        finish_sending();
    for (Line* line : {&keyboard_line_, &mouse_line_})
        if (line->arrives_at <= now)
            *line = {.arrives_at = never, .requests = true};
    settle();
}

void KeyboardController::advance(Picoseconds now) {
    while (next_event() < now)
        step(next_event());
    step(now);
}

Picoseconds KeyboardController::next_event() const {
    return std::min({keyboard_.next_event(), mouse_.next_event(), keyboard_line_.arrives_at,
                     mouse_line_.arrives_at, sending_ ? sending_->arrives_at : never});
}

// Translation drops the break prefix and sets a bit of the code instead.
uint8_t KeyboardController::take_keyboard_byte() {
    const uint8_t byte = keyboard_.take();
    if (!has(translates))
        return byte;
    if (byte == break_prefix)
        return translate_scan_code(keyboard_.take()) | break_bit;
    return translate_scan_code(byte);
}

uint8_t KeyboardController::read_data() {
    if (source_ == Source::none)
        return last_read_;
    const Source served = source_;
    source_ = Source::none;
    output_port_ &= static_cast<uint8_t>(~(is_output_full | is_mouse_output_full));
    update_interrupts();
    if (served == Source::controller) {
        last_read_ = answer_->byte;
        answer_.reset();
    } else if (served == Source::keyboard) {
        last_read_ = take_keyboard_byte();
        keyboard_line_ = {};
    } else {
        last_read_ = mouse_.take();
        mouse_line_ = {};
    }
    fill_output_buffer(); // the other device's byte, if there is one
    settle();
    return last_read_;
}

} // namespace fixpoint::models
