// What one simulated run came to, in a form that crosses from the process that simulated to the one that
// reports.
#pragma once

#include "sim/observe/accounts.hpp"
#include "sim/observe/checkpoint_log.hpp"

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
    std::optional<double> restart_ms, full_speed_ms, lost_ms;
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
    std::vector<RecoveryOutcome> recoveries;
    std::vector<std::string> violations;
    std::string console;
    double host_seconds = 0;
};

[[nodiscard]] nlohmann::json to_json(const Outcome& outcome);
[[nodiscard]] Outcome outcome_from_json(const nlohmann::json& json);

} // namespace fixpoint::sim
