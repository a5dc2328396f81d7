// The 8254 and port 0x61.
//
// Reads are made in the middle of a tick. A count or a change of the gate is taken over by the chip's next tick (8254
// data sheet, Figures 15 to 20), by QEMU at once: QEMU gets it a quarter of a tick after that tick has begun.
#include "models/chipset/rate.hpp"
#include "tests/qtest/subjects/subjects.hpp"

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

bool is_control_word(const Step& step) {
    return step.action == Action::write && step.address == control_port && step.value >> 6 != 3 &&
           (step.value >> 4 & 3) != 0;
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
        modes_[channel] = random_.below(6);
        accesses_[channel] = random_.one_in(3) ? 1 + random_.below(2) : 3;
        bcds_[channel] = random_.one_in(12);
        steps_.push_back(out(control_port, channel << 6 | accesses_[channel] << 4 | modes_[channel] << 1 |
                                               (bcds_[channel] ? 1 : 0)));
        write_count(channel);
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
        const uint64_t ticks = random_.one_in(3)  ? 1 + random_.below(6)
                               : random_.one_in(2) ? around + random_.below(5)
                                                   : random_.below(3'000);
        tick_ += ticks + 4; // what was written meanwhile has been taken over
        steps_.push_back(wait_until(middle_of(tick_)));
    }

    Random& random_;
    Steps steps_;
    uint64_t tick_ = 8;
    std::array<uint32_t, 3> modes_{2, 2, 2}, accesses_{3, 3, 3}, counts_{0, 0, 0};
    std::array<bool, 3> bcds_{};
};

// What is known of a channel from the writes to it.
struct Channel {
    unsigned mode = 2, access = 3, bytes_to_come = 0;
    bool bcd = false, counted = false, rewritten = false, status_latched = false, gate = true,
         gate_fell = false, triggered = false;

    void control(uint32_t word) {
        mode = word >> 1 & 7;
        access = word >> 4 & 3;
        bcd = word & 1;
        counted = rewritten = status_latched = gate_fell = triggered = false;
        bytes_to_come = access == 3 ? 2 : 1;
    }
    void count_byte() {
        if (bytes_to_come == 0) { // a further count
            rewritten = true;
            bytes_to_come = access == 3 ? 2 : 1;
        }
        if (--bytes_to_come == 0)
            counted = true;
    }
};

class Pit final : public Subject {
public:
    std::string_view name() const override { return "pit"; }
    uint32_t lines() const override { return 1u << 0; }
    Steps prologue() const override {
        Steps steps{wait_until(middle_of(0)), out(port_b, 0)};
        for (uint32_t channel = 0; channel < 3; ++channel) {
            steps.push_back(out(control_port, channel << 6 | 0x34));
            steps.push_back(out(channel_ports + channel, 0));
            steps.push_back(out(channel_ports + channel, 0));
        }
        steps.push_back(wait_until(middle_of(8)));
        return steps;
    }
    Steps generate(Random& random) const override { return Generator{random}.run(); }

    Delay delay(const Step& step, uint64_t now_ns) const override {
        const bool taken_over =
            step.action == Action::write && (step.address < control_port || step.address == port_b);
        const uint64_t next = tick_at(now_ns) + 1;
        return {ns_of_quarter(4 * next + 1), middle_of(next), taken_over};
    }

    std::vector<Features> features(const Steps& steps) const override {
        std::array<Channel, 3> channels;
        channels[2].gate = false;
        std::vector<Features> all;
        for (const Step& step : steps) {
            Features here;
            const bool is_write = step.action == Action::write;
            const bool of_channel = step.address >= channel_ports && step.address < control_port &&
                                    step.action != Action::wait;
            Channel* accessed = of_channel ? &channels[step.address - channel_ports] : nullptr;
            bool status = false;
            if (is_control_word(step)) {
                channels[step.value >> 6].control(static_cast<uint32_t>(step.value));
                here.insert("control_word");
            } else if (is_write && step.address == control_port && step.value >> 6 == 3) {
                for (unsigned i = 0; i < 3; ++i)
                    if ((step.value >> (i + 1) & 1) && !(step.value & 0x10))
                        channels[i].status_latched = true;
            } else if (is_write && step.address == port_b) {
                set_gate(channels[2], step.value & 1);
            } else if (is_write && accessed != nullptr) {
                accessed->count_byte();
            } else if (accessed != nullptr) {
                status = std::exchange(accessed->status_latched, false);
            }
            if (step.action == Action::read && step.address == port_b)
                accessed = &channels[2];
            describe(channels[0], "irq_", here);
            if (accessed != nullptr)
                describe(*accessed, "", here);
            if (status)
                here.insert("status");
            all.push_back(std::move(here));
        }
        return all;
    }

private:
    static void set_gate(Channel& channel, bool level) {
        if (channel.gate && !level)
            channel.gate_fell = true;
        if (!channel.gate && level)
            channel.triggered = true;
        channel.gate = level;
    }
    static void describe(const Channel& channel, std::string_view prefix, Features& features) {
        features.insert(fmt::format("{}mode:{}", prefix, channel.mode));
        const auto add = [&](bool holds, std::string_view feature) {
            if (holds)
                features.insert(fmt::format("{}{}", prefix, feature));
        };
        add(channel.bcd, "bcd");
        add(channel.rewritten, "rewritten");
        add(!channel.counted, "no_count");
        add(!channel.gate, "gate_low");
        add(channel.gate_fell, "gate_fell");
        add(channel.triggered, "triggered");
        add(channel.bytes_to_come == 1 && channel.access == 3, "half_count");
    }
};

} // namespace

std::unique_ptr<Subject> make_pit() {
    return std::make_unique<Pit>();
}

} // namespace fixpoint::qtest
