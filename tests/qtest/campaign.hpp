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
    // `variants`: at least one; they must outlive it.
    Campaign(const Variants& variants, const Setting& setting);

    struct Comparison {
        size_t variant = 0;
        Steps steps; // with the prologue
        Observations model, emulator;
        std::vector<Difference> differences, unexplained;
    };
    Comparison run(uint64_t seed, uint64_t number);
    // The shortest sequence found that still shows the first unexplained difference's like.
    Comparison shrink(const Comparison& failure);

    // What sequences that differ alike have in common.
    [[nodiscard]] std::string group_of(const Comparison& comparison) const;
    [[nodiscard]] std::string describe(const Comparison& comparison) const;
    [[nodiscard]] std::string usage() const { return known_.usage(variants_.front().subject.name()); }

private:
    struct Variant {
        const Subject& subject;
        Steps prologue;
        std::vector<std::filesystem::path> images; // of the IDE units, empty: no drive
        std::unique_ptr<Emulator> emulator;
    };
    [[nodiscard]] std::vector<std::filesystem::path> make_images(unsigned drives) const;
    Comparison compare(size_t variant, const Steps& steps); // steps: after the prologue
    void spoil(Observations& observations) const;

    std::string defect_;
    KnownDifferences known_;
    tests::TemporaryFolder folder_{"fixpoint-qtest-disk"};
    std::vector<Variant> variants_;
};

} // namespace fixpoint::qtest
