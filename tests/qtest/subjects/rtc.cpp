// The MC146818A and its CMOS memory.
//
// Registers A and B are written at multiples of half a second, where every periodic rate has a tick: QEMU begins its
// periods at the write, the chip's divider runs on.
#include "tests/qtest/subjects/subjects.hpp"

#include <array>
#include <chrono>

#include <fmt/format.h>

namespace fixpoint::qtest {
namespace {

constexpr uint32_t index_port = 0x70, data_port = 0x71;
enum : uint32_t {
    seconds = 0,
    seconds_alarm = 1,
    minutes = 2,
    minutes_alarm = 3,
    hours = 4,
    hours_alarm = 5,
    weekday = 6,
    day = 7,
    month = 8,
    year = 9,
    register_a = 10,
    register_b = 11,
    register_c = 12,
    register_d = 13,
    century = 0x32,
};
constexpr uint32_t divider_on = 0x20, divider_reset = 0x70, divider_mask = 0x70; // register A
constexpr uint32_t set = 0x80, periodic_enable = 0x40, alarm_enable = 0x20, interrupts = 0x70, binary = 0x04,
                   hours_24 = 0x02;
// CMOS memory without a meaning for the clock.
constexpr std::array<uint32_t, 7> memory{0x0E, 0x10, 0x2F, 0x33, 0x40, 0x5F, 0x7F};

constexpr uint64_t half_second_ns = 500'000'000, second_ns = 2 * half_second_ns;
constexpr uint64_t after_edge_ns = 5'000; // less than a tick of the crystal

struct Date {
    uint32_t century, year, month, day, weekday, hour, minute, second;
};

class Writer {
public:
    Steps steps;

    void put(uint32_t index, uint32_t value) {
        steps.push_back(out(index_port, index));
        steps.push_back(out(data_port, value));
    }
    void get(uint32_t index) {
        steps.push_back(out(index_port, index));
        steps.push_back(in(data_port));
    }
    void set_date(const Date& date, uint32_t mode) {
        put(register_b, set | mode);
        put(century, encode(date.century, mode));
        put(year, encode(date.year, mode));
        put(month, encode(date.month, mode));
        put(day, encode(date.day, mode));
        put(weekday, encode(date.weekday, mode));
        put(hours, encode_hour(date.hour, mode));
        put(minutes, encode(date.minute, mode));
        put(seconds, encode(date.second, mode));
    }
    static uint32_t encode(uint32_t value, uint32_t mode) {
        return mode & binary ? value : value / 10 << 4 | value % 10;
    }
    static uint32_t encode_hour(uint32_t hour, uint32_t mode) {
        if (mode & hours_24)
            return encode(hour, mode);
        return encode(hour % 12 == 0 ? 12 : hour % 12, mode) | (hour >= 12 ? 0x80 : 0);
    }
};

constexpr Date start{20, 0, 1, 1, 7, 12, 0, 0};

// Sunday is 1.
uint32_t weekday_of(uint32_t year_now, uint32_t month_now, uint32_t day_now) {
    using namespace std::chrono;
    const year_month_day date{std::chrono::year{static_cast<int>(year_now)}, std::chrono::month{month_now},
                              std::chrono::day{day_now}};
    return std::chrono::weekday{sys_days{date}}.c_encoding() + 1;
}

class Generator {
public:
    explicit Generator(Random& random) : random_{random} {}

    Steps run() {
        const unsigned count = 5 + random_.below(30);
        for (unsigned i = 0; i < count; ++i)
            act();
        return std::move(writer_.steps);
    }

private:
    void act() {
        switch (random_.below(12)) {
        case 0:
            if (random_.one_in(4))
                reset_divider();
            align();
            writer_.put(register_a, divider_on | random_.below(16));
            break;
        case 1:
        case 2:
            align();
            mode_ &= ~interrupts;
            mode_ |= random_.below(8) << 4;
            writer_.put(register_b, mode_);
            if (!random_.one_in(4)) // what has come before
                writer_.get(register_c);
            break;
        case 3:
            set_date();
            break;
        case 4:
            set_alarm();
            break;
        case 5:
            writer_.get(register_c);
            break;
        case 6:
            writer_.put(random_.pick_from(memory), random_.below(256));
            break;
        case 7:
            writer_.get(random_.one_in(2) ? random_.pick_from(memory) : register_a + random_.below(4));
            break;
        case 8:
            read_time();
            break;
        default:
            wait();
            break;
        }
    }
    void until(uint64_t ns) {
        now_ns_ = ns;
        writer_.steps.push_back(wait_until(ns));
    }
    void align() { until((now_ns_ / half_second_ns + 1) * half_second_ns + after_edge_ns); }
    void reset_divider() {
        align();
        writer_.put(register_a, divider_reset | random_.below(16));
        if (random_.one_in(2))
            read_time();
        if (random_.one_in(2))
            wait();
        align();
        writer_.put(register_a, divider_on | random_.below(16));
    }
    void wait() {
        const uint64_t next_second = (now_ns_ / second_ns + 1) * second_ns;
        switch (random_.below(5)) {
        case 0: // into the update
            until(next_second - 100'000);
            break;
        case 1:
            until(next_second + after_edge_ns);
            break;
        case 2:
            until(next_second + random_.below(5) * second_ns + after_edge_ns);
            break;
        default: // some ticks of 8,192 Hz
            until((now_ns_ / 122'070 + 1 + random_.below(100)) * 1'953'125 / 16 + 2 * after_edge_ns);
            break;
        }
    }
    void read_time() {
        for (const uint32_t index : {seconds, minutes, hours, weekday, day, month, year, century})
            if (random_.one_in(2))
                writer_.get(index);
    }
    void set_date() {
        align();
        if (random_.one_in(3)) {
            mode_ = (mode_ & ~(binary | hours_24)) | random_.pick({0u, binary, hours_24, binary | hours_24});
            for (const uint32_t alarm : {seconds_alarm, minutes_alarm, hours_alarm})
                writer_.put(alarm, 0xFF);
        }
        const bool late = random_.one_in(2); // shortly before midnight
        // Not before 1970: there QEMU loses the phase of its seconds.
        constexpr uint32_t epoch_year = 70;
        const uint32_t century_now = random_.one_in(3) ? 19 : 20, month_now = 1 + random_.below(12),
                       year_now = century_now == 19 ? epoch_year + random_.below(30) : random_.below(100);
        constexpr uint32_t days[]{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        const uint32_t last = days[month_now - 1];
        const uint32_t day_now = random_.one_in(2) ? last : 1 + random_.below(last);
        writer_.set_date({century_now, year_now, month_now, day_now,
                          weekday_of(century_now * 100 + year_now, month_now, day_now),
                          late ? 23 : random_.below(24), late ? 59 : random_.below(60),
                          late ? 56 + random_.below(4) : random_.below(60)},
                         mode_ & ~interrupts);
        if (random_.one_in(3))
            read_time();
        if (random_.one_in(4))
            wait();
        align();
        writer_.put(register_b, mode_);
    }
    void set_alarm() {
        const auto any = [&](uint32_t limit) {
            return random_.one_in(2) ? 0xC0 | random_.below(64) : Writer::encode(random_.below(limit), mode_);
        };
        writer_.put(seconds_alarm, any(60));
        if (random_.one_in(2))
            writer_.put(minutes_alarm, any(60));
        if (random_.one_in(2))
            writer_.put(hours_alarm,
                        random_.one_in(2) ? 0xFF : Writer::encode_hour(random_.below(24), mode_));
        if (random_.one_in(2))
            writer_.get(seconds_alarm + 2 * random_.below(3));
    }

    Random& random_;
    Writer writer_;
    uint32_t mode_ = hours_24;
    uint64_t now_ns_ = after_edge_ns;
};

class Rtc final : public Subject {
public:
    std::string_view name() const override { return "rtc"; }
    uint32_t lines() const override { return 1u << 8; }
    Steps prologue() const override {
        Writer writer;
        // The divider's reset brings both sides to the same phase: updates half a second after each whole one.
        writer.put(register_a, divider_reset);
        writer.set_date(start, hours_24);
        for (const uint32_t alarm : {seconds_alarm, minutes_alarm, hours_alarm})
            writer.put(alarm, 0xFF);
        for (const uint32_t index : memory)
            writer.put(index, 0);
        writer.put(register_b, hours_24);
        writer.put(register_a, 0x26);
        writer.get(register_c);
        writer.steps.push_back(wait_until(after_edge_ns));
        return writer.steps;
    }
    Steps generate(Random& random) const override { return Generator{random}.run(); }

    std::vector<Features> features(const Steps& steps) const override {
        uint32_t index = 0, b = hours_24;
        bool periodic_unseen = false; // its flag may have been set while its interrupt was off
        bool set_elapsed = false;     // seconds may have gone by while SET was on
        bool reset_elapsed = false;   // periods may have gone by while the divider was held in reset
        bool hours_12_elapsed = false;
        uint32_t a = 0;
        std::vector<Features> all;
        for (const Step& step : steps) {
            Features here;
            const uint32_t b_before = b;
            const bool is_data =
                step.address == data_port && (step.action == Action::read || step.action == Action::write);
            if (step.action == Action::write && step.address == index_port)
                index = static_cast<uint32_t>(step.value) & 0x7F;
            if (step.action == Action::wait) {
                periodic_unseen |= !(b & periodic_enable);
                set_elapsed |= b & set;
                reset_elapsed |= (a & divider_mask) == divider_reset;
                hours_12_elapsed |= !(b & hours_24);
            }
            if (is_data && step.action == Action::write && index == register_a)
                a = static_cast<uint32_t>(step.value);
            if (is_data && step.action == Action::write && index == register_b)
                b = static_cast<uint32_t>(step.value);
            if (is_data)
                here.insert(fmt::format("register:{:#x}", index));
            if (periodic_unseen)
                here.insert("periodic_unseen");
            if (set_elapsed)
                here.insert("set_elapsed");
            if (reset_elapsed)
                here.insert("reset_elapsed");
            if (hours_12_elapsed)
                here.insert("hours_12_elapsed");
            if ((b | b_before) & periodic_enable)
                here.insert("periodic_enabled");
            if (b & alarm_enable)
                here.insert("alarm_enabled");
            if (is_data && step.action == Action::read && index == register_c)
                periodic_unseen = set_elapsed = reset_elapsed = hours_12_elapsed = false;
            all.push_back(std::move(here));
        }
        return all;
    }
};

} // namespace

std::unique_ptr<Subject> make_rtc() {
    return std::make_unique<Rtc>();
}

} // namespace fixpoint::qtest
