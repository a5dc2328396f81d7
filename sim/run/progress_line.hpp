// One line on the terminal that says how far the simulations are.
#pragma once

#include "sim/config/experiment.hpp"
#include "sim/run/process_pool.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace fixpoint::sim {

class ProgressLine {
public:
    // Silent unless `wanted` and standard error is a terminal.
    explicit ProgressLine(bool wanted);
    ~ProgressLine(); // clears the line

    // `experiments[i]` is what job i simulates.
    void draw(const std::vector<Experiment>& experiments, ProgressView jobs);

    // Pure, for tests: the text after `elapsed_s`.
    [[nodiscard]] static std::string text(const std::vector<Experiment>& experiments, ProgressView jobs,
                                          double elapsed_s);

private:
    bool active_;
    bool drawn_ = false;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

} // namespace fixpoint::sim
