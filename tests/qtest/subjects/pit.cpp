// The 8254 and port 0x61.
//
// Reads are made in the middle of a tick. A count or a change of the gate is taken over by the chip's next tick (8254
// data sheet, Figures 15 to 20), by QEMU at once: QEMU gets it a quarter of a tick after that tick has begun.
#include "models/chipset/rate.hpp"
#include "tests/qtest/subjects/subjects.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace fixpoint::qtest {
namespace {

constexpr uint32_t channel_ports = 0x40, control_port = 0x43, port_b = 0x61;
constexpr uint64_t quarters_hz = 4 * 1'193'182;

constexpr uint64_t ns_of_quarter(uint64_t quarter) {
    return models::Rate{quarters_hz}.time_of(quarter) / models::ps_per_ns + 1;
}
constexpr uint64_t tick_at(uint64_t ns) {
    return models::Rate{quarters_hz}.ticks_at(ns * models::ps_per_ns) / 4;
}
constexpr uint64_t middle_of(uint64_t tick) {
    return ns_of_quarter(4 * tick + 2);
}

class Generator {
public:
    explicit Generator(Random& random) : random_{random} {}

    Steps run() {
        for (unsigned channel = 0; channel < 3; ++channel)
            if (random_.one_in(2))
                program(channel);
        const unsigned count = 4 + random_.below(30);
        for (unsigned i = 0; i < count; ++i)
            act();
        return steps_;
    }

private:
    void act() {
        const unsigned channel = random_.below(3);
        switch (random_.below(12)) {
        case 0:
        case 1:
            program(channel);
            break;
        case 2:
            write_count(channel);
            break;
        case 3:
            gate();
            break;
        case 4:
            steps_.push_back(in(port_b));
            break;
        case 5:
            read_back();
            break;
        case 6:
            steps_.push_back(out(control_port, channel << 6)); // latch
            if (random_.one_in(4)) {
                wait();
                steps_.push_back(out(control_port, channel << 6)); // has no effect
            }
            read_count(channel);
            break;
        case 7:
            read_count(channel);
            break;
        default:
            wait();
            break;
        }
    }
    void program(unsigned channel) {
        // One-shots need the gate, which only channel 2 has.
        modes_[channel] =
            channel == 2 || random_.one_in(20) ? random_.below(6) : random_.pick({0u, 2u, 3u, 4u});
        accesses_[channel] = random_.one_in(3) ? 1 + random_.below(2) : 3;
        bcds_[channel] = random_.one_in(12);
        steps_.push_back(out(control_port, channel << 6 | accesses_[channel] << 4 | modes_[channel] << 1 |
                                               (bcds_[channel] ? 1 : 0)));
        write_count(channel);
        if (channel == 2 && random_.one_in(2)) {
            steps_.push_back(out(port_b, 2));
            wait();
            steps_.push_back(out(port_b, 3));
        }
    }
    void write_count(unsigned channel) {
        const uint32_t any = random_.one_in(8)   ? 0
                             : random_.one_in(3) ? 2 + random_.below(12)
                             : random_.one_in(2) ? random_.below(2'000)
                                                 : random_.below(65'536);
        const uint32_t seen = accesses_[channel] == 3   ? any
                              : accesses_[channel] == 1 ? any & 0xFF
                                                        : any & 0xFF00;
        const uint32_t allowed = seen == 1 ? 2 : seen; // modes 2 and 3 have no 1
        counts_[channel] = bcds_[channel] ? to_bcd(allowed) : allowed;
        if (accesses_[channel] & 1)
            steps_.push_back(out(channel_ports + channel, counts_[channel] & 0xFF));
        if (accesses_[channel] & 2)
            steps_.push_back(out(channel_ports + channel, counts_[channel] >> 8 & 0xFF));
    }
    static uint32_t to_bcd(uint32_t value) {
        return value / 1'000 % 10 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 | value % 10;
    }
    void read_count(unsigned channel) {
        for (unsigned i = 0; i < (accesses_[channel] == 3 ? 2u : 1u); ++i)
            steps_.push_back(in(channel_ports + channel));
    }
    void read_back() {
        const uint32_t channels = 1 + random_.below(7);
        const uint32_t which = random_.pick({0x00u, 0x10u, 0x20u}); // both, count only, status only
        steps_.push_back(out(control_port, 0xC0 | which | channels << 1));
        for (unsigned channel = 0; channel < 3; ++channel) {
            if (!(channels >> channel & 1))
                continue;
            if (which != 0x10)
                steps_.push_back(in(channel_ports + channel));
            if (which != 0x20)
                read_count(channel);
        }
    }
    void gate() { steps_.push_back(out(port_b, random_.below(4))); }
    void wait() {
        const uint64_t around = counts_[random_.below(3)];
        const uint64_t ticks = random_.one_in(3)   ? 1 + random_.below(6)
                               : random_.one_in(2) ? around + random_.below(5)
                                                   : random_.below(3'000);
        constexpr uint64_t periods_at_most = 100; // of IRQ 0: each costs time
        tick_ += std::min<uint64_t>(ticks, periods_at_most * (counts_[0] == 0 ? 65'536 : counts_[0]));
        constexpr uint64_t ticks_of_writes = 8;
        tick_ += ticks_of_writes;
        steps_.push_back(wait_until(middle_of(tick_)));
    }

    Random& random_;
    Steps steps_;
    uint64_t tick_ = 8;
    std::array<uint32_t, 3> modes_{3, 3, 3}, accesses_{3, 3, 3}, counts_{0, 0, 0};
    std::array<bool, 3> bcds_{};
};

// What is known of a channel from the writes to it.
struct Channel {
    unsigned mode = 3, access = 3, bytes_to_come = 0;
    uint32_t count = 0;
    bool bcd = false, gate = true, status_latched = false;
    bool counted = false;   // a count has been written since the control word
    bool rewritten = false; // and another one, which modes 1, 2, 3 and 5 do not take over at once
    bool triggered = false; // the gate has risen since
    bool held = false;      // the gate has stopped the count in mode 0 or 4

    void control(uint32_t word) {
        mode = word >> 1 & 7;
        access = word >> 4 & 3;
        bcd = word & 1;
        counted = rewritten = status_latched = triggered = held = false;
        count = 0;
        bytes_to_come = access == 3 ? 2 : 1;
    }
    void count_byte(uint32_t value) {
        if (bytes_to_come == 0) { // a further count
            rewritten = !one_for_all();
            bytes_to_come = access == 3 ? 2 : 1;
            count = 0;
        }
        count |= access == 2 || (access == 3 && bytes_to_come == 1) ? value << 8 : value;
        if (--bytes_to_come != 0)
            return;
        counted = true;
        held = one_for_all() && !gate;
    }
    void set_gate(bool level) {
        if (level && !gate) {
            triggered = true;
            rewritten = false;
        }
        if (!level && counted && one_for_all())
            held = true;
        gate = level;
    }
    [[nodiscard]] bool one_for_all() const { return mode == 0 || mode == 4; } // software starts the count

    void describe(std::string_view prefix, Features& features) const {
        features.insert(fmt::format("{}mode:{}", prefix, mode));
        const auto add = [&](bool holds, std::string_view feature) {
            if (holds)
                features.insert(fmt::format("{}{}", prefix, feature));
        };
        const bool periodic = mode == 2 || mode == 3;
        add(bcd, "bcd");
        add(count & 1, "odd");
        add(rewritten, "rewritten");
        add(!counted, "no_count");
        add(bytes_to_come == 1 && access == 3, "half_count");
        add(!gate && periodic, "gate_low");
        add(held, "held");
        add(!triggered && !periodic && !one_for_all(), "untriggered");
    }
};

class Pit final : public Subject {
public:
    std::string_view name() const override { return "pit"; }
    uint32_t lines() const override { return 1u << 0; }
    Steps prologue() const override {
        Steps steps{wait_until(middle_of(0)), out(port_b, 0)};
        for (uint32_t channel = 0; channel < 3; ++channel) {
            steps.push_back(out(control_port, channel << 6 | 0x36));
            steps.push_back(out(channel_ports + channel, 0));
            steps.push_back(out(channel_ports + channel, 0));
        }
        steps.push_back(wait_until(middle_of(8)));
        return steps;
    }
    Steps generate(Random& random) const override { return Generator{random}.run(); }

    Instant instant(const Step& step, uint64_t now_ns) const override {
        const bool taken_over_by_tick =
            step.action == Action::write && (step.address < control_port || step.address == port_b);
        if (!taken_over_by_tick)
            return {now_ns, now_ns, now_ns};
        const uint64_t next = tick_at(now_ns) + 1;
        return {now_ns, ns_of_quarter(4 * next + 1), middle_of(next)};
    }

    std::vector<Features> features(const Steps& steps) const override {
        std::array<Channel, 3> channels;
        channels[2].gate = false;
        std::vector<Features> all;
        for (const Step& step : steps) {
            Features here;
            Channel* accessed = nullptr;
            if (step.action == Action::write || step.action == Action::read) {
                if (step.address < control_port)
                    accessed = &channels[step.address - channel_ports];
                else if (step.address == port_b)
                    accessed = &channels[2];
            }
            if (step.action == Action::write)
                write(channels, step);
            else if (step.action == Action::read && step.address < control_port &&
                     std::exchange(accessed->status_latched, false))
                here.insert("status");
            channels[0].describe("irq_", here);
            if (accessed != nullptr)
                accessed->describe("", here);
            all.push_back(std::move(here));
        }
        return all;
    }

private:
    static void write(std::array<Channel, 3>& channels, const Step& step) {
        constexpr uint32_t not_status = 0x10;
        const auto value = static_cast<uint32_t>(step.value);
        if (step.address < control_port) {
            channels[step.address - channel_ports].count_byte(value);
        } else if (step.address == port_b) {
            channels[2].set_gate(value & 1);
        } else if (value >> 6 != 3) {
            if ((value >> 4 & 3) != 0)
                channels[value >> 6].control(value);
        } else if (!(value & not_status)) {
            for (unsigned i = 0; i < 3; ++i)
                channels[i].status_latched |= value >> (i + 1) & 1;
        }
    }
};

} // namespace

std::unique_ptr<Subject> make_pit() {
    return std::make_unique<Pit>();
}

} // namespace fixpoint::qtest
