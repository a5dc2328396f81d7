// Runs cases on all processors, finds the differences that no row of the table explains, and shrinks them.
#pragma once

#include "tests/differential/known_differences.hpp"
#include "tests/differential/processor.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
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
    // Each set of processors works on images of its own, at the same time as the others.
    Campaign(std::vector<Processors> sets, KnownDifferences known)
        : sets_{std::move(sets)}, known_{std::move(known)} {}

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
        void add(Summary part, size_t failures_at_most);
    };
    Summary run(const Range& range, uint32_t cases_an_image, size_t failures_at_most);

    // In full, one image for all.
    std::vector<Comparison> compare(const std::vector<Case>& cases);
    // The simplest case found that still fails in the same emulators.
    Failure shrink(const Failure& failure);

    // State, code, results and differences.
    [[nodiscard]] std::string describe(const Case& what, const Comparison& comparison, bool full) const;
    // How often each row of the table was needed, and what each processor has cost.
    [[nodiscard]] std::string usage() const;

private:
    [[nodiscard]] std::string group_of(const Case& what, const Comparison& comparison) const;
    // The cases of one image.
    Summary run_image(Processors& set, const Range& range);
    // For each processor, the model first, and each case.
    using Flags = std::vector<std::vector<bool>>;
    [[nodiscard]] Flags hanging(const std::vector<Case>& cases) const; // the table says so
    // Where digests differ.
    Flags differing(Processors& set, const std::vector<Case>& cases);
    // `agree`: the emulator's result is the model's.
    std::vector<Comparison> compare(Processors& set, const std::vector<Case>& cases, const Flags& agree,
                                    double patience_seconds);

    std::vector<Processors> sets_; // all alike
    KnownDifferences known_;
    std::mutex known_mutex_;
};

} // namespace differential
