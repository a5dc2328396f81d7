// The numbers that a run is summarised by: summary.json and the table on the terminal.
#pragma once

#include "sim/config/experiment.hpp"
#include "sim/run/outcome.hpp"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace fixpoint::sim {

// The undisturbed runs of the same work, with and without checkpoints.
struct Comparison {
    const Outcome* with = nullptr;
    const Outcome* without = nullptr;
};

// summary.json, schema 1. `comparison`: none if the run has no defined amount of work.
[[nodiscard]] nlohmann::ordered_json summarise(const Experiment& experiment, const Outcome& run,
                                               const std::optional<Comparison>& comparison);

// What did not hold, in words; empty: the experiment succeeded.
[[nodiscard]] std::vector<std::string> failures(const Experiment& experiment, const Outcome& run);

} // namespace fixpoint::sim
