// What a run shows on the terminal when it has ended.
#pragma once

#include "sim/observe/checkpoint_log.hpp"

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace fixpoint::sim {

// A line for every checkpoint, the middle left out when there are many; empty without checkpoints.
[[nodiscard]] std::string checkpoint_table(const std::vector<CheckpointRow>& rows);

// The summary in words.
[[nodiscard]] std::string summary_table(const nlohmann::ordered_json& summary);

} // namespace fixpoint::sim
