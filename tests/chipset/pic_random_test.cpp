// Random programming of the 8259A pair, step by step against the data sheet's pair.
#include "tests/chipset/pic_reference.hpp"

#include "models/chipset/pic.hpp"
#include "models/disk/seeded_random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace fixpoint::models {
namespace {

constexpr uint32_t master_port = 0x20, slave_port = 0xA0, elcr_port = 0x4D0;
constexpr unsigned lines_of_board = 16;

class PicComparison {
public:
    explicit PicComparison(uint64_t seed) : random_{seed} {
        pic_.interrupt.connect([this](bool level) { rises_ += level ? 1 : 0; });
    }

    void run(unsigned steps) {
        initialise(master_port);
        initialise(slave_port);
        while (step_ < steps && !testing::Test::HasFailure())
            act(one_in(2) ? master_port : slave_port);
    }

private:
    bool one_in(uint64_t chances) { return below(chances) == 0; }
    uint8_t below(uint64_t bound) { return static_cast<uint8_t>(random_.below(bound)); }

    void act(uint32_t chip) {
        switch (below(20)) {
        case 0:
            write(chip + 1, one_in(2) ? 0 : below(256)); // OCW1
            break;
        case 1:
        case 2:
            write(chip, static_cast<uint8_t>(below(8) << 5 | below(8))); // OCW2
            break;
        case 3:
            write(chip, 0x20); // most programs' one
            break;
        case 4:
            write(chip, static_cast<uint8_t>(0x08 | below(4) << 5 | below(4))); // OCW3
            break;
        case 5:
            poll(chip);
            break;
        case 6:
            if (one_in(8))
                initialise(chip);
            break;
        case 7:
            if (one_in(4))
                write(elcr_port + below(2), below(256));
            break;
        case 8:
            read(chip + below(2));
            read(elcr_port + below(2));
            break;
        case 9:
        case 10:
        case 11:
        case 12:
            if (pic_.interrupt.level() || one_in(20)) // else spurious
                acknowledge();
            break;
        default:
            change_line();
            break;
        }
    }
    void change_line() {
        const unsigned irq = below(lines_of_board);
        if (irq == PicChipReference::cascade)
            return;
        levels_ ^= 1u << irq;
        const bool high = levels_ >> irq & 1;
        pic_.set_irq(irq, high);
        reference_.set_irq(irq, high);
        compare("IRQ", irq, high);
    }
    // Devices do not wait for the programmer.
    void maybe_change_lines() {
        while (one_in(3))
            change_line();
    }
    void initialise(uint32_t chip) {
        const auto icw1 =
            static_cast<uint8_t>(0x10 | (one_in(4) ? 0 : 1) | (one_in(4) ? 2 : 0) | below(4) << 2);
        write(chip, icw1);
        maybe_change_lines();
        write(chip + 1, below(256));
        maybe_change_lines();
        if (!(icw1 & 2))
            write(chip + 1,
                  chip == master_port ? 1u << PicChipReference::cascade : PicChipReference::cascade);
        maybe_change_lines();
        if (icw1 & 1)
            write(chip + 1, below(32));
    }
    void poll(uint32_t chip) {
        write(chip, static_cast<uint8_t>(0x0C | below(4)));
        while (one_in(2)) {
            if (one_in(4))
                write(chip + 1, below(256));
            else
                change_line();
        }
        read(chip + below(2));
    }

    static uint32_t offset_of(uint32_t port) {
        return port >= elcr_port    ? port - elcr_port + Pic::elcr_offset
               : port >= slave_port ? port - slave_port + Pic::slave_offset
                                    : port - master_port;
    }
    void write(uint32_t port, uint8_t value) {
        pic_.write(offset_of(port), 1, value);
        reference_.write(port, value);
        compare("write", port, value);
    }
    void read(uint32_t port) {
        const uint32_t value = pic_.read(offset_of(port), 1);
        ASSERT_EQ(value, reference_.read(port)) << last_steps() << "read " << port;
        compare("read", port, value);
    }
    void acknowledge() {
        const uint8_t vector = pic_.acknowledge();
        ASSERT_EQ(vector, reference_.acknowledge()) << last_steps() << "acknowledge";
        compare("acknowledge", 0, vector);
    }
    void compare(std::string_view what, uint32_t where, uint32_t value) {
        ++step_;
        history_.push_back({what, where, value});
        ASSERT_EQ(pic_.interrupt.level(), reference_.master().output()) << last_steps();
        ASSERT_EQ(rises_, reference_.master().rises()) << last_steps();
        ASSERT_NO_FATAL_FAILURE(compare(pic_.master(), reference_.master()));
        ASSERT_NO_FATAL_FAILURE(compare(pic_.slave(), reference_.slave()));
    }
    void compare(const InterruptController& chip, const PicChipReference& reference) {
        ASSERT_EQ(chip.request(), reference.request()) << last_steps();
        ASSERT_EQ(chip.in_service(), reference.in_service()) << last_steps();
        ASSERT_EQ(chip.mask(), reference.mask()) << last_steps();
        ASSERT_EQ(chip.level_sensitive(), reference.level_sensitive()) << last_steps();
        ASSERT_EQ(chip.base(), reference.base()) << last_steps();
        ASSERT_EQ(chip.output(), reference.output()) << last_steps();
    }

    [[nodiscard]] std::string last_steps() const {
        constexpr size_t shown = 40;
        std::ostringstream text;
        text << std::hex << '\n';
        for (size_t i = history_.size() - std::min(shown, history_.size()); i < history_.size(); ++i)
            text << history_[i].what << ' ' << history_[i].where << ": " << history_[i].value << '\n';
        return text.str();
    }

    struct Event {
        std::string_view what;
        uint32_t where, value;
    };

    SeededRandom random_;
    Pic pic_;
    PicReference reference_;
    unsigned step_ = 0, rises_ = 0;
    uint32_t levels_ = 0;
    std::vector<Event> history_;
};

TEST(PicRandom, DoesAsTheDataSheetSaysStepByStep) {
    for (uint64_t seed = 1; seed <= 400 && !testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        PicComparison{seed}.run(3'000);
    }
}

} // namespace
} // namespace fixpoint::models
