// The 8259A pair with its ELCR. Requests come on the lines themselves; the poll command acknowledges.
#include "tests/chipset/pic_reference.hpp"
#include "tests/qtest/subjects/subjects.hpp"

#include <vector>

namespace fixpoint::qtest {
namespace {

using models::pic_deviation_names, models::PicDeviations, models::PicReference;

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

// How the second byte of a word is read.
enum class Words : uint8_t {
    byte_cycles,  // at the next port, as the ISA bridge does it
    one_register, // QEMU: by the register that the word begins at, if that is the last of its chip's
};

Sight perform(PicReference& pair, const Step& step, Words words = Words::byte_cycles) {
    const unsigned rises_before = pair.master().rises();
    uint32_t value = 0;
    switch (step.action) {
    case Action::line:
        pair.set_irq(step.address, step.value != 0);
        break;
    case Action::write:
        pair.write(step.address, static_cast<uint8_t>(step.value));
        break;
    case Action::read: {
        const bool first_of_two = step.address == master || step.address == slave;
        const uint32_t stride = words == Words::byte_cycles || first_of_two ? 1 : 0;
        for (uint32_t byte = 0; byte < step.bytes; ++byte)
            value |= uint32_t{pair.read(step.address + byte * stride)} << 8 * byte;
        break;
    }
    default:
        break;
    }
    return {value, pair.master().rises() - rises_before, pair.master().output()};
}

// From the chip to QEMU by one deviation after the other, words last. Where the two show something else, those are to
// blame that change it on the way; where they show the same, none is.
class Deviations {
public:
    Deviations() {
        PicDeviations some;
        pairs_.emplace_back(some);
        for (size_t i = 0; i < pic_deviation_names.size(); ++i)
            pairs_.emplace_back(some.set(i));
        pairs_.emplace_back(some);
        sights_.resize(pairs_.size());
    }
    void perform(const Step& step) {
        for (size_t i = 0; i < pairs_.size(); ++i)
            sights_[i] = qtest::perform(pairs_[i], step,
                                        i + 1 < pairs_.size() ? Words::byte_cycles : Words::one_register);
    }
    [[nodiscard]] Expectation expectation() const { return {sights_.front(), sights_.back()}; }
    [[nodiscard]] Features visible() const {
        Features names;
        if (sights_.front() == sights_.back())
            return names;
        for (size_t i = 0; i < pic_deviation_names.size(); ++i)
            if (sights_[i] != sights_[i + 1])
                names.emplace(pic_deviation_names[i]);
        if (sights_.back() != sights_[sights_.size() - 2])
            names.emplace("word_at_last_port");
        return names;
    }

private:
    std::vector<PicReference> pairs_; // with the first 0, 1, ... deviations
    std::vector<Sight> sights_;       // of the last step
};

class Generator {
public:
    Generator(Random& random, const Steps& prologue)
        : random_{random}, careful_{!random.one_in(10)}, rough_{random.one_in(4)} {
        for (const Step& step : prologue)
            perform(pair_, step);
    }

    Steps run() {
        if (random_.one_in(2))
            for (const uint32_t port : {elcr, elcr + 1})
                steps_.push_back(out(port, random_.below(256)));
        const unsigned count = 8 + random_.below(60);
        for (unsigned i = 0; i < count; ++i) {
            const size_t done = steps_.size();
            const uint32_t levels_before = levels_;
            act(random_.one_in(2) ? master : slave);
            if (careful_ && withdraws(done)) {
                steps_.resize(done);
                levels_ = levels_before;
            }
        }
        return steps_;
    }

private:
    // A device that keeps its line up until it is served does no such thing.
    bool withdraws(size_t done) {
        const PicReference before = pair_;
        for (size_t i = done; i < steps_.size(); ++i)
            perform(pair_, steps_[i]);
        const bool withdrawn = (pair_.master().withdrawn() | pair_.slave().withdrawn()) != 0;
        if (withdrawn)
            pair_ = before;
        return withdrawn;
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
            else if (rough_)
                initialise(steps_, chip, words());
            break;
        case 14:
            if (rough_)
                steps_.push_back(out(elcr + random_.below(2), random_.below(256)));
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
        if (rough_ && random_.one_in(4))
            request();
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
            initialise(steps_, chip, words());
    }
    // Mostly as PCs have them. Neither side heeds LTIM (08h), which the PIIX replaces by the ELCR, and ADI (04h).
    Initialisation words() {
        const uint32_t icw1 = random_.one_in(2) ? 0x11 : 0x10 + random_.below(16);
        return {icw1, random_.pick({0x01u, 0x03u, 0x11u, 0x13u})};
    }
    void request() {
        const unsigned irq = random_.below(lines_of_board);
        if (irq == cascade)
            return;
        levels_ ^= 1u << irq;
        steps_.push_back(line(irq, levels_ >> irq & 1));
    }

    Random& random_;
    Steps steps_;
    bool careful_;
    bool rough_; // initialises chips and changes trigger modes at any time, with requests during polls
    PicReference pair_;
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
        Deviations deviations;
        std::vector<Features> all;
        for (const Step& step : steps) {
            deviations.perform(step);
            all.push_back(deviations.visible());
        }
        return all;
    }
    std::vector<Expectation> expectations(const Steps& steps) const override {
        Deviations deviations;
        std::vector<Expectation> all;
        for (const Step& step : steps) {
            deviations.perform(step);
            all.push_back(deviations.expectation());
        }
        return all;
    }
};

} // namespace

std::unique_ptr<Subject> make_pic() {
    return std::make_unique<Pic>();
}

} // namespace fixpoint::qtest
