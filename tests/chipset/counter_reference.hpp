// One counter of the 8254 as the data sheet (231164, Mode Definitions) tells it, clock by clock: the count register, the
// counting element, and what each falling edge of CLK does to them. Slow and literal; the model is compared with it.
#pragma once

#include <cstdint>
#include <optional>

namespace fixpoint::models {

class CounterReference {
public:
    void write_control(unsigned mode, bool bcd) {
        mode_ = mode;
        modulus_ = bcd ? 10'000 : 65'536;
        count_register_.reset();
        element_.reset();
        load_due_ = trigger_ = inhibited_ = struck_ = false;
        null_count_ = true;
        output_ = mode != 0;
    }
    // The first byte of two.
    void write_first_byte() {
        if (mode_ == 0) {
            inhibited_ = true;
            output_ = false;
        }
    }
    // The whole count, as the number of clocks.
    void write_count(uint32_t count) {
        const bool first = !count_register_;
        count_register_ = count;
        null_count_ = true;
        inhibited_ = false;
        if (mode_ == 0)
            output_ = false;
        load_due_ = load_due_ || mode_ == 0 || mode_ == 4 || (periodic() && first);
    }
    void set_gate(bool level) {
        trigger_ = trigger_ || (level && !gate_);
        gate_ = level;
        if (periodic() && !level)
            output_ = true;
    }
    void clock() {
        const bool load = takes_the_count();
        trigger_ = load_due_ = false;
        if (mode_ >= 4)
            output_ = true;
        if (load) {
            take_count();
            output_ = mode_ != 0 && mode_ != 1;
            struck_ = false;
        } else if (element_ && counts()) {
            count_down();
        }
    }

    [[nodiscard]] bool output() const { return output_; }
    [[nodiscard]] bool null_count() const { return null_count_; }
    // As it is read; nothing where the data sheet leaves it open: before the first load, and while the next is due.
    [[nodiscard]] std::optional<uint32_t> count() const {
        if (!element_ || takes_the_count())
            return std::nullopt;
        return *element_ % modulus_;
    }

private:
    [[nodiscard]] bool periodic() const { return mode_ == 2 || mode_ == 3; }
    [[nodiscard]] bool takes_the_count() const {
        return count_register_ && (load_due_ || (trigger_ && mode_ != 0 && mode_ != 4));
    }
    [[nodiscard]] bool counts() const { return mode_ == 1 || mode_ == 5 || (gate_ && !inhibited_); }
    void take_count() {
        odd_ = *count_register_ % 2 != 0;
        element_ = mode_ == 3 ? *count_register_ & ~1u : *count_register_;
        null_count_ = false;
    }
    void count_down() {
        uint32_t& element = *element_;
        if (mode_ == 3) {
            if (element == (odd_ && output_ ? 0 : 2)) {
                output_ = !output_;
                take_count();
            } else {
                element -= 2;
            }
            return;
        }
        if (mode_ == 2 && element == 1) {
            output_ = true;
            take_count();
            return;
        }
        element = (element + modulus_ - 1) % modulus_;
        if (mode_ == 2) {
            output_ = element != 1;
        } else if (element == 0) {
            output_ = mode_ < 2 || struck_;
            struck_ = true;
        }
    }

    unsigned mode_ = 0;
    uint32_t modulus_ = 65'536;
    bool gate_ = true, output_ = false, null_count_ = true;
    bool load_due_ = false, trigger_ = false;
    bool inhibited_ = false; // mode 0 between the two bytes of a count
    bool struck_ = false;    // modes 4 and 5 strobe once for a count
    bool odd_ = false;
    std::optional<uint32_t> count_register_, element_;
};

} // namespace fixpoint::models
