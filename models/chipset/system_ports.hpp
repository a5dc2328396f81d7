// Single registers of the PC that have no chip of their own here: the keyboard controller's reset line and
// A20 gate, fast A20 and reset (0x92), the POST code (0x80), the coprocessor error register (0xF0), the debug
// console (0xE9) and QEMU's isa-debug-exit (0xF4).
//
// Sources: IBM PC/AT technical reference for the 8042's commands, PS/2 reference for port 0x92, 82371SB (PIIX3) data
// sheet for the coprocessor error, QEMU's documentation for isa-debug-exit. What the ports ask of the machine goes out
// through the callbacks.
//
// Coprocessor error: FERR# raises IRQ 13, which stays until port 0xF0 is written. That write also asserts IGNNE# while
// FERR# is asserted, so that the handler can use the x87; it falls with FERR#.
#pragma once

#include "models/device.hpp"
#include "models/wire.hpp"

#include <cstdint>
#include <functional>

namespace fixpoint::models {

class SystemPorts final : public Device {
public:
    // Offsets that the router maps the ports to.
    enum : uint32_t {
        keyboard_data = 0,     // 0x60
        keyboard_command = 1,  // 0x64
        fast_a20 = 2,          // 0x92
        post_code = 3,         // 0x80
        debug_console = 4,     // 0xE9
        coprocessor = 5,       // 0xF0
        coprocessor_reset = 6, // 0xF1, without effect: an 80287's
        debug_exit = 8,        // 0xF4-0xF7
        debug_exit_end = 12,
    };

    std::function<void()> on_reset;
    std::function<void(uint32_t value)> on_debug_exit;
    std::function<void(char)> on_debug_output;
    std::function<void(bool enabled)> on_a20;
    std::function<void(bool level)> on_ignore_numeric_error; // IGNNE#
    Wire coprocessor_interrupt;                              // IRQ 13

    void set_numeric_error(bool level); // FERR#

    uint32_t read(uint32_t offset, unsigned bytes) override;
    void write(uint32_t offset, unsigned bytes, uint32_t value) override;
    void advance(Picoseconds) override {}
    [[nodiscard]] Picoseconds next_event() const override { return never; }
    void power_cycle(Picoseconds now) override;

    [[nodiscard]] uint8_t last_post_code() const { return post_code_; }
    [[nodiscard]] uint32_t debug_exit_value() const { return debug_exit_value_; }

private:
    void write_output_port(uint8_t value);
    void set_a20(bool enabled);
    void set_ignore_numeric_error(bool level);
    void keyboard_write(uint8_t value);
    void keyboard_write_command(uint8_t command);
    void answer(uint8_t byte);

    uint8_t post_code_ = 0;
    uint32_t debug_exit_value_ = 0;
    bool a20_ = true;             // as firmware leaves it
    uint8_t fast_a20_ = 2;        // bit 1 A20, bit 0 reset
    uint8_t command_byte_ = 0x61; // as SeaBIOS leaves it: interrupts off at the 8042, translation on
    uint8_t awaiting_ = 0;        // command whose parameter byte comes next
    uint8_t answer_ = 0;
    bool answer_full_ = false;
    bool numeric_error_ = false, ignore_numeric_error_ = false;
};

} // namespace fixpoint::models
