// The 8254 timer and system control port B (0x61), which holds channel 2's gate and output.
//
// Source: Intel 8254 data sheet (231164). A channel is a function of the tick number: the count was loaded at
// a tick, and output and remaining count follow from the ticks since. So nothing is done per tick and nothing
// drifts. The clock is 1,193,182 Hz from time 0 on; a count written at an instant is loaded by the next tick.
#pragma once

#include "models/chipset/rate.hpp"
#include "models/device.hpp"
#include "models/wire.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace fixpoint::models {

class TimerChannel {
public:
    // Control word (bits 5-0) and count registers, at tick `now`.
    void write_control(uint8_t control, uint64_t now);
    void write_count(uint8_t value, uint64_t now);
    uint8_t read_count(uint64_t now);
    void latch_count(uint64_t now);
    void latch_status(uint64_t now);
    void set_gate(bool level, uint64_t now);

    [[nodiscard]] bool gate() const { return gate_; }
    [[nodiscard]] bool output(uint64_t now) const;
    // The first tick after `now` at which the output changes, if any.
    [[nodiscard]] std::optional<uint64_t> next_change(uint64_t now) const;
    // A count written while counting is taken over at the end of the period, of the half period in mode 3.
    void advance(uint64_t now);

private:
    enum class Access : uint8_t { low = 1, high = 2, both = 3 };
    static constexpr uint64_t no_tick = ~uint64_t{0};

    void load(uint32_t count, uint64_t at);
    void take_count(uint32_t count, uint64_t now);
    void freeze(uint64_t now);
    [[nodiscard]] bool load_is_due(uint64_t now) const;
    [[nodiscard]] uint64_t elapsed(uint64_t now) const;
    [[nodiscard]] uint64_t end_of_cycle(uint64_t now) const;
    [[nodiscard]] uint32_t newest_count() const { return pending_ ? pending_->count : count_; }
    [[nodiscard]] uint32_t remaining(uint64_t now) const;
    [[nodiscard]] uint16_t count_bytes(uint64_t now) const;
    [[nodiscard]] bool periodic() const { return mode_ == 2 || mode_ == 3; }
    [[nodiscard]] bool triggered() const { return mode_ == 1 || mode_ == 5; }
    [[nodiscard]] uint32_t modulus() const { return bcd_ ? 10'000 : 65'536; }
    [[nodiscard]] uint32_t high_half() const { return (count_ + 1) / 2; } // of mode 3

    uint8_t control_ = 0x30; // as written, for the status
    uint8_t mode_ = 0;
    Access access_ = Access::both;
    bool bcd_ = false;
    bool gate_ = true;

    // The counting element.
    bool loaded_ = false;       // it has been, or will be at the next tick, since the control word
    bool load_is_new_ = false;  // that load brings a count that was written since the one before
    bool level_before_ = false; // of the output until the load at `loaded_at_`
    uint32_t count_ = 0;        // 1 to modulus()
    uint64_t loaded_at_ = 0;    // modulo 2^64: a square wave may begin with its second half before tick 0
    std::optional<uint64_t> stopped_; // ticks it had counted when the gate or a first byte stopped it
    bool between_bytes_ = false;      // mode 0
    uint64_t trigger_ = no_tick; // modes 1 and 5: the last tick in which the gate rose; the next CLK sees it
    uint64_t strobe_until_ = no_tick; // mode 4: the last tick of a strobe in which the gate has stopped it
    // The count register, while the counting element has not taken it: at a tick, or with the gate's rising edge.
    struct Pending {
        uint32_t count;
        uint64_t at; // or no_tick
    };
    std::optional<Pending> pending_;

    uint8_t low_byte_ = 0;
    bool high_byte_next_write_ = false, high_byte_next_read_ = false;
    std::optional<uint16_t> latched_count_;
    std::optional<uint8_t> latched_status_;
};

class Pit final : public Device {
public:
    static constexpr uint64_t frequency_hz = 1'193'182;
    // Offsets: 0-3 the 8254, 4 port 0x61.
    static constexpr uint32_t port_b_offset = 4;

    Wire timer; // channel 0's output: IRQ 0

    Pit();
    uint32_t read(uint32_t offset, unsigned bytes) override;
    void write(uint32_t offset, unsigned bytes, uint32_t value) override;
    void advance(Picoseconds now) override;
    [[nodiscard]] Picoseconds next_event() const override;
    void power_cycle(Picoseconds now) override;

private:
    static constexpr Rate clock{frequency_hz};
    [[nodiscard]] uint64_t tick() const { return clock.ticks_at(now_); }
    void write_control(uint8_t value);

    Picoseconds now_ = 0;
    std::array<TimerChannel, 3> channels_;
    uint8_t port_b_ = 0;
};

} // namespace fixpoint::models
