#include "sim/cost_models/model_comparison.hpp"

#include "sim/cost_models/cost_models.hpp"
#include "sim/cost_models/writer_rates.hpp"
#include "sim/run/statistics.hpp"

#include <fmt/format.h>

namespace fixpoint::sim {

using nlohmann::ordered_json;

namespace {

constexpr size_t checkpoints_min = 50;
// After a start: one that has the programs' files in it, one whose interval began before the first writes.
constexpr unsigned checkpoints_of_warm_up = 2;

struct Writer {
    WriterPattern pattern;
    double writes_per_s_asked = 0;
};

std::optional<Writer> only_writer(const Experiment& experiment) {
    if (experiment.workloads.size() != 1 || experiment.workloads.front().program != "writer")
        return std::nullopt;
    const Value& table = experiment.resolved.find("workload")->elements.front(); // with all defaults
    const std::string& pattern = table.find("pattern")->text;
    if (pattern == "sequential")
        return std::nullopt;
    Writer writer;
    writer.pattern.pages = static_cast<uint32_t>(table.find("pages")->integer);
    writer.pattern.is_scattered = pattern == "uniform" || table.find("scatter")->integer != 0;
    if (pattern == "zipf")
        writer.pattern.zipf = table.find("zipf")->as_real();
    writer.writes_per_s_asked = table.find("rate_pages_per_s")->as_real();
    return writer;
}

bool copies_follow_the_model(const PagerConfiguration& pager) {
    return pager.copy == "on-write" && pager.drain_order == "random" && pager.hot_intervals == 0;
}

class Quantity {
public:
    void add(double measured, double model) {
        measured_.add(measured);
        model_.add(model);
        difference_.add(measured - model);
    }
    [[nodiscard]] BesideModel result() const {
        return {*measured_.mean(), *model_.mean(), *difference_.confidence_95()};
    }

private:
    Statistics measured_, model_, difference_;
};

constexpr double to_ms(models::Picoseconds time) {
    return static_cast<double>(time) / models::ps_per_ms;
}

} // namespace

std::optional<ModelComparison> compare_with_models(const Experiment& experiment,
                                                   const std::vector<CheckpointRow>& rows) {
    const std::optional<Writer> writer = only_writer(experiment);
    if (!writer)
        return std::nullopt;
    const std::vector<double> shares = writer_shares(writer->pattern);
    Quantity dirty, copied;
    Statistics interval_ms, drain_ms, writes, writes_in_drain;
    unsigned since_start = 0;
    for (size_t i = 1; i < rows.size(); ++i) {
        const CheckpointRow &row = rows[i], &previous = rows[i - 1];
        since_start = row.start == previous.start ? since_start + 1 : 0;
        if (since_start < checkpoints_of_warm_up || !row.is_committed() || row.drained == 0)
            continue;
        const auto in_interval = static_cast<double>(row.work_at_snapshot - previous.work_at_snapshot);
        const auto in_drain = static_cast<double>(row.work_at_drained - row.work_at_snapshot);
        interval_ms.add(to_ms(row.snapshot - previous.snapshot));
        drain_ms.add(to_ms(row.drained - row.stop_end));
        writes.add(in_interval);
        writes_in_drain.add(in_drain);
        dirty.add(row.dirty_pages, dirty_pages(shares, in_interval));
        copied.add(row.copied_pages, copied_pages(shares, in_interval, in_drain));
    }
    if (writes.count() < checkpoints_min)
        return std::nullopt;
    ModelComparison comparison;
    comparison.pattern =
        writer->pattern.zipf ? fmt::format("Zipf {}", *writer->pattern.zipf) : std::string("uniform");
    comparison.checkpoints = writes.count();
    comparison.interval_ms = *interval_ms.mean();
    comparison.drain_ms = *drain_ms.mean();
    comparison.writes_per_interval = *writes.mean();
    comparison.writes_per_drain = *writes_in_drain.mean();
    comparison.writes_per_s = 1e3 * *writes.mean() / *interval_ms.mean();
    comparison.writes_per_s_asked = writer->writes_per_s_asked;
    comparison.dirty_pages = dirty.result();
    if (copies_follow_the_model(experiment.pager))
        comparison.copied_pages = copied.result();
    return comparison;
}

ordered_json to_row(const ModelComparison& comparison) {
    ordered_json row = {{"pattern", comparison.pattern},
                        {"checkpoints", comparison.checkpoints},
                        {"measured_interval_ms", comparison.interval_ms},
                        {"drain_ms", comparison.drain_ms},
                        {"writes_per_interval", comparison.writes_per_interval},
                        {"writes_per_drain", comparison.writes_per_drain},
                        {"writes_per_s", comparison.writes_per_s},
                        {"writes_per_s_asked", comparison.writes_per_s_asked}};
    const auto add = [&](const std::string& name, const std::optional<BesideModel>& quantity) {
        row[name] = quantity ? ordered_json(quantity->measured) : ordered_json(nullptr);
        row[name + "_confidence"] = quantity ? ordered_json(quantity->confidence) : ordered_json(nullptr);
        row[name + "_model"] = quantity ? ordered_json(quantity->model) : ordered_json(nullptr);
    };
    add("dirty_pages", comparison.dirty_pages);
    add("copied_pages", comparison.copied_pages);
    return row;
}

std::string model_table(const std::vector<ModelComparison>& comparisons) {
    constexpr int quantity_width = 36;
    std::string table =
        fmt::format("  {:<10} {:>6} {:>18}   {:^{}}   {:^{}}\n", "writes", "check-", "writes in the",
                    "dirty pages", quantity_width, "copied pages", quantity_width);
    table += fmt::format("  {:<10} {:>6} {:>9} {:>8}", "", "points", "interval", "drain");
    for (int quantity = 0; quantity < 2; ++quantity)
        table += fmt::format("   {:>8} {:>9} {:>17}", "model", "measured", "off, 95 % sure");
    table += '\n';
    for (const ModelComparison& comparison : comparisons) {
        table += fmt::format("  {:<10} {:>6} {:>9.0f} {:>8.0f}", comparison.pattern, comparison.checkpoints,
                             comparison.writes_per_interval, comparison.writes_per_drain);
        for (const std::optional<BesideModel>& quantity :
             {std::optional(comparison.dirty_pages), comparison.copied_pages})
            table += quantity ? fmt::format("   {:>8.1f} {:>9.1f} {:>+6.2f} % +-{:>5.2f} %", quantity->model,
                                            quantity->measured, quantity->deviation_percent(),
                                            quantity->confidence_percent())
                              : fmt::format("   {:>{}}", "-", quantity_width);
        table += '\n';
    }
    return table;
}

} // namespace fixpoint::sim
