// The plots of a sweep's dirty and copied pages beside the cost models.
#pragma once

#include "sim/report/plots.hpp"

namespace fixpoint::sim {

// `rows` as models.csv has them: swept columns, then to_row() of a ModelComparison.
[[nodiscard]] std::vector<Plot> make_model_plots(const SweepPlan& plan,
                                                 const std::vector<nlohmann::ordered_json>& rows);

} // namespace fixpoint::sim
