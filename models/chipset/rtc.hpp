// The MC146818A real-time clock and its CMOS memory, index at 0x70, data at 0x71.
//
// Source: Motorola MC146818A data sheet. The time of day starts from a configured instant and follows
// modelled time, never the host's. The periodic rates divide a 32,768 Hz clock that ticks from time 0 on, and
// seconds change at whole modelled seconds, so nothing drifts; both begin anew when software resets the divider: the
// first update comes half a second after its release. The battery keeps time and memory through power cycles.
//
// While SET or the divider's reset stops the clock, the ten time registers and the century are bytes in memory, as
// software writes them one by one; they become a time when the clock goes on. The day of the week then follows from the
// date.
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

private:
    struct TimeOfDay {
        unsigned second, minute, hour, weekday, day, month; // weekday 1: Sunday
        int year;
    };
    [[nodiscard]] TimeOfDay time_of_day(int64_t unix_seconds) const;
    [[nodiscard]] uint8_t read_register(unsigned index);
    void write_register(unsigned index, uint8_t value);
    void write_a(uint8_t value);
    void write_b(uint8_t value);
    void stop();   // the time goes into the registers
    void resume(); // and out of them
    [[nodiscard]] uint8_t time_register(unsigned index) const;
    [[nodiscard]] int64_t time_in_registers() const;
    [[nodiscard]] uint8_t encode(unsigned value) const;
    [[nodiscard]] unsigned decode(uint8_t value) const;
    [[nodiscard]] uint8_t encode_hour(unsigned hour) const;
    [[nodiscard]] unsigned decode_hour(uint8_t value) const;
    [[nodiscard]] bool alarm_matches(int64_t unix_seconds) const;
    [[nodiscard]] uint64_t periodic_ticks() const; // of the 32,768 Hz clock; 0: off
    [[nodiscard]] bool running() const;
    void update(int64_t times); // of the time, once a second
    void update_interrupt();

    static constexpr Rate crystal{32'768};
    int64_t seconds_; // since 1970, UTC, while the clock runs
    Picoseconds now_ = 0;
    Picoseconds divider_start_ = 0; // when its reset ended
    Picoseconds next_update_ = ps_per_second;
    unsigned index_ = 0;
    uint8_t a_, b_, c_ = 0;
    std::array<uint8_t, 128> memory_{};
};

} // namespace fixpoint::models
