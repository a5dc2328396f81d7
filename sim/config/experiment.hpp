// An experiment: what to simulate, resolved and checked.
#pragma once

#include "models/disk/power_loss.hpp"
#include "models/time.hpp"
#include "sim/config/override.hpp"
#include "sim/config/program_arguments.hpp"
#include "sim/config/value.hpp"
#include "sim/machine/machine_parameters.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fixpoint::sim {

struct PagerConfiguration {
    uint64_t interval_us = 0; // 0: no checkpoints
    std::string copy = "on-write", tracking = "protect", store = "ab", drain_order = "address";
    uint64_t hot_intervals = 0; // 0: no page is treated as hot
    uint64_t drain_depth = 4;   // requests on their way at once
    bool drain_throttle = true;
    bool output_commit = false; // lines leave the machine when a checkpoint covers them
    bool prefetch = false;
};

struct DiskConfiguration {
    uint64_t size_mib = 0;
    std::optional<std::filesystem::path> image; // continue from this one
    bool keep = false;                          // leave disk.img in the run's folder
};

struct CrashPlan {
    size_t number = 0; // in the file: crash[number]
    models::Picoseconds at = 0;
    // Nothing: no cut, but the power button; the machine switches itself off when it is ready.
    std::optional<models::PowerLoss> disk = models::PowerLoss::lose_cache;
};

struct RunLimit {
    bool until_workload = false;
    models::Picoseconds end = 0; // of `seconds`, or of `max_seconds` if the workload does not end before
};

struct Experiment {
    std::string name;
    uint64_t seed = 1;
    MachineParameters machine;
    DiskConfiguration disk;
    PagerConfiguration pager;
    std::vector<Workload> workloads;
    RunLimit run;
    std::vector<CrashPlan> crashes; // by time

    Value resolved; // the configuration with every file read in and every default filled in
};

// One configuration file, with its overrides. Throws ConfigurationError.
[[nodiscard]] Value read_configuration(const std::filesystem::path& path,
                                       const std::vector<Override>& overrides);
// `document` without its [sweep] table.
[[nodiscard]] Experiment read_experiment(Value document);

// The same work without power cuts; and without checkpoints. What only the pager would notice is left out of
// the latter, so that experiments that differ in nothing else have the same one.
[[nodiscard]] Experiment without_crashes(const Experiment& experiment);
[[nodiscard]] Experiment without_checkpoints(const Experiment& experiment);

} // namespace fixpoint::sim
