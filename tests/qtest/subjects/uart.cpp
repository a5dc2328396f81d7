// The 16550A at COM1. Bytes are received in loopback mode only: there is nobody at the other end.
#include "tests/qtest/subjects/subjects.hpp"

namespace fixpoint::qtest {
namespace {

constexpr uint32_t base = 0x3F8;
enum : uint32_t {
    data = base,
    interrupt_enable = base + 1,
    fifo_control = base + 2, // identification when read
    line_control = base + 3,
    modem_control = base + 4,
    line_status = base + 5,
    modem_status = base + 6,
    scratch = base + 7,
};
constexpr uint32_t divisor_latch = 0x80, loopback = 0x10, out_2 = 0x08, data_bits_8 = 3, fifo_enable = 1,
                   resets_transmitter = 4;

class Generator {
public:
    explicit Generator(Random& random) : random_{random} {}

    Steps run() {
        const unsigned count = 5 + random_.below(60);
        for (unsigned i = 0; i < count; ++i)
            act();
        return steps_;
    }

private:
    void act() {
        switch (random_.below(14)) {
        case 0:
            steps_.push_back(out(interrupt_enable, random_.below(16)));
            break;
        case 1:
            steps_.push_back(out(fifo_control, random_.below(4) << 6 | random_.below(8)));
            break;
        case 2:
            if (random_.one_in(2)) // break stays off
                steps_.push_back(out(line_control, line_control_ = random_.below(0x40)));
            break;
        case 3:
            steps_.push_back(
                out(modem_control, random_.one_in(4) ? random_.below(16) : loopback | random_.below(16)));
            break;
        case 4:
        case 5:
        case 6:
            send();
            break;
        case 7:
        case 8:
            for (unsigned i = 0; i <= random_.below(4); ++i)
                steps_.push_back(in(data));
            break;
        case 9:
            if (random_.one_in(3))
                set_divisor();
            else
                steps_.push_back(out(scratch, random_.below(256)));
            break;
        case 10:
            wait();
            break;
        case 11:
            steps_.push_back(in(fifo_control));
            break;
        default:
            steps_.push_back(in(base + random_.below(8), random_.one_in(12) ? 2 : 1));
            break;
        }
    }
    void send() {
        const uint32_t bytes = random_.one_in(3) ? 1 + random_.below(18) : 1;
        for (uint32_t i = 0; i < bytes; ++i)
            steps_.push_back(out(data, random_.below(256)));
    }
    void set_divisor() {
        divisor_ = 1 + random_.below(300);
        steps_.push_back(out(line_control, line_control_ | divisor_latch));
        steps_.push_back(out(data, divisor_ & 0xFF));
        steps_.push_back(out(interrupt_enable, divisor_ >> 8));
        if (random_.one_in(2)) {
            steps_.push_back(in(data));
            steps_.push_back(in(interrupt_enable));
        }
        steps_.push_back(out(line_control, line_control_));
    }
    // Three halves of the longest frame: no sum of them is near the four frames of the character timeout.
    void wait() {
        constexpr uint64_t ns_per_second = 1'000'000'000, divisor_1_baud = 115'200, longest_frame_bits = 12;
        const uint64_t frame_ns = longest_frame_bits * divisor_ * ns_per_second / divisor_1_baud;
        now_ns_ += (1 + random_.below(4)) * 10 * frame_ns;
        steps_.push_back(wait_until(now_ns_));
    }

    Random& random_;
    Steps steps_;
    uint32_t line_control_ = data_bits_8, divisor_ = 12;
    uint64_t now_ns_ = 0;
};

class Uart final : public Subject {
public:
    std::string_view name() const override { return "uart"; }
    uint32_t lines() const override { return 1u << 4; }
    Steps prologue() const override {
        return {out(line_control, divisor_latch),
                out(data, 12),
                out(interrupt_enable, 0),
                out(line_control, data_bits_8),
                out(interrupt_enable, 0),
                out(fifo_control, 7),
                out(fifo_control, 0),
                out(modem_control, 8),
                out(scratch, 0),
                in(line_status),
                in(data),
                in(fifo_control),
                in(modem_status)};
    }
    Steps generate(Random& random) const override { return Generator{random}.run(); }

    std::vector<Features> features(const Steps& steps) const override {
        bool connected = true, fifo = false, latch = false, transmit_reset = false;
        std::vector<Features> all;
        for (const Step& step : steps) {
            const bool was_connected = connected;
            const auto value = static_cast<uint32_t>(step.value);
            if (step.action == Action::write) {
                switch (step.address) {
                case data:
                    transmit_reset &= latch;
                    break;
                case fifo_control:
                    transmit_reset |= value & resets_transmitter || fifo != (value & fifo_enable);
                    fifo = value & fifo_enable;
                    break;
                case line_control:
                    latch = value & divisor_latch;
                    break;
                case modem_control:
                    connected = (value & (loopback | out_2)) == out_2;
                    break;
                default:
                    break;
                }
            }
            Features here;
            if (!connected || !was_connected)
                here.insert("disconnected");
            if (transmit_reset)
                here.insert("transmit_reset");
            if (fifo)
                here.insert("fifo");
            all.push_back(std::move(here));
        }
        return all;
    }
};

} // namespace

std::unique_ptr<Subject> make_uart() {
    return std::make_unique<Uart>();
}

} // namespace fixpoint::qtest
