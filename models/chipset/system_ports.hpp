// Single registers of the PC that have no chip of their own here: fast A20 and reset (0x92), the POST code (0x80), the
// coprocessor error register (0xF0), the debug console (0xE9), QEMU's isa-debug-exit (0xF4, and where QEMU has it by
// itself, 0x501) and Bochs's shutdown port (0x8900).
//
// Sources: PS/2 reference for port 0x92, 82371SB (PIIX3) data sheet for the coprocessor error, QEMU's documentation for
// isa-debug-exit, Bochs's for the shutdown port. What the ports ask of the machine goes out through the callbacks.
//
// The keyboard controller has an A20 gate, too; whoever writes last has the line, so on_a20 is called by every write,
// whether the bit changes or not.
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
        fast_a20 = 0,          // 0x92
        post_code = 1,         // 0x80
        debug_console = 2,     // 0xE9
        coprocessor = 3,       // 0xF0
        coprocessor_reset = 4, // 0xF1, without effect: an 80287's
        shutdown = 5,          // 0x8900
        debug_exit = 8,        // 0xF4-0xF7, and 0x501-0x504
        debug_exit_end = 12,
    };

    std::function<void()> on_reset;
    std::function<void(uint32_t value)> on_debug_exit;
    std::function<void()> on_shutdown; // "Shutdown" was written to 0x8900, letter by letter
    std::function<void(char)> on_debug_output;
    std::function<void(bool open)> on_a20;
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
    void write_fast_a20(uint8_t value);
    void write_shutdown(char letter);
    void write_debug_exit(unsigned port, unsigned bytes, uint32_t value);
    void set_ignore_numeric_error(bool level);

    uint8_t post_code_ = 0;
    unsigned shutdown_letters_ = 0; // that have come
    uint32_t debug_exit_value_ = 0;
    uint8_t fast_a20_ = 2; // bit 1 A20, bit 0 reset; as firmware leaves it
    bool numeric_error_ = false, ignore_numeric_error_ = false;
};

} // namespace fixpoint::models
