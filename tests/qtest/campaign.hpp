// Many sequences for one device, on the models and on QEMU.
#pragma once

#include "tests/qtest/board.hpp"
#include "tests/qtest/emulator.hpp"
#include "tests/qtest/known_differences.hpp"
#include "tests/qtest/subject.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace fixpoint::qtest {

struct Setting {
    std::filesystem::path qemu, clock_library, known_differences;
    std::string defect; // of the model, for the canary; empty: none
};

class Campaign {
public:
    Campaign(const Subject& subject, const Setting& setting);

    struct Comparison {
        Steps steps; // with the prologue
        Observations model, emulator;
        std::vector<Difference> differences, unexplained;
    };
    [[nodiscard]] Steps generate(uint64_t seed, uint64_t number) const;
    Comparison compare(const Steps& steps); // steps: after the prologue
    // The shortest sequence found that still shows the first unexplained difference's like.
    Comparison shrink(const Comparison& failure);

    // What sequences that differ alike have in common.
    [[nodiscard]] std::string group_of(const Comparison& comparison) const;
    [[nodiscard]] std::string describe(const Comparison& comparison) const;
    [[nodiscard]] std::string usage() const { return known_.usage(subject_.name()); }

private:
    void spoil(Observations& observations) const;

    const Subject& subject_;
    std::string defect_;
    KnownDifferences known_;
    Steps prologue_;
    tests::TemporaryFolder folder_{"fixpoint-qtest-disk"};
    std::filesystem::path image_;
    std::unique_ptr<Emulator> emulator_;
};

} // namespace fixpoint::qtest
