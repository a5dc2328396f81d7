// sweep.csv: a row a run, the swept keys first, then the numbers of its summary.
#pragma once

#include "sim/sweep/sweep_plan.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace fixpoint::sim {

// The columns of the swept keys, with a point's values.
[[nodiscard]] nlohmann::ordered_json swept_columns(const SweepPlan& plan, size_t point);
// A row an object: column name to value, null where a run has no such number.
[[nodiscard]] std::vector<nlohmann::ordered_json>
sweep_rows(const SweepPlan& plan, const std::vector<nlohmann::ordered_json>& summaries);
[[nodiscard]] std::string to_csv(const std::vector<nlohmann::ordered_json>& rows);

} // namespace fixpoint::sim
