// The 8259A pair with its ELCR. Requests come on the lines themselves; the poll command acknowledges.
#include "models/chipset/pic.hpp"
#include "tests/qtest/subjects/subjects.hpp"

#include <array>
#include <optional>
#include <utility>

namespace fixpoint::qtest {
namespace {

constexpr uint32_t master = 0x20, slave = 0xA0, elcr = 0x4D0;
constexpr unsigned cascade = 2, lines_of_board = 16;

struct Initialisation {
    uint32_t icw1, icw4;
};

void initialise(Steps& steps, uint32_t chip, Initialisation words) {
    constexpr uint32_t single = 2, icw4_follows = 1;
    steps.push_back(out(chip, words.icw1));
    steps.push_back(out(chip + 1, chip == master ? 0x08 : 0x70));
    if (!(words.icw1 & single))
        steps.push_back(out(chip + 1, chip == master ? 1u << cascade : cascade));
    if (words.icw1 & icw4_follows)
        steps.push_back(out(chip + 1, words.icw4));
}

// Follows the steps on the model, to see what has happened in the chips that QEMU does otherwise.
class Follower {
public:
    bool withdrawn = false; // a request has gone before its acknowledge
    bool special_mask_eoi =
        false; // a non-specific EOI while masked levels are in service in special mask mode
    bool nested_holds_back =
        false; // special fully nested mode: a slave's interrupt is served, another line asks
    bool special_mask_asks = false; // special mask mode, set or reset, has changed the output

    void follow(const Step& step) {
        const uint8_t cascade_before = pic_.master().request() & cascade_bit;
        bool may_clear = false; // acknowledge or initialisation
        switch (step.action) {
        case Action::line:
            withdrawn |= withdraws(static_cast<unsigned>(step.address), step.value != 0);
            pic_.set_irq(step.address, step.value != 0);
            break;
        case Action::write:
            may_clear = write(step.address, static_cast<uint32_t>(step.value));
            break;
        case Action::read:
            for (uint32_t port = step.address; port < step.address + step.bytes; ++port)
                if (const std::optional<uint32_t> offset = offset_of(port))
                    pic_.read(*offset, 1);
            may_clear = (step.address & ~1u) == master;
            break;
        default:
            break;
        }
        const models::InterruptController& chip = pic_.master();
        nested_holds_back |= chip.special_fully_nested() && chip.in_service() & cascade_bit &&
                             chip.request() & ~chip.mask() & ~cascade_bit;
        withdrawn |= cascade_before != 0 && !(pic_.master().request() & cascade_bit) && !may_clear;
    }

private:
    static constexpr uint8_t cascade_bit = 1u << cascade;

    static std::optional<uint32_t> offset_of(uint32_t port) {
        switch (port & ~1u) {
        case master:
            return port - master;
        case slave:
            return port - slave + models::Pic::slave_offset;
        case elcr:
            return port - elcr + models::Pic::elcr_offset;
        default:
            return std::nullopt;
        }
    }
    bool withdraws(unsigned irq, bool level) const {
        const models::InterruptController& chip = irq < 8 ? pic_.master() : pic_.slave();
        return !level && (chip.request() & ~chip.level_sensitive()) >> irq % 8 & 1;
    }
    // True: it may take back requests.
    bool write(uint32_t port, uint32_t value) {
        constexpr uint32_t icw1 = 0x10, ocw3 = 0x08, sets_special_mask = 0x40, special_mask = 0x20;
        constexpr uint32_t non_specific_eoi = 1; // also with rotation
        const bool to_slave = port == slave;
        if ((port == master || to_slave) && value & icw1) {
            special_mask_[to_slave] = false;
        } else if ((port == master || to_slave) && value & ocw3) {
            if (value & sets_special_mask)
                special_mask_[to_slave] = value & special_mask;
        } else if ((port == master || to_slave) && (value >> 5 & 3) == non_specific_eoi) {
            const models::InterruptController& chip = to_slave ? pic_.slave() : pic_.master();
            special_mask_eoi |= special_mask_[to_slave] && (chip.in_service() & chip.mask()) != 0;
        }
        const bool asked = pic_.interrupt.level();
        if (const std::optional<uint32_t> offset = offset_of(port))
            pic_.write(*offset, 1, value);
        special_mask_asks |= asked != pic_.interrupt.level() && (port == master || to_slave) &&
                             (value & (icw1 | ocw3)) == ocw3;
        return port == master && value & icw1;
    }

    models::Pic pic_;
    std::array<bool, 2> special_mask_{};
};

class Generator {
public:
    Generator(Random& random, Steps prologue)
        : random_{random}, prologue_{std::move(prologue)}, careful_{!random.one_in(10)} {}

    Steps run() {
        if (random_.one_in(2))
            for (const uint32_t port : {elcr, elcr + 1})
                steps_.push_back(out(port, random_.below(256)));
        const unsigned count = 8 + random_.below(60);
        for (unsigned i = 0; i < count; ++i) {
            const Steps before = steps_;
            const uint32_t levels_before = levels_;
            act(random_.one_in(2) ? master : slave);
            if (careful_ && withdraws()) {
                steps_ = before;
                levels_ = levels_before;
            }
        }
        return steps_;
    }

private:
    // A device that keeps its line up until it is served does no such thing.
    bool withdraws() const {
        Follower follower;
        for (const Steps* part : {&prologue_, &steps_})
            for (const Step& step : *part)
                follower.follow(step);
        return follower.withdrawn;
    }
    void act(uint32_t chip) {
        switch (random_.below(16)) {
        case 0:
        case 1:
        case 2:
        case 3:
        case 4:
            request();
            break;
        case 5:
        case 6:
            steps_.push_back(out(chip + 1, random_.one_in(2) ? 0 : random_.below(256))); // OCW1
            break;
        case 7:
        case 8:
            steps_.push_back(out(chip, random_.below(8) << 5 | random_.below(8))); // OCW2
            break;
        case 9:
            steps_.push_back(out(chip, random_.pick({0x0Au, 0x0Bu, 0x48u, 0x68u, 0x08u}))); // OCW3
            break;
        case 10:
        case 11:
        case 12:
            poll(chip);
            break;
        case 13:
            if (random_.one_in(4))
                initialise_both();
            break;
        case 14:
            steps_.push_back(in(elcr + random_.below(2), random_.one_in(8) ? 2 : 1));
            break;
        default:
            steps_.push_back(in(chip + random_.below(2), random_.one_in(8) ? 2 : 1));
            break;
        }
    }
    void poll(uint32_t chip) {
        constexpr uint32_t poll_command = 0x0C;
        steps_.push_back(out(chip, poll_command));
        steps_.push_back(in(chip + (random_.one_in(4) ? 1 : 0)));
        if (chip == master && random_.one_in(2)) // a request of the slave's, perhaps
            poll(slave);
    }
    // As drivers do it: while nothing asks.
    void initialise_both() {
        for (unsigned irq = 0; irq < lines_of_board; ++irq)
            if (levels_ >> irq & 1)
                steps_.push_back(line(irq, false));
        levels_ = 0;
        for (const uint32_t chip : {master, slave})
            initialise(steps_, chip, {0x11, random_.pick({0x01u, 0x03u, 0x11u, 0x13u})});
    }
    void request() {
        const unsigned irq = random_.below(lines_of_board);
        if (irq == cascade)
            return;
        levels_ ^= 1u << irq;
        steps_.push_back(line(irq, levels_ >> irq & 1));
    }

    Random& random_;
    Steps prologue_, steps_;
    bool careful_;
    uint32_t levels_ = 0;
};

class Pic final : public Subject {
public:
    std::string_view name() const override { return "pic"; }
    Watch watch() const override { return Watch::interrupt; }
    uint32_t lines() const override { return 1; }
    Steps prologue() const override {
        Steps steps;
        for (unsigned irq = 0; irq < lines_of_board; ++irq)
            if (irq != cascade)
                steps.push_back(line(irq, false));
        for (const uint32_t chip : {master, slave}) {
            initialise(steps, chip, {0x11, 0x01});
            steps.push_back(out(chip + 1, 0));
        }
        steps.push_back(out(elcr, 0));
        steps.push_back(out(elcr + 1, 0));
        return steps;
    }
    Steps generate(Random& random) const override { return Generator{random, prologue()}.run(); }

    std::vector<Features> features(const Steps& steps) const override {
        Follower follower;
        std::vector<Features> all;
        for (const Step& step : steps) {
            follower.follow(step);
            Features here;
            if (follower.withdrawn)
                here.insert("withdrawn");
            if (follower.special_mask_eoi)
                here.insert("special_mask_eoi");
            if (follower.nested_holds_back)
                here.insert("nested_holds_back");
            if (follower.special_mask_asks)
                here.insert("special_mask_asks");
            all.push_back(std::move(here));
        }
        return all;
    }
};

} // namespace

std::unique_ptr<Subject> make_pic() {
    return std::make_unique<Pic>();
}

} // namespace fixpoint::qtest
