#include "sim/command_line/commands.hpp"
#include "sim/config/search_path.hpp"
#include "sim/cost_models/model_comparison.hpp"
#include "sim/report/report.hpp"
#include "sim/run/experiment_runs.hpp"
#include "sim/run/output_folder.hpp"
#include "sim/sweep/sweep_plan.hpp"
#include "sim/sweep/sweep_table.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace fixpoint::sim {
namespace {

std::string point_name(size_t index) {
    return fmt::format("{:03}", index);
}

unsigned processors() {
    return static_cast<unsigned>(std::max(1l, sysconf(_SC_NPROCESSORS_ONLN)));
}

} // namespace

int sweep_command(const SweepOptions& options) {
    std::vector<Override> overrides;
    for (const std::string& text : options.set)
        overrides.push_back(parse_override(text));
    const SweepPlan plan = plan_sweep(find_configuration(options.configuration), overrides);

    OutputFolder output(options.out.empty() ? std::filesystem::path("results/local") / plan.name
                                            : std::filesystem::path(options.out),
                        "sweep.csv", {"config.toml", "models.csv", "report.html", "plots", "points"});
    std::vector<Experiment> experiments;
    std::vector<std::filesystem::path> disk_files;
    for (size_t i = 0; i < plan.points.size(); ++i) {
        experiments.push_back(plan.points[i].experiment);
        const std::filesystem::path folder = output.folder() / "points" / point_name(i);
        std::filesystem::create_directories(folder);
        disk_files.push_back(experiments.back().disk.keep ? folder / "disk.img" : std::filesystem::path{});
    }
    std::vector<ExperimentResult> results;
    {
        ProgressLine progress(!options.quiet);
        results = run_experiments(experiments, disk_files, options.jobs == 0 ? processors() : options.jobs,
                                  progress);
    }

    std::vector<nlohmann::ordered_json> summaries, model_rows;
    std::vector<ModelComparison> comparisons;
    size_t failed = 0;
    for (size_t i = 0; i < results.size(); ++i) {
        write_run_files(output.folder() / "points" / point_name(i), experiments[i], results[i]);
        summaries.push_back(summarise(experiments[i], results[i].run, results[i].comparison()));
        if (const auto comparison = compare_with_models(experiments[i], results[i].run.checkpoints)) {
            comparisons.push_back(*comparison);
            model_rows.push_back(swept_columns(plan, i));
            model_rows.back().update(to_row(*comparison));
        }
        const std::vector<std::string> failures = results[i].failures(experiments[i]);
        failed += failures.empty() ? 0 : 1;
        for (const std::string& failure : failures)
            fmt::print(stderr, "fixpoint: points/{}: did not hold: {}\n", point_name(i), failure);
    }
    const std::vector<nlohmann::ordered_json> rows = sweep_rows(plan, summaries);
    write_file(output.folder() / "config.toml", to_toml(plan.document));
    write_file(output.folder() / "sweep.csv", to_csv(rows));
    if (!model_rows.empty())
        write_file(output.folder() / "models.csv", to_csv(model_rows));
    const std::vector<std::string> missing = write_report(output.folder(), plan, rows, model_rows);
    output.commit();

    fmt::print("{}: {} runs, {} failed\n  table    {}\n", plan.name, results.size(), failed,
               (output.place() / "sweep.csv").string());
    if (std::filesystem::exists(output.place() / "report.html"))
        fmt::print("  report   {}\n", (output.place() / "report.html").string());
    if (!comparisons.empty())
        fmt::print("  models   {}\n{}", (output.place() / "models.csv").string(), model_table(comparisons));
    for (const std::string& what : missing)
        fmt::print(stderr, "fixpoint: not made: {}\n", what);
    return failed == 0 ? exit_fine : exit_did_not_hold;
}

} // namespace fixpoint::sim
