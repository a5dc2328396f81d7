// Simulations in processes of their own: SystemC elaborates once a process, and simulations run side by side.
//
// A job runs in a forked child and hands back one JSON value through a pipe. The parent has no threads and no
// SystemC objects, so the fork is safe; a child ends by _exit, so that nothing of the parent's is torn down
// twice.
#pragma once

#include "sim/run/progress.hpp"

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace fixpoint::sim {

struct Job {
    // Runs in the child, inside sc_main. What it throws becomes JobResult::error.
    std::function<nlohmann::json(Progress&)> work;
};

struct JobResult {
    nlohmann::json value;
    std::string error; // empty: the job came to its end
};

using ProgressView = std::span<const Progress* const>;

// The user interrupted the program (SIGINT, SIGTERM); its children have been ended.
struct Interrupted : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Runs all jobs, at most `parallel` at a time, and calls `watch` every now and then while they run.
// Throws Interrupted, std::system_error.
[[nodiscard]] std::vector<JobResult> run_jobs(const std::vector<Job>& jobs, unsigned parallel,
                                              const std::function<void(ProgressView)>& watch);

} // namespace fixpoint::sim
