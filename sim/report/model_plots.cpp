#include "sim/report/model_plots.hpp"

#include <algorithm>

namespace fixpoint::sim {

using nlohmann::ordered_json;

namespace {

// The pattern of the writes, and whatever else is swept but for the interval, which x shows.
std::string series_of(const SweepPlan& plan, const ordered_json& row) {
    auto name = row["pattern"].get<std::string>();
    size_t axis = 0;
    for (const auto& [column, value] : row.items()) {
        if (axis == plan.axes.size())
            break;
        if (const std::string& key = plan.axes[axis++].key;
            key != "pager.interval_ms" && !key.starts_with("workload"))
            name += ", " + (value.is_string() ? value.get<std::string>() : column + ' ' + value.dump());
    }
    return name;
}

ordered_json values_of(const SweepPlan& plan, const std::vector<ordered_json>& rows,
                       const std::string& quantity) {
    ordered_json values = ordered_json::array();
    for (const ordered_json& row : rows) {
        if (!row[quantity].is_number())
            continue;
        const double measured = row[quantity].get<double>(),
                     confidence = row[quantity + "_confidence"].get<double>(),
                     model = row[quantity + "_model"].get<double>();
        values.push_back({{"series", series_of(plan, row)},
                          {"writes", row["writes_per_interval"]},
                          {"measured", measured},
                          {"low", measured - confidence},
                          {"high", measured + confidence},
                          {"model", model},
                          {"deviation", 100 * (measured / model - 1)}});
    }
    return values;
}

ordered_json y_of(const char* field, const char* title) {
    return {{"field", field},
            {"type", "quantitative"},
            {"title", title},
            {"axis", {{"tickCount", 6}, {"format", "~r"}}},
            {"scale", {{"type", "log"}}}};
}

// Lines: the model; points and bars: measured, with the confidence interval.
Plot make_plot(const char* name, const char* title, const char* y_title, const char* caption,
               ordered_json values) {
    ordered_json series = ordered_json::array();
    for (const ordered_json& value : values)
        if (std::find(series.begin(), series.end(), value["series"]) == series.end())
            series.push_back(value["series"]);
    const ordered_json x = {{"field", "writes"},
                            {"type", "quantitative"},
                            {"title", "writes in an interval"},
                            {"axis", {{"grid", false}, {"tickCount", 6}, {"format", "~r"}}},
                            {"scale", {{"type", "log"}, {"nice", false}, {"padding", 18}}}};
    const ordered_json color = {{"field", "series"},
                                {"type", "nominal"},
                                {"title", "writes"},
                                {"scale", {{"domain", std::move(series)}}}};
    ordered_json bar_y = y_of("low", y_title);
    const ordered_json tooltip = {
        {{"field", "series"}, {"title", "writes"}},
        {{"field", "writes"}, {"title", "writes in an interval"}, {"format", ",.0f"}},
        {{"field", "measured"}, {"title", "measured"}, {"format", ",.2f"}},
        {{"field", "model"}, {"title", "model"}, {"format", ",.2f"}},
        {{"field", "deviation"}, {"title", "off (%)"}, {"format", "+.2f"}}};
    return {name,
            title,
            caption,
            {{"$schema", "https://vega.github.io/schema/vega-lite/v6.json"},
             {"width", plot_width},
             {"height", plot_height},
             {"data", {{"values", std::move(values)}}},
             {"encoding", {{"x", x}, {"color", color}}},
             {"layer",
              {{{"mark", {{"type", "line"}, {"strokeWidth", 1.6}, {"strokeDash", {5, 4}}}},
                {"encoding", {{"y", y_of("model", y_title)}}}},
               {{"mark", {{"type", "rule"}, {"strokeWidth", 2.2}}},
                {"encoding", {{"y", std::move(bar_y)}, {"y2", {{"field", "high"}}}}}},
               {{"mark", {{"type", "point"}, {"size", 46}, {"filled", true}}},
                {"encoding", {{"y", y_of("measured", y_title)}, {"tooltip", tooltip}}}}}},
             {"config", plot_theme()}}};
}

} // namespace

std::vector<Plot> make_model_plots(const SweepPlan& plan, const std::vector<ordered_json>& rows) {
    std::vector<Plot> plots;
    if (ordered_json values = values_of(plan, rows, "dirty_pages"); !values.empty())
        plots.push_back(make_plot("dirty-curve", "The dirty-page curve beside its model",
                                  "dirty pages of 4 KiB",
                                  "Points: pages that a checkpoint freezes, means with their 95 % confidence "
                                  "intervals (mostly smaller than the "
                                  "point). Dashed: the sum over all pages of 1 - exp(-w t), w the rate at "
                                  "which a page is written and t the "
                                  "interval between two checkpoints.",
                                  std::move(values)));
    if (ordered_json values = values_of(plan, rows, "copied_pages"); !values.empty())
        plots.push_back(make_plot(
            "copy-on-write", "Copies on write beside their model", "copied pages of 4 KiB",
            "Points: pages that were copied because they were written to before they were saved. Dashed: the "
            "sum over all pages of (1 - exp(-w t)) (1 - (1 - exp(-w W)) / (w W)), W the length of the "
            "drain, which saves the pages in random order.",
            std::move(values)));
    return plots;
}

} // namespace fixpoint::sim
