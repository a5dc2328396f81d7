// A run's dirty and copied pages beside what the cost models say of its writes.
//
// The models know the writers' pattern and nothing of the system. What they take as given is measured: how many writes a
// checkpoint's interval and its drain had. (Counted in writes instead of seconds: a writer that waits for a page
// fault or for the processor makes no writes meanwhile.) They are evaluated for each checkpoint and averaged over
// the same ones as the measurement.
#pragma once

#include "sim/config/experiment.hpp"
#include "sim/observe/checkpoint_log.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace fixpoint::sim {

struct BesideModel {
    double measured = 0, model = 0; // means over the checkpoints
    // Half the width of the 95 % confidence interval of their difference, taken checkpoint by checkpoint: that intervals and
    // drains differ in their writes is in both.
    double confidence = 0;

    [[nodiscard]] double deviation_percent() const { return 100 * (measured / model - 1); }
    [[nodiscard]] double confidence_percent() const { return 100 * confidence / model; }
};

struct ModelComparison {
    std::string pattern; // of the writes, in words
    size_t checkpoints = 0;
    double interval_ms = 0, drain_ms = 0; // means; the drain from the stop's end to the last page's
    double writes_per_interval = 0, writes_per_drain = 0;
    double writes_per_s = 0, writes_per_s_asked = 0;
    BesideModel dirty_pages;
    std::optional<BesideModel> copied_pages;
};

// Nothing if no model describes the run (it describes a single `writer` that is not sequential), or with fewer than 50 checkpoints
// after the first ones. Of copied pages only where frozen pages are copied on write and drained in random order.
[[nodiscard]] std::optional<ModelComparison> compare_with_models(const Experiment& experiment,
                                                                 const std::vector<CheckpointRow>& rows);

// One row of models.csv, and of the table on the terminal.
[[nodiscard]] nlohmann::ordered_json to_row(const ModelComparison& comparison);
[[nodiscard]] std::string model_table(const std::vector<ModelComparison>& comparisons);

} // namespace fixpoint::sim
