#include "sim/config/experiment.hpp"

#include "sim/config/configuration_error.hpp"
#include "sim/config/machine_keys.hpp"
#include "sim/config/search_path.hpp"
#include "sim/config/section.hpp"
#include "sim/config/toml_file.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace fixpoint::sim {
namespace {

constexpr double seconds_max = 1e6; // picoseconds of a run stay far from 64 bits

// Whole microseconds: configured times are decimal fractions, and equal ones must stay equal.
models::Picoseconds from_ms(double ms) {
    return static_cast<models::Picoseconds>(std::llround(ms * 1e3)) * models::ps_per_us;
}

void include_if_named(Value& document, std::string_view table, std::string_view key) {
    Value* section = document.find(table);
    Value* named = section ? section->find(key) : nullptr;
    if (named && named->kind == Value::Kind::text)
        include_file(*named, fmt::format("{}.{}", table, key));
}

void read_pager(Section section, PagerConfiguration& pager) {
    const double interval_ms = section.real(
        "interval_ms", {.meaning = "ms between checkpoints, 0: none", .maximum = 4e6, .otherwise = 100});
    pager.interval_us = static_cast<uint64_t>(std::llround(interval_ms * 1e3)); // the server takes 32 bits
    constexpr uint64_t shortest_us = 1'000; // a checkpoint has to be due at a tick of the kernel's clock
    if (interval_ms != 0 && pager.interval_us < shortest_us)
        section.fail("interval_ms", "0, or at least 1 ms", describe(*section.table().find("interval_ms")));
    const auto one_of = [&](std::string_view key, std::string_view meaning,
                            const std::vector<std::string_view>& names) {
        return std::string(names[section.choice(key, meaning, names, 0)]);
    };
    pager.copy = one_of("copy", "when frozen pages are copied", {"on-write", "eager", "stop"});
    pager.tracking = one_of("tracking", "how dirty pages are found", {"protect", "dirty-bits"});
    pager.store = one_of("store", "the layout on disk", {"ab", "log"});
    pager.drain_order = one_of("drain_order", "the order in which frozen pages are written",
                               {"address", "hottest-first", "coldest-first", "random"});
    section.bind(
        "hot_intervals", pager.hot_intervals,
        {.meaning = "pages written in so many intervals in a row are copied in the stop, 0: none are",
         .maximum = 255,
         .otherwise = 0});
    section.bind("drain_depth", pager.drain_depth,
                 {.meaning = "requests of the drain that are on their way at once",
                  .minimum = 1,
                  .maximum = 8,
                  .otherwise = 4});
    pager.drain_throttle =
        section.boolean("drain_throttle", {.meaning = "the drain gives way to page-ins", .otherwise = true});
    pager.output_commit = section.boolean(
        "output_commit",
        {.meaning = "programs' lines leave the machine when a checkpoint covers them", .otherwise = false});
    pager.prefetch = section.boolean(
        "prefetch",
        {.meaning = "pages in use are read after a restart before they are asked for", .otherwise = false});
    section.finish();
}

void read_disk(Section section, Experiment& experiment) {
    Section model = section.section("model", "the drive: a file of configs/disks", true);
    read_disk_keys(model, experiment.machine.disk);
    section.bind("size_mib", experiment.disk.size_mib,
                 {.meaning = "size of the disk in MiB", .minimum = 16, .maximum = 131'072, .otherwise = 256});
    if (Value* image = section.any("image")) {
        const std::filesystem::path file =
            std::filesystem::absolute(find_file(*image, section.path() + ".image"));
        image->text = file.string();
        experiment.disk.image = file;
        constexpr uint64_t sector = 512, smallest = 16u << 20;
        const uint64_t bytes = std::filesystem::file_size(file);
        if (bytes % sector != 0 || bytes < smallest)
            section.fail("image", "a raw disk image of whole sectors, at least 16 MiB",
                         fmt::format("{} of {} bytes", image->text, bytes));
    }
    experiment.disk.keep =
        section.boolean("keep", {.meaning = "leave disk.img in the folder", .otherwise = false});
    section.finish();
}

void read_run(Section section, RunLimit& run) {
    const bool has_until = section.has("until"), has_seconds = section.has("seconds");
    if (has_until && has_seconds)
        section.fail("seconds", "either until or seconds", "both");
    if (!has_until && !has_seconds && section.table().members.empty())
        section.fail("until", "until = \"workload\" or seconds = a number", "neither");
    if (has_until) {
        (void)section.choice("until", "what ends the run", {"workload"});
        run.until_workload = true;
        run.end =
            from_ms(1e3 * section.real("max_seconds", {.meaning = "simulated s after which an unfinished run "
                                                                  "is given up",
                                                       .minimum = 1e-3,
                                                       .maximum = seconds_max,
                                                       .otherwise = 600}));
    } else {
        run.end =
            from_ms(1e3 * section.real("seconds",
                                       {.meaning = "simulated s", .minimum = 1e-3, .maximum = seconds_max}));
    }
    section.finish();
}

void read_crash(Section& section, const RunLimit& run, std::vector<CrashPlan>& crashes) {
    CrashPlan& crash = crashes.emplace_back(CrashPlan{.number = crashes.size()});
    crash.at = from_ms(section.real(
        "at_ms", {.meaning = "simulated ms from power-on", .minimum = 1e-3, .maximum = 1e3 * seconds_max}));
    if (crash.at >= run.end)
        section.fail("at_ms", "an instant before the end of the run",
                     describe(*section.table().find("at_ms")));
    std::vector<std::string_view> modes;
    for (const models::PowerLoss mode : models::all_power_loss_modes)
        modes.push_back(models::to_string(mode));
    modes.push_back("shutdown");
    const size_t mode = section.choice(
        "disk", "what becomes of unflushed writes; shutdown: the power button is pressed instead", modes, 0);
    crash.disk = mode < std::size(models::all_power_loss_modes)
                     ? std::optional(models::all_power_loss_modes[mode])
                     : std::nullopt;
}

} // namespace

Value read_configuration(const std::filesystem::path& path, const std::vector<Override>& overrides) {
    Value document = read_toml_file(path, path.string());
    for (const Override& assignment : overrides)
        apply_override(document, assignment);
    return document;
}

Experiment read_experiment(Value document) {
    include_if_named(document, "experiment", "machine");
    include_if_named(document, "disk", "model");

    Experiment experiment;
    Section root(document, "");
    Section head = root.section("experiment", "the experiment's head", true);
    experiment.name = head.text("name", {.meaning = "the experiment's name"});
    if (experiment.name.find('/') != std::string::npos || experiment.name.starts_with('.'))
        head.fail("name", "a name that can be a folder's", describe(*head.table().find("name")));
    head.bind("seed", experiment.seed, {.meaning = "seed of every random choice", .otherwise = 1});
    Section machine = head.section("machine", "the machine: a file of configs/machines", true);
    read_machine_keys(machine, experiment.machine);
    head.finish();

    read_disk(root.section("disk", "the disk", true), experiment);
    read_pager(root.section("pager", "the checkpoint server"), experiment.pager);
    root.sections("workload", "the programs to run", [&](Section& section) {
        experiment.workloads.push_back(read_workload(section, experiment.seed + experiment.workloads.size()));
    });
    if (experiment.workloads.empty())
        root.fail("workload", "at least one [[workload]]", "none");
    read_run(root.section("run", "when the run ends", true), experiment.run);
    root.sections("crash", "power cuts",
                  [&](Section& section) { read_crash(section, experiment.run, experiment.crashes); });
    std::stable_sort(experiment.crashes.begin(), experiment.crashes.end(),
                     [](const CrashPlan& a, const CrashPlan& b) { return a.at < b.at; });
    root.finish();

    experiment.resolved = std::move(document);
    return experiment;
}

Experiment without_crashes(const Experiment& experiment) {
    Experiment result = experiment;
    result.crashes.clear();
    result.resolved.erase("crash");
    result.disk.keep = false;
    result.resolved.find("disk")->erase("keep");
    result.resolved.find("experiment")->erase("name");
    return result;
}

Experiment without_checkpoints(const Experiment& experiment) {
    Experiment result = without_crashes(experiment);
    result.pager = {};
    result.resolved.erase("pager");
    return result;
}

} // namespace fixpoint::sim
