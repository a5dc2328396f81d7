// The report's plots as Vega-Lite specifications: what is shown, with the words that explain it.
#pragma once

#include "sim/sweep/sweep_plan.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace fixpoint::sim {

struct Plot {
    std::string name; // of the file, and of the element in the page
    std::string title, caption;
    nlohmann::ordered_json specification; // with its data
};

inline constexpr int plot_width = 760, plot_height = 330;

// Fonts and colours of all plots: the specification's "config".
[[nodiscard]] nlohmann::ordered_json plot_theme();

// `rows` as sweep_rows() makes them. Plots without a single number are left out.
[[nodiscard]] std::vector<Plot> make_plots(const SweepPlan& plan,
                                           const std::vector<nlohmann::ordered_json>& rows);

} // namespace fixpoint::sim
