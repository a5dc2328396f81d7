// The MC146818A real-time clock and its CMOS memory, index at 0x70, data at 0x71.
//
// Source: Motorola MC146818A data sheet. The time of day starts from a configured instant and follows
// modelled time, never the host's. The periodic rates divide a 32,768 Hz clock that ticks from time 0 on, and
// seconds change at whole modelled seconds, so nothing drifts. The battery keeps time and memory through
// power cycles.
#pragma once

#include "models/chipset/rate.hpp"
#include "models/device.hpp"
#include "models/wire.hpp"

#include <array>
#include <cstdint>

namespace fixpoint::models {

class Rtc final : public Device {
public:
    Wire interrupt; // IRQ 8

    // Seconds since 1970, UTC, at time 0.
    explicit Rtc(int64_t start_unix_seconds);

    // Offsets: 0 index, 1 data.
    uint32_t read(uint32_t offset, unsigned bytes) override;
    void write(uint32_t offset, unsigned bytes, uint32_t value) override;
    void advance(Picoseconds now) override;
    [[nodiscard]] Picoseconds next_event() const override;
    void power_cycle(Picoseconds now) override;

    // What firmware leaves in the CMOS memory, addresses 14 to 127.
    void set_cmos(unsigned address, uint8_t value);
    [[nodiscard]] int64_t unix_seconds() const;

private:
    struct TimeOfDay {
        unsigned second, minute, hour, weekday, day, month; // weekday 1: Sunday
        int year;
    };
    [[nodiscard]] TimeOfDay time_of_day(int64_t unix_seconds) const;
    [[nodiscard]] uint8_t read_register(unsigned index);
    void write_register(unsigned index, uint8_t value);
    void write_time(unsigned index, uint8_t value);
    [[nodiscard]] uint8_t encode(unsigned value) const;
    [[nodiscard]] unsigned decode(uint8_t value) const;
    [[nodiscard]] uint8_t encode_hour(unsigned hour) const;
    [[nodiscard]] unsigned decode_hour(uint8_t value) const;
    [[nodiscard]] bool alarm_matches(int64_t unix_seconds) const;
    [[nodiscard]] uint64_t periodic_ticks() const; // of the 32,768 Hz clock; 0: off
    [[nodiscard]] bool running() const;
    void update_interrupt();

    static constexpr Rate crystal{32'768};
    int64_t start_;
    int64_t offset_ = 0;  // what setting the clock has added
    int64_t stopped_ = 0; // the time while SET stops it
    Picoseconds now_ = 0;
    unsigned index_ = 0;
    uint8_t a_, b_, c_ = 0;
    std::array<uint8_t, 128> memory_{};
};

} // namespace fixpoint::models
