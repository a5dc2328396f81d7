// The bits of the keyboard controller's registers; see keyboard_controller.hpp.
#pragma once

#include <cstdint>

namespace fixpoint::models::keyboard_register {

// Status.
constexpr uint8_t output_full = 0x01, input_full = 0x02, system_flag = 0x04, was_command = 0x08,
                  not_inhibited = 0x10, mouse_output_full = 0x20;
// Command byte.
constexpr uint8_t keyboard_interrupt_on = 0x01, mouse_interrupt_on = 0x02, system_flag_set = 0x04,
                  keyboard_disabled = 0x10, mouse_disabled = 0x20, translates = 0x40;
constexpr uint8_t power_on_command_byte = keyboard_interrupt_on | mouse_interrupt_on;
constexpr uint8_t firmware_command_byte = translates | mouse_disabled | keyboard_interrupt_on;
// Output port. The other bits are the lines to the keyboard, high.
constexpr uint8_t not_reset = 0x01, a20_gate = 0x02, is_output_full = 0x10, is_mouse_output_full = 0x20,
                  idle_lines = 0xCC;

} // namespace fixpoint::models::keyboard_register
