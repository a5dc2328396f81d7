// Runs cases on all processors, finds the differences that no row of the table explains, and shrinks them.
#pragma once

#include "tests/differential/known_differences.hpp"
#include "tests/differential/processor.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace differential {

// The model and the emulators that it is compared with.
struct Processors {
    std::unique_ptr<Processor> model;
    std::vector<std::unique_ptr<Processor>> emulators; // one or two
};

// One case's results.
struct Comparison {
    Result model;
    std::vector<Result> emulators;                    // in the order of Processors; not run: the model's
    std::vector<std::vector<Difference>> unexplained; // by emulator
    [[nodiscard]] bool fails() const;
};

class Campaign {
public:
    Campaign(Processors processors, KnownDifferences known)
        : processors_{std::move(processors)}, known_{std::move(known)} {}

    struct Range {
        uint64_t seed, first, count;
        std::string only;    // class; empty: all
        std::string without; // leave out cases that have this feature
    };
    struct Failure {
        uint64_t number = 0;
        Case what;
        Comparison comparison;
    };
    struct Summary {
        struct Group { // failing cases that look alike
            uint64_t cases = 0, first = 0;
        };
        std::map<std::string, Group> groups;
        uint64_t cases = 0, differing = 0, failing = 0;
        std::vector<Failure> failures; // the first `failures_at_most`
    };
    Summary run(const Range& range, uint32_t cases_an_image, size_t failures_at_most);

    // In full, one image for all.
    std::vector<Comparison> compare(const std::vector<Case>& cases);
    // The simplest case found that still fails in the same emulators.
    Failure shrink(const Failure& failure);

    // State, code, results and differences.
    [[nodiscard]] std::string describe(const Case& what, const Comparison& comparison, bool full) const;
    // How often each row of the table was needed, and how many cases hung where.
    [[nodiscard]] std::string usage() const;

private:
    [[nodiscard]] std::string group_of(const Case& what, const Comparison& comparison) const;
    [[nodiscard]] std::vector<std::vector<bool>> skipped(const std::vector<Case>& cases) const;
    std::vector<size_t> differing(const std::vector<Case>& cases);

    Processors processors_;
    KnownDifferences known_;
};

} // namespace differential
