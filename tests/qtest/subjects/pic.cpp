// The 8259A pair with its ELCR. Requests come on the lines themselves; the poll command acknowledges.
#include "tests/qtest/subjects/subjects.hpp"

#include <fmt/format.h>

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

class Generator {
public:
    explicit Generator(Random& random) : random_{random} {}

    Steps run() {
        const unsigned count = 8 + random_.below(60);
        for (unsigned i = 0; i < count; ++i)
            act(random_.one_in(2) ? master : slave);
        return steps_;
    }

private:
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
            steps_.push_back(out(chip, 0x0C)); // poll
            steps_.push_back(in(chip + (random_.one_in(4) ? 1 : 0)));
            break;
        case 13:
            if (random_.one_in(3))
                initialise(steps_, chip, {0x11, random_.pick({0x01u, 0x03u, 0x11u, 0x13u})});
            break;
        case 14:
            if (random_.one_in(3))
                steps_.push_back(out(elcr + random_.below(2), random_.below(256)));
            else
                steps_.push_back(in(elcr + random_.below(2), random_.one_in(4) ? 2 : 1));
            break;
        default:
            steps_.push_back(in(chip + random_.below(2), random_.one_in(8) ? 2 : 1));
            break;
        }
    }
    void request() {
        const unsigned irq = random_.below(lines_of_board);
        if (irq == cascade)
            return;
        levels_ ^= 1u << irq;
        steps_.push_back(line(irq, levels_ >> irq & 1));
        if (random_.one_in(3)) {
            levels_ ^= 1u << irq;
            steps_.push_back(line(irq, levels_ >> irq & 1));
        }
    }

    Random& random_;
    Steps steps_;
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
        steps.push_back(out(elcr, 0, 2));
        return steps;
    }
    Steps generate(Random& random) const override { return Generator{random}.run(); }
};

} // namespace

std::unique_ptr<Subject> make_pic() {
    return std::make_unique<Pic>();
}

} // namespace fixpoint::qtest
