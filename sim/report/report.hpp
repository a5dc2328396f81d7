// report.html of a sweep, one file that works offline, and its plots as SVG and PDF.
#pragma once

#include "sim/report/plots.hpp"

#include <filesystem>

namespace fixpoint::sim {

// `model_rows`: of make_model_plots(), none if no model describes a run. Writes report.html and plots/ into `folder`. Returns what could not be made for want of a tool, in words;
// empty: all of it is there. Throws std::runtime_error if a file cannot be written.
[[nodiscard]] std::vector<std::string> write_report(const std::filesystem::path& folder,
                                                    const SweepPlan& plan,
                                                    const std::vector<nlohmann::ordered_json>& rows,
                                                    const std::vector<nlohmann::ordered_json>& model_rows);

} // namespace fixpoint::sim
