#include "sim/command_line/commands.hpp"
#include "sim/config/experiment.hpp"
#include "sim/config/search_path.hpp"
#include "sim/config/toml_file.hpp"
#include "sim/run/experiment_runs.hpp"
#include "sim/run/output_folder.hpp"
#include "sim/run/tables.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace fixpoint::sim {
namespace {

constexpr unsigned simulations_side_by_side = 2; // the run, and the two it is compared with

} // namespace

int run_command(const RunOptions& options) {
    std::vector<Override> overrides;
    for (const std::string& text : options.set)
        overrides.push_back(parse_override(text));
    if (options.seed) {
        Value seed = parse_toml_value(*options.seed, {"--seed", 0, 0});
        overrides.push_back({"experiment.seed", std::move(seed)});
    }
    Value document = read_configuration(find_configuration(options.configuration), overrides);
    document.erase("sweep"); // a sweep's file is an experiment too: its base
    const Experiment experiment = read_experiment(std::move(document));

    OutputFolder output(options.out.empty() ? std::filesystem::path("results/local") / experiment.name
                                            : std::filesystem::path(options.out),
                        "summary.json", {"config.toml", "checkpoints.csv", "console.log", "disk.img"});
    Instruments instruments;
    instruments.profile = options.profile;
    instruments.write_faults = !options.write_faults.empty();
    if (instruments.write_faults)
        write_file(options.write_faults, ""); // a place where nothing can be written is reported now
    std::optional<GdbConnection> gdb;
    if (options.gdb)
        instruments.gdb = &listen_for_gdb(gdb, *options.gdb);
    ExperimentResult result;
    {
        ProgressLine progress(!options.quiet);
        result = std::move(
            run_experiments({experiment},
                            {experiment.disk.keep ? output.folder() / "disk.img" : std::filesystem::path{}},
                            simulations_side_by_side, progress, instruments)
                .front());
    }
    write_run_files(output.folder(), experiment, result);
    if (result.run.write_faults)
        write_file(options.write_faults, to_csv(*result.run.write_faults));
    output.commit();

    if (!options.quiet)
        fmt::print("{}", checkpoint_table(result.run.checkpoints));
    fmt::print("{}", summary_table(summarise(experiment, result.run, result.comparison())));
    fmt::print("  {:<16} {}\n", "results", output.place().string());
    std::fflush(stdout);
    const std::vector<std::string> failures = result.failures(experiment);
    for (const std::string& failure : failures)
        fmt::print(stderr, "fixpoint: did not hold: {}\n", failure);
    return failures.empty() ? exit_fine : exit_did_not_hold;
}

} // namespace fixpoint::sim
