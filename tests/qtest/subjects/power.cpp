// The PIIX4's power management registers: PM1 and the timer. Sleep-enable is not written: it would end the machine.
#include "tests/qtest/subjects/subjects.hpp"

namespace fixpoint::qtest {
namespace {

constexpr uint32_t base = 0x600, pm1_status = base, pm1_enable = base + 2, pm1_control = base + 4,
                   pm_timer = base + 8;
constexpr uint32_t sleep_enable = 1u << 13;
constexpr uint32_t address_port = 0xCF8, data_port = 0xCFC, power_function = 0x8000'0B00;
// Not a multiple of the timer's period: reads fall between ticks.
constexpr uint64_t step_ns = 1'000'003, half_period_ns = 2'343'484'716;

class Generator {
public:
    explicit Generator(Random& random) : random_{random} {}

    Steps run() {
        const unsigned count = 4 + random_.below(25);
        for (unsigned i = 0; i < count; ++i)
            act();
        return steps_;
    }

private:
    void act() {
        switch (random_.below(9)) {
        case 0:
            steps_.push_back(out(pm1_enable, random_.one_in(2) ? 1 : random_.below(65'536) & 0x0521, 2));
            break;
        case 1:
            steps_.push_back(out(pm1_control, (random_.word() & 0x1C07 & ~sleep_enable), 2));
            break;
        case 2:
            steps_.push_back(out(pm1_status, random_.one_in(2) ? 1 : random_.below(65'536) & 0x8D31, 2));
            break;
        case 3:
            steps_.push_back(in(pm1_status, random_.one_in(4) ? 1 : 2));
            break;
        case 4:
            steps_.push_back(in(random_.one_in(2) ? pm1_enable : pm1_control, random_.one_in(4) ? 1 : 2));
            break;
        case 5:
        case 6:
            steps_.push_back(in(pm_timer, 4));
            break;
        default:
            now_ns_ += random_.one_in(3) ? half_period_ns + random_.below(1'000) * 1'000
                                         : step_ns * (1 + random_.below(200));
            steps_.push_back(wait_until(now_ns_));
            break;
        }
    }

    Random& random_;
    Steps steps_;
    uint64_t now_ns_ = 0;
};

class Power final : public Subject {
public:
    std::string_view name() const override { return "power"; }
    uint32_t lines() const override { return 1u << 9; }
    Steps prologue() const override {
        return {out(address_port, power_function | 0x40, 4),
                out(data_port, base | 1, 4),
                out(address_port, power_function | 0x80, 4),
                out(data_port, 1, 1),
                out(address_port, power_function | 0x04, 4),
                out(data_port, 1, 2),
                out(pm1_control, 1, 2),
                out(pm1_enable, 0, 2),
                out(pm1_status, 0xFFFF, 2)};
    }
    Steps generate(Random& random) const override { return Generator{random}.run(); }

    std::vector<Features> features(const Steps& steps) const override {
        constexpr uint64_t sci_enable = 1;
        bool sci = true;
        std::vector<Features> all;
        for (const Step& step : steps) {
            const bool before = sci;
            if (step.action == Action::write && step.address == pm1_control)
                sci = step.value & sci_enable;
            all.push_back(before && sci ? Features{} : Features{"sci_off"});
        }
        return all;
    }
};

} // namespace

std::unique_ptr<Subject> make_power() {
    return std::make_unique<Power>();
}

} // namespace fixpoint::qtest
