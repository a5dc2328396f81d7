// A device under comparison: how to generate sequences for it, and how the two sides are set up.
//
// A new device is one class derived from Subject in a file of subjects/, a line in subjects/subjects.cpp, and, if the
// board does not have the device yet, its wiring in board.cpp (where it is:
// models/chipset/pc_wiring.hpp).
#pragma once

#include "tests/differential/random.hpp"
#include "tests/qtest/sequence.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fixpoint::qtest {

using differential::Random;

// Which signals are compared.
enum class Watch {
    device_lines, // the lines that devices drive, by IRQ number
    interrupt,    // the PIC's output to the processor, as line 0
};

// When a step happens on both sides, and when it ends, which is when what it has shown is looked at: ns after the
// sequence's beginning.
struct Instant {
    uint64_t model_ns, emulator_ns, end_ns;
};

// What a step shows: a value that was read, how often compared lines rose, and their levels at its end.
struct Sight {
    uint32_t value, rises, levels;
    bool operator==(const Sight&) const = default;
};
struct Expectation {
    Sight model, emulator;
};

class Subject {
public:
    Subject() = default;
    Subject(const Subject&) = delete;
    Subject& operator=(const Subject&) = delete;
    virtual ~Subject() = default;

    [[nodiscard]] virtual std::string_view name() const = 0;
    // Brings both sides from reset to the same state. Not compared, and kept when a sequence is shrunk.
    [[nodiscard]] virtual Steps prologue() const = 0;
    // One sequence, as drivers or torture tests would do it; it begins at the prologue's end.
    [[nodiscard]] virtual Steps generate(Random& random) const = 0;

    // Whether a sequence that shrinking has cut steps out of is still one to compare.
    [[nodiscard]] virtual bool legal(const Steps&) const { return true; }

    [[nodiscard]] virtual Watch watch() const { return Watch::device_lines; }
    // Which lines are compared, a bit a line.
    [[nodiscard]] virtual uint32_t lines() const = 0;
    // Whether lines are looked at after a step; rising edges of steps where they are not are counted with the next one.
    [[nodiscard]] virtual bool shows_lines(const Step&) const { return true; }
    // IDE units that have a drive, a bit each: primary master and slave, secondary master and slave.
    [[nodiscard]] virtual unsigned drives() const { return 0; }
    // What QEMU's command line needs besides.
    [[nodiscard]] virtual std::vector<std::string> emulator_options() const { return {}; }
    // A chip may take a write over later than QEMU does, which then has to get it later.
    [[nodiscard]] virtual Instant instant(const Step&, uint64_t now_ns) const {
        return {now_ns, now_ns, now_ns};
    }
    // Where the lowest bit of what a step reads is in its register, for the `bits` of the table of known differences.
    [[nodiscard]] virtual unsigned first_bit(const Step&) const { return 0; }
    // What the table of known differences may name in each step, besides plain_features(). `steps` has the prologue
    // in it.
    [[nodiscard]] virtual std::vector<Features> features(const Steps& steps) const {
        return std::vector<Features>(steps.size());
    }
    // What each step shows on the two sides, from a reference that knows how they differ; empty: there is none. The table
    // explains only differences that are expected. For subjects that show their lines in every step.
    [[nodiscard]] virtual std::vector<Expectation> expectations(const Steps&) const { return {}; }
};

// Features by a Follower, which sees every step in turn and says what holds at it: Features follow(const Step&).
template<typename Follower>
std::vector<Features> follow_steps(const Steps& steps, Follower follower = {}) {
    std::vector<Features> all;
    all.reserve(steps.size());
    for (const Step& step : steps)
        all.push_back(follower.follow(step));
    return all;
}

// A device's subjects: one, or one for each way of putting its board together. Sequences take them in turn.
using Variants = std::vector<std::unique_ptr<Subject>>;

[[nodiscard]] std::vector<Variants> all_subjects();

[[nodiscard]] std::vector<Instant> schedule(const Subject& subject, const Steps& steps);

} // namespace fixpoint::qtest
