// The simulations that experiments need, each done once: the run itself, and for the overhead the undisturbed
// runs of the same work with and without checkpoints.
#pragma once

#include "sim/config/experiment.hpp"
#include "sim/run/instruments.hpp"
#include "sim/run/outcome.hpp"
#include "sim/run/progress_line.hpp"
#include "sim/run/summary.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fixpoint::sim {

// Indices of simulations.
struct ExperimentPlan {
    size_t run = 0;
    std::optional<size_t> with, without;
};

// Decides what to simulate. Simulations of the same resolved configuration are shared: a baseline without
// checkpoints serves all points of a sweep that differ only in the pager's keys.
class SimulationPlan {
public:
    ExperimentPlan add(const Experiment& experiment, const std::filesystem::path& disk_file);

    [[nodiscard]] const std::vector<Experiment>& simulations() const { return simulations_; }
    [[nodiscard]] const std::filesystem::path& disk_file(size_t index) const { return disk_files_[index]; }

private:
    size_t simulation(const Experiment& experiment, const std::filesystem::path& disk_file);

    std::vector<Experiment> simulations_;
    std::vector<std::filesystem::path> disk_files_;
    std::map<std::string, size_t> index_of_;
};

struct ExperimentResult {
    Outcome run;
    std::optional<Outcome> with, without;

    [[nodiscard]] std::optional<Comparison> comparison() const;
    // Of all the simulations; empty: everything held.
    [[nodiscard]] std::vector<std::string> failures(const Experiment& experiment) const;
};

// Runs everything, at most `parallel` at a time; results in the order of `experiments`. `disk_files`: where
// to save the disk of each, empty if it is not kept. `instruments` look into the first experiment's own run. Throws BootError, or std::runtime_error if a simulation
// breaks down.
[[nodiscard]] std::vector<ExperimentResult>
run_experiments(const std::vector<Experiment>& experiments,
                const std::vector<std::filesystem::path>& disk_files, unsigned parallel,
                ProgressLine& progress, const Instruments& instruments = {});

// config.toml, summary.json, checkpoints.csv and console.log.
void write_run_files(const std::filesystem::path& folder, const Experiment& experiment,
                     const ExperimentResult& result);

} // namespace fixpoint::sim
