#include "models/chipset/keyboard_controller.hpp"
#include "models/chipset/keyboard_registers.hpp"

namespace fixpoint::models {

using namespace keyboard_register;

namespace {

constexpr uint8_t input_port = 0x80;                   // not locked
constexpr uint8_t keyboard_clock = 1, mouse_clock = 2; // test inputs

enum Command : uint8_t {
    read_ram = 0x20, // 20-3F
    write_ram = 0x60,
    last_write_ram = 0x7F,
    test_password = 0xA4,
    disable_mouse = 0xA7,
    enable_mouse = 0xA8,
    test_mouse_line = 0xA9,
    self_test = 0xAA,
    test_keyboard_line = 0xAB,
    disable_keyboard = 0xAD,
    enable_keyboard = 0xAE,
    read_input_port = 0xC0,
    read_output_port = 0xD0,
    write_output_port_next = 0xD1,
    write_keyboard_output = 0xD2,
    write_mouse_output = 0xD3,
    write_mouse = 0xD4,
    close_a20 = 0xDD,
    open_a20 = 0xDF,
    read_test_inputs = 0xE0,
    pulse_output_port = 0xF0, // F0-FF
};
constexpr uint8_t ram_index = 0x1F, pulse_mask = 0xF0;
constexpr uint8_t no_password = 0xF1, self_test_result = 0x55, line_is_good = 0x00;

constexpr uint8_t keyboard_acknowledge = 0xFA; // the last byte that firmware reads

} // namespace

KeyboardController::KeyboardController(bool instant)
    : instant_{instant}, keyboard_{instant}, mouse_{instant} {
    power_cycle(0);
}

uint8_t KeyboardController::status() const {
    return static_cast<uint8_t>(not_inhibited | (source_ != Source::none ? output_full : 0) |
                                (sending_ ? input_full : 0) |
                                (self_test_passed_ || has(system_flag_set) ? system_flag : 0) |
                                (command_was_last_ ? was_command : 0) |
                                (source_ != Source::none && shown_as_mouse_ ? mouse_output_full : 0));
}

void KeyboardController::set_a20(bool open) {
    if (on_a20)
        on_a20(open);
}

void KeyboardController::write_output_port(uint8_t value) {
    output_port_ = value;
    set_a20(value & a20_gate);
    if (!(value & not_reset) && on_reset)
        on_reset();
}

void KeyboardController::write_data(uint8_t value) {
    finish_sending();
    command_was_last_ = false;
    const uint8_t expecting = awaiting_;
    awaiting_ = 0;
    switch (expecting) {
    case 0: // for the keyboard; sending to a device enables it
        command_byte() &= static_cast<uint8_t>(~keyboard_disabled);
        send(Source::keyboard, value);
        break;
    case write_mouse:
        command_byte() &= static_cast<uint8_t>(~mouse_disabled);
        send(Source::mouse, value);
        break;
    case write_ram:
        command_byte() = value;
        update_interrupts();
        break;
    case write_output_port_next:
        write_output_port(value);
        break;
    case write_keyboard_output:
        answer(value);
        break;
    case write_mouse_output:
        answer(value, true);
        break;
    default:
        ram_[expecting & ram_index] = value;
        break;
    }
}

void KeyboardController::write_command(uint8_t value) {
    finish_sending();
    command_was_last_ = true;
    if ((value & pulse_mask) == pulse_output_port) { // the bits that are 0 go low for 6 us
        if (!(value & not_reset) && on_reset)
            on_reset();
        return;
    }
    if ((value & ~ram_index) == read_ram)
        return answer(ram_[value & ram_index]);
    if (value >= write_ram && value <= last_write_ram) {
        awaiting_ = value;
        return;
    }
    switch (value) {
    case write_output_port_next:
    case write_keyboard_output:
    case write_mouse_output:
    case write_mouse:
        awaiting_ = value;
        break;
    case test_password:
        answer(no_password);
        break;
    case disable_mouse:
        command_byte() |= mouse_disabled;
        break;
    case enable_mouse:
        command_byte() &= static_cast<uint8_t>(~mouse_disabled);
        break;
    case self_test:
        self_test_passed_ = true;
        answer(self_test_result);
        break;
    case test_mouse_line:
    case test_keyboard_line:
        answer(line_is_good);
        break;
    case disable_keyboard:
        command_byte() |= keyboard_disabled;
        break;
    case enable_keyboard:
        command_byte() &= static_cast<uint8_t>(~keyboard_disabled);
        break;
    case read_input_port:
        answer(input_port);
        break;
    case read_output_port:
        answer(output_port_);
        break;
    case close_a20:
    case open_a20:
        output_port_ = static_cast<uint8_t>((output_port_ & ~a20_gate) | (value == open_a20 ? a20_gate : 0));
        set_a20(value == open_a20);
        break;
    case read_test_inputs: // a disabled device's clock is held low
        answer(static_cast<uint8_t>((has(keyboard_disabled) ? 0 : keyboard_clock) |
                                    (has(mouse_disabled) ? 0 : mouse_clock)));
        break;
    default:
        break; // unknown ones have no effect
    }
}

uint32_t KeyboardController::read(uint32_t offset, unsigned) {
    return offset == data ? read_data() : status();
}

void KeyboardController::write(uint32_t offset, unsigned, uint32_t value) {
    if (offset == data)
        write_data(static_cast<uint8_t>(value));
    else
        write_command(static_cast<uint8_t>(value));
    settle();
}

void KeyboardController::power_cycle(Picoseconds now) {
    keyboard_.power_cycle(now);
    mouse_.power_cycle(now);
    last_read_ = 0;
    reset(now);
}

void KeyboardController::reset(Picoseconds now) {
    now_ = now;
    sending_.reset();
    keyboard_line_ = mouse_line_ = {};
    ram_ = {power_on_command_byte};
    output_port_ = idle_lines | a20_gate | not_reset;
    awaiting_ = 0;
    self_test_passed_ = false;
    command_was_last_ = true;
    source_ = Source::none;
    shown_as_mouse_ = false;
    answer_.reset();
    update_interrupts();
}

void KeyboardController::leave_firmware_state() {
    command_byte() = firmware_command_byte;
    self_test_passed_ = true;
    command_was_last_ = false;
    last_read_ = keyboard_acknowledge;
    keyboard_.set_defaults();
    mouse_.initialise();
}

} // namespace fixpoint::models
