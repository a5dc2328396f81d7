#include "models/chipset/system_ports.hpp"

namespace fixpoint::models {
namespace {

// 8042 status.
constexpr uint8_t output_full = 0x01, system_flag = 0x04, was_command = 0x08, keylock_open = 0x10;
// 8042 output port.
constexpr uint8_t not_reset = 0x01, a20_gate = 0x02, port_idle = 0xCC;
constexpr uint8_t acknowledge = 0xFA;

} // namespace

void SystemPorts::set_a20(bool enabled) {
    if (enabled == a20_)
        return;
    a20_ = enabled;
    if (on_a20)
        on_a20(enabled);
}

void SystemPorts::set_ignore_numeric_error(bool level) {
    if (level == ignore_numeric_error_)
        return;
    ignore_numeric_error_ = level;
    if (on_ignore_numeric_error)
        on_ignore_numeric_error(level);
}

void SystemPorts::set_numeric_error(bool level) {
    numeric_error_ = level;
    if (level)
        coprocessor_interrupt.set(true);
    else
        set_ignore_numeric_error(false);
}

void SystemPorts::write_output_port(uint8_t value) {
    set_a20(value & a20_gate);
    if (!(value & not_reset) && on_reset)
        on_reset();
}

void SystemPorts::answer(uint8_t byte) {
    answer_ = byte;
    answer_full_ = true;
}

void SystemPorts::keyboard_write_command(uint8_t command) {
    awaiting_ = 0;
    if (command >= 0xF0) { // pulses the output bits that are 0 in the low nibble
        if (!(command & not_reset) && on_reset)
            on_reset();
        return;
    }
    switch (command) {
    case 0x20:
        answer(command_byte_);
        break;
    case 0x60:
    case 0xD1:
        awaiting_ = command;
        break;
    case 0xAA:
        answer(0x55);
        break; // self-test passed
    case 0xAB:
        answer(0x00);
        break; // interface test passed
    case 0xAD:
        command_byte_ |= 0x10;
        break; // keyboard off
    case 0xAE:
        command_byte_ &= 0xEF;
        break; // and on
    case 0xD0:
        answer(static_cast<uint8_t>(port_idle | not_reset | (a20_ ? a20_gate : 0)));
        break;
    case 0xDD:
        set_a20(false);
        break;
    case 0xDF:
        set_a20(true);
        break;
    default:
        break;
    }
}

void SystemPorts::keyboard_write(uint8_t value) {
    switch (awaiting_) {
    case 0x60:
        command_byte_ = value;
        break;
    case 0xD1:
        write_output_port(value);
        break;
    default:
        answer(acknowledge);
        break; // the keyboard takes every command
    }
    awaiting_ = 0;
}

uint32_t SystemPorts::read(uint32_t offset, unsigned) {
    switch (offset) {
    case keyboard_data:
        answer_full_ = false;
        return answer_;
    case keyboard_command:
        return static_cast<uint32_t>(system_flag | was_command | keylock_open |
                                     (answer_full_ ? output_full : 0));
    case fast_a20:
        return fast_a20_;
    case post_code:
        return post_code_;
    case debug_console:
        return 0xE9; // how guests find the debug console
    case coprocessor:
    case coprocessor_reset:
        return 0xFF; // write-only
    default:
        return 0;
    }
}

void SystemPorts::write(uint32_t offset, unsigned bytes, uint32_t value) {
    const auto byte = static_cast<uint8_t>(value);
    switch (offset) {
    case keyboard_data:
        keyboard_write(byte);
        break;
    case keyboard_command:
        keyboard_write_command(byte);
        break;
    case fast_a20: {
        const bool reset = byte & ~fast_a20_ & 1; // on its rising edge
        fast_a20_ = byte & 3;
        set_a20(byte & 2);
        if (reset && on_reset)
            on_reset();
        break;
    }
    case post_code:
        post_code_ = byte;
        break;
    case debug_console:
        if (on_debug_output)
            on_debug_output(static_cast<char>(byte));
        break;
    case coprocessor:
        coprocessor_interrupt.set(false);
        if (numeric_error_)
            set_ignore_numeric_error(true);
        break;
    case debug_exit:
        debug_exit_value_ = bytes == 4 ? value : value & ((1u << 8 * bytes) - 1);
        if (on_debug_exit)
            on_debug_exit(debug_exit_value_);
        break;
    default:
        break;
    }
}

void SystemPorts::power_cycle(Picoseconds) {
    set_a20(true);
    fast_a20_ = 2;
    command_byte_ = 0x61;
    awaiting_ = 0;
    answer_full_ = false;
    set_numeric_error(false); // the processor is reset too
    coprocessor_interrupt.set(false);
}

} // namespace fixpoint::models
