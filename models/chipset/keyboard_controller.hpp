// The 8042 keyboard controller with a PS/2 keyboard and a PS/2 mouse.
//
// Sources: IBM PS/2 Hardware Interface Technical Reference; Winbond W83977TF data sheet (chapter 6); where they are
// silent QEMU 7.2's behaviour, as observed through its registers.
//
//   keyboard --line--> request ---+
//   mouse    --line--> request ---+--> output buffer (0x60), status OBF and AUX --> IRQ 1 or IRQ 12
//   controller's answer ----------+
//
// A byte stays with its device until port 0x60 is read; what is chosen when the output buffer becomes free is whose byte
// that will be: the controller's answer first, then the keyboard's, then the mouse's; a device that has just been served
// goes behind the other. The line between device and controller takes the time of the byte's bits, in both directions;
// with `instant` bytes are there at once. While a byte is on its way to a device IBF is set; who does not wait for it
// hurries the byte there. The controller's own work takes no time. There are neither parity errors nor timeouts.
//
// The A20 gate is a bit of the output port. Port 0x92 has one of its own (see SystemPorts), and neither sees the other's:
// whoever writes last has the line, so on_a20 is called by every write, whether the bit changes or not.
#pragma once

#include "models/chipset/ps2_keyboard.hpp"
#include "models/chipset/ps2_mouse.hpp"
#include "models/device.hpp"
#include "models/wire.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>

namespace fixpoint::models {

class KeyboardController final : public Device {
public:
    // Offsets that the router maps the ports to.
    enum : uint32_t {
        data = 0,    // 0x60
        command = 1, // 0x64
    };

    Wire keyboard_interrupt; // IRQ 1
    Wire mouse_interrupt;    // IRQ 12
    std::function<void()> on_reset;
    std::function<void(bool open)> on_a20;
    // The keyboard scans its keys and all its bytes have been read: somebody may press some.
    std::function<void(Ps2Keyboard&)> on_keyboard_idle;

    explicit KeyboardController(bool instant);

    // After something was done to one of them, advance() looks for what it has to say.
    [[nodiscard]] Ps2Keyboard& keyboard() { return keyboard_; }
    [[nodiscard]] Ps2Mouse& mouse() { return mouse_; }

    uint32_t read(uint32_t offset, unsigned bytes) override;
    void write(uint32_t offset, unsigned bytes, uint32_t value) override;
    void advance(Picoseconds now) override;
    [[nodiscard]] Picoseconds next_event() const override;
    void power_cycle(Picoseconds now) override;
    // The controller's alone: the devices on its lines have no reset line.
    void reset(Picoseconds now) override;
    // After power-on or reset: as SeaBIOS leaves it. The keyboard is initialised, its interrupt is on, its codes are
    // translated; the mouse is off.
    void leave_firmware_state();

private:
    enum class Source : uint8_t { none, controller, keyboard, mouse };
    // From a device to the controller.
    struct Line {
        Picoseconds arrives_at = never;
        bool requests = false; // the byte is here
    };
    struct Answer {
        uint8_t byte;
        bool from_mouse; // is shown as the mouse's
    };
    struct Sending {
        Source device;
        uint8_t byte;
        Picoseconds arrives_at;
    };

    [[nodiscard]] uint8_t& command_byte() { return ram_[0]; }
    [[nodiscard]] bool has(uint8_t command_byte_bit) const { return ram_[0] & command_byte_bit; }
    [[nodiscard]] uint8_t status() const;
    uint8_t read_data();
    uint8_t take_keyboard_byte();
    void write_data(uint8_t value);
    void write_command(uint8_t value);
    void write_output_port(uint8_t value);
    void set_a20(bool open);
    void answer(uint8_t byte, bool from_mouse = false) { answer_ = {byte, from_mouse}; }

    void step(Picoseconds now);
    void settle();
    void send(Source device, uint8_t byte);
    void finish_sending();
    void start(Line& line, bool has_byte, bool disabled, Picoseconds duration);
    void start_lines();
    void fill_output_buffer();
    void update_interrupts();

    const bool instant_;
    Picoseconds now_ = 0;
    Ps2Keyboard keyboard_;
    Ps2Mouse mouse_;
    Line keyboard_line_, mouse_line_;
    std::optional<Sending> sending_;

    std::array<uint8_t, 32> ram_{}; // the first is the command byte
    uint8_t output_port_ = 0;
    uint8_t awaiting_ = 0; // command whose data byte comes next
    bool self_test_passed_ = false, command_was_last_ = false;
    Source source_ = Source::none; // whose byte is in the output buffer
    bool shown_as_mouse_ = false;
    std::optional<Answer> answer_;
    uint8_t last_read_ = 0;
};

} // namespace fixpoint::models
