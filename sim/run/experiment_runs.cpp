#include "sim/run/experiment_runs.hpp"

#include "sim/config/search_path.hpp"
#include "sim/run/output_folder.hpp"
#include "sim/run/simulation.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace fixpoint::sim {
namespace {

// What does not change the simulation is left out of its identity.
std::string identity(const Experiment& experiment) {
    Value resolved = experiment.resolved;
    resolved.find("experiment")->erase("name");
    resolved.find("disk")->erase("keep");
    if (experiment.crashes.empty())
        resolved.erase("crash");
    return to_toml(resolved);
}

bool has_failed(const Experiment& experiment, const Outcome& outcome) {
    return !failures(experiment, outcome).empty();
}

} // namespace

size_t SimulationPlan::simulation(const Experiment& experiment, const std::filesystem::path& disk_file) {
    const auto [entry, is_new] =
        index_of_.try_emplace(identity(experiment) + '\n' + disk_file.string(), simulations_.size());
    if (is_new) {
        simulations_.push_back(experiment);
        disk_files_.push_back(disk_file);
    }
    return entry->second;
}

ExperimentPlan SimulationPlan::add(const Experiment& experiment, const std::filesystem::path& disk_file) {
    ExperimentPlan plan;
    plan.run = simulation(experiment, disk_file);
    // From an old disk the amount of work that is left is not known.
    if (experiment.run.until_workload && !experiment.disk.image) {
        plan.with = experiment.crashes.empty() ? plan.run : simulation(without_crashes(experiment), {});
        plan.without = simulation(without_checkpoints(experiment), {});
    }
    return plan;
}

std::optional<Comparison> ExperimentResult::comparison() const {
    if (!with || !without || !with->finished || !without->finished)
        return std::nullopt;
    return Comparison{&*with, &*without};
}

std::vector<std::string> ExperimentResult::failures(const Experiment& experiment) const {
    std::vector<std::string> found = sim::failures(experiment, run);
    if (with && has_failed(experiment, *with) && !experiment.crashes.empty())
        for (const std::string& failure : sim::failures(experiment, *with))
            found.push_back("without power cuts: " + failure);
    if (without && has_failed(experiment, *without))
        for (const std::string& failure : sim::failures(experiment, *without))
            found.push_back("without checkpoints: " + failure);
    return found;
}

std::vector<ExperimentResult> run_experiments(const std::vector<Experiment>& experiments,
                                              const std::vector<std::filesystem::path>& disk_files,
                                              unsigned parallel, ProgressLine& progress,
                                              const Instruments& instruments) {
    SimulationPlan plan;
    std::vector<ExperimentPlan> planned;
    for (size_t i = 0; i < experiments.size(); ++i)
        planned.push_back(plan.add(experiments[i], disk_files[i]));

    std::vector<Job> jobs;
    for (size_t i = 0; i < plan.simulations().size(); ++i) {
        const Experiment& experiment = plan.simulations()[i];
        const BootImage image =
            boot_image(experiment, image_folder()); // a missing file is reported before anything runs
        const Instruments own = i == planned.front().run ? instruments : Instruments{};
        jobs.push_back({[&plan, &experiment, image, own, i](Progress& shared) {
            return to_json(simulate(experiment, image, plan.disk_file(i), own, shared));
        }});
    }
    const std::vector<JobResult> done =
        run_jobs(jobs, parallel, [&](ProgressView view) { progress.draw(plan.simulations(), view); });

    std::vector<Outcome> outcomes;
    for (const JobResult& job : done) {
        if (!job.error.empty())
            throw std::runtime_error(job.error);
        outcomes.push_back(outcome_from_json(job.value));
    }
    std::vector<ExperimentResult> results;
    for (const ExperimentPlan& entry : planned) {
        ExperimentResult& result = results.emplace_back();
        result.run = outcomes[entry.run];
        if (entry.with)
            result.with = outcomes[*entry.with];
        if (entry.without)
            result.without = outcomes[*entry.without];
    }
    return results;
}

void write_run_files(const std::filesystem::path& folder, const Experiment& experiment,
                     const ExperimentResult& result) {
    const nlohmann::ordered_json summary = summarise(experiment, result.run, result.comparison());
    write_file(folder / "config.toml", to_toml(experiment.resolved));
    write_file(folder / "checkpoints.csv", to_csv(result.run.checkpoints));
    write_file(folder / "console.log", result.run.console);
    write_file(folder / "summary.json", summary.dump(2) + '\n');
}

} // namespace fixpoint::sim
