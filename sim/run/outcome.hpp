// What one simulated run came to, in a form that crosses from the process that simulated to the one that
// reports.
#pragma once

#include "sim/observe/accounts.hpp"
#include "sim/observe/checkpoint_log.hpp"
#include "sim/observe/output_log.hpp"
#include "sim/observe/write_fault_cost.hpp"

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace fixpoint::sim {

struct RecoveryOutcome {
    std::optional<double> crash_ms; // none: the simulation began with an old disk
    // 0: nothing had been committed, a fresh start; none: cut short by the next cut.
    std::optional<uint32_t> epoch;
    std::optional<double> disk_found_ms, threads_ready_ms, restart_ms, full_speed_ms, lost_ms;
    std::optional<bool> identical;
    std::optional<bool> clean; // whether the server found that a controlled shutdown went before
};

struct Outcome {
    std::string trouble; // why the run ended early; empty: it did not
    bool finished = false, verified = false;
    models::Picoseconds simulated = 0;
    uint64_t cycles = 0, instructions = 0;
    CycleAccounts accounts;
    std::vector<CheckpointRow> checkpoints;
    uint32_t delayed = 0;
    std::vector<models::Picoseconds> page_ins; // how long each lasted
    std::vector<RecoveryOutcome> recoveries;
    std::optional<std::vector<WriteFaultCost>> write_faults; // none: they were not followed
    std::vector<std::string> violations;
    std::string console;
    OutputFigures output;
    double host_seconds = 0;
};

[[nodiscard]] nlohmann::json to_json(const Outcome& outcome);
[[nodiscard]] Outcome outcome_from_json(const nlohmann::json& json);

} // namespace fixpoint::sim
