#include "models/chipset/rtc.hpp"

#include <chrono>

namespace fixpoint::models {
namespace {

enum : unsigned {
    seconds_register = 0,
    seconds_alarm = 1,
    minutes_register = 2,
    minutes_alarm = 3,
    hours_register = 4,
    hours_alarm = 5,
    weekday_register = 6,
    day_register = 7,
    month_register = 8,
    year_register = 9,
    register_a = 10,
    register_b = 11,
    register_c = 12,
    register_d = 13,
    first_memory = 14,
    century_byte = 0x32, // where PC firmware keeps it
};
// Register A.
constexpr uint8_t update_in_progress = 0x80, divider_mask = 0x70, divider_on = 0x20, divider_reset = 0x60,
                  rate_mask = 0x0F;
constexpr uint8_t firmware_rate = 6; // 1,024 Hz, as every PC's firmware has set it
// Register B.
constexpr uint8_t set_bit = 0x80, periodic_enable = 0x40, alarm_enable = 0x20, update_enable = 0x10;
constexpr uint8_t binary_mode = 0x04, hours_24 = 0x02;
// Register C has the flags at the places of their enables.
constexpr uint8_t interrupt_flag = 0x80, flags_mask = 0x70;
constexpr uint8_t valid_ram_and_time = 0x80; // register D
constexpr uint8_t alarm_any = 0xC0;          // an alarm byte of 11xxxxxx matches always

// The update cycle is announced 244 us before the registers change.
constexpr Picoseconds update_warning = 244 * ps_per_us;
// The first update after the divider's reset.
constexpr Picoseconds first_update_after = ps_per_second / 2;

constexpr bool is_time(unsigned index) {
    return index == century_byte ||
           (index < register_a && index != seconds_alarm && index != minutes_alarm && index != hours_alarm);
}

} // namespace

Rtc::Rtc(int64_t start_unix_seconds)
    : seconds_{start_unix_seconds}, a_{divider_on | firmware_rate}, b_{hours_24} {}

bool Rtc::running() const {
    return !(b_ & set_bit) && (a_ & divider_mask) == divider_on;
}

Rtc::TimeOfDay Rtc::time_of_day(int64_t unix_seconds) const {
    using namespace std::chrono;
    const sys_seconds time{seconds{unix_seconds}};
    const sys_days date = floor<days>(time);
    const year_month_day calendar{date};
    const hh_mm_ss clock{time - date};
    return {.second = static_cast<unsigned>(clock.seconds().count()),
            .minute = static_cast<unsigned>(clock.minutes().count()),
            .hour = static_cast<unsigned>(clock.hours().count()),
            .weekday = weekday{date}.c_encoding() + 1,
            .day = static_cast<unsigned>(calendar.day()),
            .month = static_cast<unsigned>(calendar.month()),
            .year = static_cast<int>(calendar.year())};
}

uint8_t Rtc::encode(unsigned value) const {
    return static_cast<uint8_t>(b_ & binary_mode ? value : value / 10 << 4 | value % 10);
}
unsigned Rtc::decode(uint8_t value) const {
    return b_ & binary_mode ? value : static_cast<unsigned>(value >> 4) * 10 + (value & 15);
}
uint8_t Rtc::encode_hour(unsigned hour) const {
    if (b_ & hours_24)
        return encode(hour);
    const unsigned of_12 = hour % 12 == 0 ? 12 : hour % 12;
    return static_cast<uint8_t>(encode(of_12) | (hour >= 12 ? 0x80 : 0));
}
unsigned Rtc::decode_hour(uint8_t value) const {
    if (b_ & hours_24)
        return decode(value);
    return decode(value & 0x7F) % 12 + (value & 0x80 ? 12 : 0);
}

bool Rtc::alarm_matches(int64_t unix_seconds) const {
    const TimeOfDay time = time_of_day(unix_seconds);
    const auto matches = [&](unsigned index, uint8_t now) {
        return (memory_[index] & alarm_any) == alarm_any || memory_[index] == now;
    };
    return matches(seconds_alarm, encode(time.second)) && matches(minutes_alarm, encode(time.minute)) &&
           matches(hours_alarm, encode_hour(time.hour));
}

uint64_t Rtc::periodic_ticks() const {
    const unsigned rate = a_ & rate_mask;
    if (rate == 0 || (a_ & divider_mask) != divider_on)
        return 0;
    return uint64_t{1} << (rate <= 2 ? rate + 6 : rate - 1); // rates 1 and 2 are those of 8 and 9
}

void Rtc::update_interrupt() {
    if (c_ & b_ & flags_mask)
        c_ |= interrupt_flag;
    else
        c_ &= flags_mask;
    interrupt.set(c_ & interrupt_flag);
}

void Rtc::advance(Picoseconds now) {
    const Picoseconds before = now_;
    now_ = now;
    if (const uint64_t period = periodic_ticks();
        period != 0 &&
        crystal.ticks_at(before - divider_start_) / period != crystal.ticks_at(now - divider_start_) / period)
        c_ |= periodic_enable;
    if (now >= next_update_) {
        const uint64_t updates = (now - next_update_) / ps_per_second + 1;
        next_update_ += updates * ps_per_second;
        if (running())
            update(static_cast<int64_t>(updates));
    }
    update_interrupt();
}

void Rtc::update(int64_t times) {
    constexpr int64_t seconds_of_day = 86'400;
    c_ |= update_enable;
    const int64_t first = seconds_ + 1;
    seconds_ += times;
    // A day has every time of day in it.
    for (int64_t second = std::max(first, seconds_ - seconds_of_day);
         second <= seconds_ && !(c_ & alarm_enable); ++second)
        if (alarm_matches(second))
            c_ |= alarm_enable;
}

Picoseconds Rtc::next_event() const {
    if (c_ & interrupt_flag)
        return never; // the line stays up until register C is read
    Picoseconds next = never;
    if (const uint64_t period = periodic_ticks(); period != 0 && b_ & periodic_enable)
        next =
            divider_start_ + crystal.time_of((crystal.ticks_at(now_ - divider_start_) / period + 1) * period);
    if (running() && b_ & (update_enable | alarm_enable))
        next = std::min(next, next_update_);
    return next;
}

uint8_t Rtc::time_register(unsigned index) const {
    const TimeOfDay time = time_of_day(seconds_);
    switch (index) {
    case seconds_register:
        return encode(time.second);
    case minutes_register:
        return encode(time.minute);
    case hours_register:
        return encode_hour(time.hour);
    case weekday_register:
        return encode(time.weekday);
    case day_register:
        return encode(time.day);
    case month_register:
        return encode(time.month);
    case year_register:
        return encode(static_cast<unsigned>(time.year % 100));
    default:
        return encode(static_cast<unsigned>(time.year / 100));
    }
}

uint8_t Rtc::read_register(unsigned index) {
    switch (index) {
    case register_a: {
        const bool updating = running() && next_update_ - now_ <= update_warning;
        return static_cast<uint8_t>(a_ | (updating ? update_in_progress : 0));
    }
    case register_b:
        return b_;
    case register_c: {
        const uint8_t flags = c_;
        c_ = 0;
        update_interrupt();
        return flags;
    }
    case register_d:
        return valid_ram_and_time;
    default:
        return is_time(index) && running() ? time_register(index) : memory_[index];
    }
}

// A date that does not exist is brought into range, as the sum of its parts.
int64_t Rtc::time_in_registers() const {
    using namespace std::chrono;
    const auto number = [this](unsigned index) { return static_cast<int>(decode(memory_[index])); };
    const int full_year = number(century_byte) * 100 + number(year_register);
    const year_month month_of_year = year{full_year} / January + months{number(month_register) - 1};
    const sys_days date = sys_days{month_of_year / 1} + days{number(day_register) - 1};
    return (sys_seconds{date} + hours{decode_hour(memory_[hours_register])} +
            minutes{number(minutes_register)} + seconds{number(seconds_register)})
        .time_since_epoch()
        .count();
}

void Rtc::stop() {
    for (unsigned index = 0; index < register_a; ++index)
        if (is_time(index))
            memory_[index] = time_register(index);
    memory_[century_byte] = time_register(century_byte);
}

void Rtc::resume() {
    seconds_ = time_in_registers();
}

void Rtc::write_a(uint8_t value) {
    const bool ran = running(), was_reset = (a_ & divider_reset) == divider_reset;
    if (ran && (value & divider_mask) != divider_on)
        stop();
    a_ = value & (divider_mask | rate_mask);
    if (was_reset && (a_ & divider_mask) == divider_on) {
        divider_start_ = now_;
        next_update_ = now_ + first_update_after;
    }
    if (!ran && running())
        resume();
}

void Rtc::write_b(uint8_t value) {
    const bool ran = running();
    if (value & set_bit) {
        if (ran)
            stop();
        value &= static_cast<uint8_t>(~update_enable); // SET clears UIE
    }
    b_ = value;
    if (!ran && running())
        resume();
    update_interrupt();
}

void Rtc::write_register(unsigned index, uint8_t value) {
    switch (index) {
    case register_a:
        write_a(value);
        break;
    case register_b:
        write_b(value);
        break;
    case register_c:
    case register_d:
        break; // read-only
    default: {
        const bool sets_running_clock = is_time(index) && running();
        if (sets_running_clock)
            stop();
        memory_[index] = value;
        if (sets_running_clock)
            resume();
    }
    }
}

uint32_t Rtc::read(uint32_t offset, unsigned) {
    return offset == 0 ? 0xFFu : read_register(index_);
}

void Rtc::write(uint32_t offset, unsigned, uint32_t value) {
    if (offset == 0)
        index_ = value & 0x7F; // bit 7 gates the NMI
    else
        write_register(index_, static_cast<uint8_t>(value));
}

void Rtc::set_cmos(unsigned address, uint8_t value) {
    memory_.at(address) = value;
}

void Rtc::power_cycle(Picoseconds now) {
    advance(now);
    index_ = 0;
    b_ &= static_cast<uint8_t>(~(periodic_enable | alarm_enable | update_enable)); // RESET
    c_ = 0;
    update_interrupt();
}

} // namespace fixpoint::models
