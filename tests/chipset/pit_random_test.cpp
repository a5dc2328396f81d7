// Random programming of a counter, tick by tick against the data sheet's counter.
#include "tests/chipset/counter_reference.hpp"

#include "models/chipset/pit.hpp"
#include "models/disk/seeded_random.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

class CounterComparison {
public:
    explicit CounterComparison(uint64_t seed) : random_{seed} {}

    void run(unsigned ticks) {
        program();
        while (tick_ < ticks && !testing::Test::HasFailure()) {
            while (one_in(4))
                act();
            compare();
            go_on();
        }
    }

private:
    bool one_in(uint64_t chances) { return random_.below(chances) == 0; }

    void program() {
        mode_ = static_cast<unsigned>(random_.below(6));
        access_ = static_cast<unsigned>(1 + random_.below(3));
        bcd_ = one_in(3);
        first_written_ = false;
        counter_.write_control(static_cast<uint8_t>(access_ << 4 | mode_ << 1 | unsigned{bcd_}), tick_);
        reference_.write_control(mode_, bcd_);
    }
    // Small counts mostly, so that cycles end.
    void write_count() {
        const bool illegal_one = mode_ == 2 || mode_ == 3;
        uint32_t count = static_cast<uint32_t>((illegal_one ? 2 : 1) + random_.below(one_in(8) ? 400 : 12));
        uint32_t digits = bcd_ ? count % 10 | count / 10 % 10 << 4 | count / 100 << 8 : count;
        if (access_ == 1) {
            digits &= 0xFF;
            count = bcd_ ? count % 100 : digits;
        } else if (access_ == 2) {
            digits = (digits & 3) << 8;
            count = bcd_ ? (digits >> 8) * 100 : digits;
        }
        if (count == 1 && illegal_one)
            return;
        if (count == 0)
            count = bcd_ ? 10'000 : 65'536;
        if (access_ != 3) {
            counter_.write_count(static_cast<uint8_t>(access_ == 1 ? digits : digits >> 8), tick_);
            reference_.write_count(count);
        } else if (!first_written_) {
            first_written_ = true;
            second_digits_ = static_cast<uint8_t>(digits >> 8);
            second_count_ = count;
            counter_.write_count(static_cast<uint8_t>(digits), tick_);
            reference_.write_first_byte();
        } else {
            first_written_ = false;
            counter_.write_count(second_digits_, tick_);
            reference_.write_count(second_count_);
        }
    }
    void act() {
        if (one_in(40)) {
            program();
        } else if (one_in(3)) {
            gate_ = !gate_;
            counter_.set_gate(gate_, tick_);
            reference_.set_gate(gate_);
        } else {
            write_count();
        }
    }
    void compare() {
        counter_.advance(tick_);
        ASSERT_EQ(counter_.output(tick_), reference_.output()) << where();
        counter_.latch_status(tick_);
        const uint8_t status = counter_.read_count(tick_);
        ASSERT_EQ(status, reference_.output() << 7 | reference_.null_count() << 6 | access_ << 4 |
                              mode_ << 1 | unsigned{bcd_})
            << where();
        if (one_in(2)) { // else read as it runs
            counter_.latch_count(tick_);
        }
        uint32_t read = counter_.read_count(tick_);
        if (access_ == 3)
            read |= uint32_t{counter_.read_count(tick_)} << 8;
        if (const auto count = reference_.count()) {
            const uint32_t c = *count;
            const uint32_t digits = bcd_ ? c % 10 | c / 10 % 10 << 4 | c / 100 % 10 << 8 | c / 1000 << 12 : c;
            const uint32_t expected = access_ == 1 ? digits & 0xFF : access_ == 2 ? digits >> 8 : digits;
            ASSERT_EQ(read, expected) << where();
        }
    }
    // Through ticks in which nobody writes; the model says when its output changes.
    void go_on() {
        for (uint64_t ticks = 1 + random_.below(one_in(5) ? 100 : 3); ticks != 0; --ticks) {
            const std::optional<uint64_t> next = counter_.next_change(tick_);
            const bool before = reference_.output();
            reference_.clock();
            ++tick_;
            ASSERT_EQ(reference_.output() != before, next == tick_) << where();
            ASSERT_GE(next.value_or(tick_), tick_) << where();
            counter_.advance(tick_);
            ASSERT_EQ(counter_.output(tick_), reference_.output()) << where();
        }
    }
    [[nodiscard]] std::string where() const {
        return "tick " + std::to_string(tick_) + ", mode " + std::to_string(mode_) + ", gate " +
               std::to_string(gate_);
    }

    SeededRandom random_;
    TimerChannel counter_;
    CounterReference reference_;
    uint64_t tick_ = 0;
    unsigned mode_ = 0, access_ = 3;
    bool bcd_ = false, gate_ = true, first_written_ = false;
    uint8_t second_digits_ = 0;
    uint32_t second_count_ = 0;
};

TEST(PitRandom, CountsAsTheDataSheetSaysClockByClock) {
    for (uint64_t seed = 1; seed <= 2'000 && !testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        CounterComparison{seed}.run(1'000);
    }
}

} // namespace
} // namespace fixpoint::models
