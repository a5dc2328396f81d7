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
constexpr uint32_t divisor_latch = 0x80, set_break = 0x40, data_bits_8 = 3;      // line control
constexpr uint32_t loopback = 0x10, out_2 = 0x08, out_1 = 0x04;                  // modem control
constexpr uint32_t fifo_enable = 1, resets_receiver = 2, resets_transmitter = 4; // FIFO control
constexpr uint32_t ring_indicator = 0x40, inputs_of_a_terminal = 0xB0;           // modem status
constexpr uint32_t modem_interrupt = 8;                                          // interrupt enable

class Generator {
public:
    explicit Generator(Random& random) : random_{random}, breaks_{random.one_in(5)} {}

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
            if (random_.one_in(2)) {
                line_control_ = random_.below(0x40) | (breaks_ && random_.one_in(2) ? set_break : 0);
                steps_.push_back(out(line_control, line_control_));
            }
            break;
        case 3:
            steps_.push_back(
                out(modem_control, random_.one_in(4) ? random_.below(16) : loopback | random_.below(16)));
            if (!random_.one_in(3)) // else a change that interrupts hides what else does
                steps_.push_back(in(modem_status));
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
            if (random_.one_in(2))
                fill_fifo();
            else
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
    // Byte by byte up to a trigger level and beyond.
    void fill_fifo() {
        steps_.push_back(out(modem_control, loopback | out_2));
        steps_.push_back(out(fifo_control, random_.below(4) << 6 | 7));
        steps_.push_back(out(interrupt_enable, 1));
        for (unsigned i = 0; i < 17; ++i) {
            steps_.push_back(out(data, random_.below(256)));
            steps_.push_back(in(fifo_control));
        }
        for (unsigned i = 0; i < 4; ++i) {
            steps_.push_back(in(data));
            steps_.push_back(in(random_.one_in(2) ? fifo_control : line_status));
        }
    }
    void set_divisor() {
        steps_.push_back(out(fifo_control, 7)); // nothing waits for a timeout at another speed
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
    // Bit times, of which no sum is near the character timeout's four frames, or so many that it has passed.
    void wait() {
        constexpr uint64_t ns_per_second = 1'000'000'000, divisor_1_baud = 115'200, longest_frame_bits = 12,
                           short_wait_tenths = 13, long_wait_tenths = 100 * longest_frame_bits;
        const uint64_t tenth_of_bit_ns = divisor_ * ns_per_second / divisor_1_baud / 10;
        now_ns_ += tenth_of_bit_ns * (random_.one_in(2) ? short_wait_tenths : long_wait_tenths);
        steps_.push_back(wait_until(now_ns_));
    }

    Random& random_;
    Steps steps_;
    bool breaks_; // seldom: in loopback nothing agrees with QEMU after a break
    uint32_t line_control_ = data_bits_8, divisor_ = 12;
    uint64_t now_ns_ = 0;
};

// What is known of the port's state where QEMU's is simpler.
class Follower {
public:
    Features follow(const Step& step) {
        const bool modem_changed = modem_deltas_ != 0, interrupted = modem_interrupts();
        if (step.action == Action::write)
            write(step.address, static_cast<uint32_t>(step.value));
        Features here;
        if (modem_changed || modem_deltas_ != 0)
            here.insert("modem_changed");
        if (interrupted || modem_interrupts())
            here.insert("modem_interrupt");
        if (transmit_reset_)
            here.insert("transmit_reset");
        if (fifo_)
            here.insert("fifo");
        if (fifo_ ? fifo_holds_short_word_ : buffer_holds_short_word_)
            here.insert("short_word");
        if (break_looped_)
            here.insert("break_looped");
        if (step.action == Action::read && step.address <= modem_status &&
            step.address + step.bytes > modem_status)
            modem_deltas_ = 0;
        return here;
    }

private:
    [[nodiscard]] bool modem_interrupts() const {
        return modem_deltas_ != 0 && interrupt_enable_ & modem_interrupt;
    }
    [[nodiscard]] uint32_t modem_inputs() const {
        if (!(modem_control_ & loopback))
            return inputs_of_a_terminal;
        return (modem_control_ & 2) << 3 | (modem_control_ & 1) << 5 |
               (modem_control_ & (out_1 | out_2)) << 4;
    }
    void send(uint32_t byte) {
        transmit_reset_ = false;
        if (!(modem_control_ & loopback))
            return;
        const bool is_short = byte >> (5 + (line_control_ & 3)) != 0;
        if (fifo_)
            fifo_holds_short_word_ |= is_short;
        else
            buffer_holds_short_word_ = is_short;
    }
    void write(uint32_t port, uint32_t value) {
        const bool latch = line_control_ & divisor_latch;
        switch (port) {
        case data:
            if (!latch)
                send(value);
            break;
        case interrupt_enable:
            if (!latch)
                interrupt_enable_ = value;
            break;
        case fifo_control: {
            const bool switched = fifo_ != ((value & fifo_enable) != 0);
            transmit_reset_ |= value & resets_transmitter || switched;
            if (value & resets_receiver || switched)
                fifo_holds_short_word_ = false;
            fifo_ = value & fifo_enable;
            break;
        }
        case line_control:
            line_control_ = value;
            break;
        case modem_control: {
            const uint32_t before = modem_inputs();
            modem_control_ = value;
            const uint32_t changed = before ^ modem_inputs();
            modem_deltas_ |= (changed & ~(modem_inputs() & ring_indicator)) >> 4;
            break;
        }
        default:
            break;
        }
        break_looped_ |= line_control_ & set_break && modem_control_ & loopback;
    }

    uint32_t line_control_ = 0, modem_control_ = 0, interrupt_enable_ = 0, modem_deltas_ = 0;
    bool fifo_ = false, transmit_reset_ = false, fifo_holds_short_word_ = false,
         buffer_holds_short_word_ = false, break_looped_ = false;
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
        return follow_steps<Follower>(steps);
    }
};

} // namespace

std::unique_ptr<Subject> make_uart() {
    return std::make_unique<Uart>();
}

} // namespace fixpoint::qtest
