// The 16550A serial port.
//
// Source: National PC16550D data sheet. Frames leave and come at the programmed speed. `instant` lets what is sent leave
// at once, and what a guest polls for come at once after its first byte; a guest that works by receive interrupt gets
// bytes at the line's speed, since nothing else keeps its buffers from overflowing.
//
// The other end of the line is patient: it keeps the next byte until the guest has set up the port, or looks at its
// status without doing so, and there is room, so nothing is overrun. It has the guest's speed and format: parity and
// framing errors do not occur, but those that a break brings in loopback. What the guest sends during a break is lost
// (the transmitter only times it); the other end sends none. It is ready (CTS, DSR, DCD) and never rings.
//
// That loopback passes a break on as it does data is an assumption: the data sheet has the break act on SOUT, and loopback
// connect the shift register's output.
//
// On the PC's serial adapter OUT2 gates the interrupt (PC/AT technical reference), and in loopback the pin is off. Many
// kernels never set it and rely on machines where the line is always connected: so it is here unless
// `out2_gates_interrupt` is set.
#pragma once

#include "models/device.hpp"
#include "models/wire.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <string_view>

namespace fixpoint::models {

class Uart final : public Device {
public:
    struct Habits {
        bool instant, out2_gates_interrupt;
    };

    Wire interrupt;

    explicit Uart(Habits habits) : habits_{habits} { power_cycle(0); }

    void set_output(std::function<void(char)> sink) { output_ = std::move(sink); }
    void feed_input(std::string_view bytes);
    // The guest has stopped for good: what it has written leaves at once, in its order.
    void drain();

    uint32_t read(uint32_t offset, unsigned bytes) override;
    void write(uint32_t offset, unsigned bytes, uint32_t value) override;
    void advance(Picoseconds now) override;
    [[nodiscard]] Picoseconds next_event() const override;
    void power_cycle(Picoseconds now) override;

private:
    // In the receive FIFO errors are kept with their byte, in the bits of the line status.
    struct Received {
        uint8_t byte, errors;
    };

    [[nodiscard]] unsigned data_bits() const { return 5 + (line_control_ & 3); }
    [[nodiscard]] uint8_t word_mask() const { return static_cast<uint8_t>((1u << data_bits()) - 1); }
    [[nodiscard]] Picoseconds frame_time() const;
    [[nodiscard]] size_t capacity() const { return fifo_enabled_ ? 16 : 1; }
    [[nodiscard]] size_t trigger_level() const;
    [[nodiscard]] Picoseconds receive_timeout_at() const;
    [[nodiscard]] uint8_t interrupt_identification() const;
    [[nodiscard]] bool listening() const;
    [[nodiscard]] Picoseconds arrival_after(Picoseconds at) const;
    [[nodiscard]] bool loops_break() const;
    [[nodiscard]] uint8_t modem_inputs() const;
    uint8_t read_data();
    uint8_t read_line_status();
    uint8_t read_modem_status();
    void write_interrupt_enable(uint8_t byte);
    void write_fifo_control(uint8_t byte);
    void write_line_control(uint8_t byte);
    void write_modem_control(uint8_t byte);
    void follow_break(bool before);
    void send(uint8_t byte);
    void start_frame(Picoseconds at);
    void end_frame();
    void receive(Received frame);
    void show_errors();
    void update_interrupt();

    std::function<void(char)> output_;
    Habits habits_;
    Picoseconds now_ = 0;

    std::deque<uint8_t> line_; // what the other end will send
    std::deque<Received> received_;
    std::deque<uint8_t> transmit_;
    uint8_t receive_buffer_ = 0; // the byte last received without FIFO; it can be read again and again
    uint8_t shifting_ = 0;
    Picoseconds sent_at_ = never;    // the frame in the shift register is out
    Picoseconds arrives_at_ = never; // the next frame from the line is in
    Picoseconds break_at_ = never;   // the break has lasted for a frame
    Picoseconds last_receive_ = 0;   // receive FIFO last touched, for the character timeout
    bool transmitter_empty_interrupt_ = false, timed_out_ = false, set_up_ = false;
    bool polled_ = false;      // since it was set up the guest has fetched a byte without an interrupt
    uint8_t line_errors_ = 0;  // until the line status is read
    uint8_t modem_deltas_ = 0; // until the modem status is read

    uint8_t interrupt_enable_ = 0, line_control_ = 0, modem_control_ = 0, scratch_ = 0;
    uint16_t divisor_ = 0;
    bool fifo_enabled_ = false;
    uint8_t fifo_trigger_ = 0; // bits 7-6 of the FIFO control
};

} // namespace fixpoint::models
