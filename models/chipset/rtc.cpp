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
constexpr uint8_t update_in_progress = 0x80, divider_mask = 0x70, divider_on = 0x20, rate_mask = 0x0F;
// Register B.
constexpr uint8_t set_bit = 0x80, periodic_enable = 0x40, alarm_enable = 0x20, update_enable = 0x10;
constexpr uint8_t binary_mode = 0x04, hours_24 = 0x02;
// Register C has the flags at the places of their enables.
constexpr uint8_t interrupt_flag = 0x80, flags_mask = 0x70;
constexpr uint8_t valid_ram_and_time = 0x80; // register D
constexpr uint8_t alarm_any = 0xC0;          // an alarm byte of 11xxxxxx matches always

// The update cycle is announced 244 us before the registers change.
constexpr Picoseconds update_warning = 244 * ps_per_us;

} // namespace

Rtc::Rtc(int64_t start_unix_seconds)
    : start_{start_unix_seconds}, a_{divider_on | 6}, b_{hours_24} {
} // as every PC's firmware has set it: 1,024 Hz

bool Rtc::running() const {
    return !(b_ & set_bit) && (a_ & divider_mask) == divider_on;
}

int64_t Rtc::unix_seconds() const {
    return b_ & set_bit ? stopped_ : start_ + offset_ + static_cast<int64_t>(now_ / ps_per_second);
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
        period != 0 && crystal.ticks_at(before) / period != crystal.ticks_at(now) / period)
        c_ |= periodic_enable;
    const auto first = static_cast<int64_t>(before / ps_per_second),
               last = static_cast<int64_t>(now / ps_per_second);
    if (first != last && running()) {
        c_ |= update_enable;
        // A day has every time of day in it.
        for (int64_t second = std::max(first + 1, last - 86'400); second <= last && !(c_ & alarm_enable);
             ++second)
            if (alarm_matches(start_ + offset_ + second))
                c_ |= alarm_enable;
    }
    update_interrupt();
}

Picoseconds Rtc::next_event() const {
    if (c_ & interrupt_flag)
        return never; // the line stays up until register C is read
    Picoseconds next = never;
    if (const uint64_t period = periodic_ticks(); period != 0 && b_ & periodic_enable)
        next = crystal.time_of((crystal.ticks_at(now_) / period + 1) * period);
    if (running() && b_ & (update_enable | alarm_enable))
        next = std::min(next, (now_ / ps_per_second + 1) * ps_per_second);
    return next;
}

uint8_t Rtc::read_register(unsigned index) {
    const TimeOfDay time = time_of_day(unix_seconds());
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
    case century_byte:
        return encode(static_cast<unsigned>(time.year / 100));
    case register_a: {
        const bool updating = running() && now_ % ps_per_second >= ps_per_second - update_warning;
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
        return memory_[index]; // alarms and CMOS memory
    }
}

void Rtc::write_time(unsigned index, uint8_t value) {
    using namespace std::chrono;
    TimeOfDay time = time_of_day(unix_seconds());
    switch (index) {
    case seconds_register:
        time.second = decode(value);
        break;
    case minutes_register:
        time.minute = decode(value);
        break;
    case hours_register:
        time.hour = decode_hour(value);
        break;
    case day_register:
        time.day = decode(value);
        break;
    case month_register:
        time.month = decode(value);
        break;
    case year_register:
        time.year = time.year / 100 * 100 + static_cast<int>(decode(value) % 100);
        break;
    case century_byte:
        time.year = time.year % 100 + static_cast<int>(decode(value)) * 100;
        break;
    default:
        return; // the day of the week follows from the date
    }
    // A date that does not exist is brought into range, as the sum of its parts.
    const sys_days date = sys_days{year{time.year} / month{1} / day{1}} +
                          (sys_days{(year{time.year} / 1 + months{static_cast<int>(time.month) - 1}) / 1} -
                           sys_days{year{time.year} / month{1} / day{1}}) +
                          days{static_cast<int>(time.day) - 1};
    const int64_t wanted = date.time_since_epoch().count() * 86'400LL + time.hour * 3'600LL +
                           time.minute * 60LL + static_cast<int64_t>(time.second);
    if (b_ & set_bit)
        stopped_ = wanted;
    else
        offset_ += wanted - unix_seconds();
}

void Rtc::write_register(unsigned index, uint8_t value) {
    switch (index) {
    case seconds_alarm:
    case minutes_alarm:
    case hours_alarm:
        memory_[index] = value;
        break;
    case register_a:
        a_ = value & (divider_mask | rate_mask);
        break;
    case register_b: {
        const int64_t time = unix_seconds();
        if (value & set_bit) {
            stopped_ = time;
            value &= static_cast<uint8_t>(~update_enable); // SET clears UIE
        }
        b_ = value;
        offset_ += time - (start_ + offset_ + static_cast<int64_t>(now_ / ps_per_second));
        update_interrupt();
        break;
    }
    case register_c:
    case register_d:
        break; // read-only
    default:
        if (index < first_memory || index == century_byte)
            write_time(index, value);
        else
            memory_[index] = value;
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
