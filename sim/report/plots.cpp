#include "sim/report/plots.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <initializer_list>

namespace fixpoint::sim {

using nlohmann::ordered_json;

namespace {

// Colours that stay apart for colour-blind readers and in grey print (Okabe and Ito 2008, darkened for
// lines).
constexpr const char* series_colours[] = {"#2a6f97", "#d1603d", "#3d8361", "#8e5ea2", "#b8860b", "#5b6875"};
constexpr std::array<std::pair<const char*, const char*>, 6> overhead_parts_shown = {{
    {"stop", "stop"},
    {"write_faults", "write faults"},
    {"copies", "copies"},
    {"tlb_and_cache", "TLB and cache"},
    {"driver", "disk driver"},
    {"other", "other, idle"},
}};

// The swept key along x, and what tells the lines apart.
struct Axes {
    std::string x, x_title;
    bool x_is_number = false, x_is_logarithmic = false;
    std::vector<std::string> others; // columns
    std::string series_title;
};

std::string title_of(const std::string& column) {
    if (column == "interval_ms")
        return "checkpoint interval (ms)";
    std::string title = column;
    std::replace(title.begin(), title.end(), '_', ' ');
    return title;
}

Axes choose_axes(const SweepPlan& plan, const std::vector<ordered_json>& rows) {
    Axes axes;
    std::vector<std::string> columns;
    for (const auto& [key, value] : rows.front().items())
        if (columns.size() < plan.axes.size())
            columns.push_back(key);
    size_t chosen = 0;
    for (size_t i = plan.axes.size(); i-- > 0;)
        if (std::all_of(plan.axes[i].values.begin(), plan.axes[i].values.end(),
                        [](const Value& value) { return value.is_number(); })) {
            chosen = i;
            axes.x_is_number = true;
        }
    axes.x = columns[chosen];
    axes.x_title = title_of(axes.x);
    if (axes.x_is_number) {
        double low = plan.axes[chosen].values[0].as_real(), high = low;
        for (const Value& value : plan.axes[chosen].values) {
            low = std::min(low, value.as_real());
            high = std::max(high, value.as_real());
        }
        axes.x_is_logarithmic = low > 0 && high / low >= 10;
    }
    for (size_t i = 0; i < columns.size(); ++i)
        if (i != chosen) {
            axes.others.push_back(columns[i]);
            axes.series_title += (axes.series_title.empty() ? "" : ", ") + title_of(columns[i]);
        }
    return axes;
}

} // namespace

ordered_json plot_theme() {
    ordered_json colours = ordered_json::array();
    for (const char* colour : series_colours)
        colours.push_back(colour);
    const char* font = "Inter, Helvetica Neue, Arial, Liberation Sans, sans-serif";
    return {{"font", font},
            {"background", "white"},
            {"view", {{"stroke", nullptr}}},
            {"axis",
             {{"gridColor", "#eef1f4"},
              {"domainColor", "#9aa5b1"},
              {"tickColor", "#9aa5b1"},
              {"labelColor", "#3b4754"},
              {"titleColor", "#3b4754"},
              {"labelFontSize", 12},
              {"titleFontSize", 13},
              {"titleFontWeight", "normal"},
              {"titlePadding", 12},
              {"labelPadding", 6}}},
            {"legend",
             {{"labelFontSize", 12},
              {"titleFontSize", 12},
              {"titleFontWeight", "normal"},
              {"labelColor", "#3b4754"},
              {"titleColor", "#5b6875"},
              {"symbolSize", 90},
              {"symbolStrokeWidth", 2.2}}},
            {"header",
             {{"labelFontSize", 13},
              {"titleFontSize", 12},
              {"titleFontWeight", "normal"},
              {"titleColor", "#5b6875"}}},
            {"range", {{"category", std::move(colours)}}}};
}

namespace {

class PlotMaker {
public:
    PlotMaker(const SweepPlan& plan, const std::vector<ordered_json>& rows)
        : plan_(plan), rows_(rows), axes_(choose_axes(plan, rows)) {}

    std::vector<Plot> all();

private:
    struct Quantity {
        const char* column;
        const char* name;
    };

    [[nodiscard]] std::string series_of(const ordered_json& row) const {
        std::string name;
        for (const std::string& column : axes_.others) {
            const std::string text =
                row[column].is_string() ? row[column].get<std::string>() : row[column].dump();
            name.append(name.empty() ? "" : ", ")
                .append((row[column].is_string() ? text : title_of(column) + ' ' + text));
        }
        return name.empty() ? plan_.name : name;
    }
    [[nodiscard]] ordered_json all_series() const {
        ordered_json names = ordered_json::array();
        for (const ordered_json& row : rows_)
            if (const std::string name = series_of(row);
                std::find(names.begin(), names.end(), name) == names.end())
                names.push_back(name);
        return names;
    }
    // One object for each row and quantity that has a number.
    [[nodiscard]] ordered_json long_form(std::initializer_list<Quantity> quantities) const;
    [[nodiscard]] ordered_json x_encoding(bool as_categories) const;
    void add_lines(const char* name, const char* title, const char* y_title, std::string caption,
                   std::initializer_list<Quantity> quantities);
    void add_parts();

    const SweepPlan& plan_;
    const std::vector<ordered_json>& rows_;
    Axes axes_;
    std::vector<Plot> plots_;
};

ordered_json PlotMaker::long_form(std::initializer_list<Quantity> quantities) const {
    ordered_json values = ordered_json::array();
    for (const ordered_json& row : rows_)
        for (const Quantity& quantity : quantities)
            if (row.contains(quantity.column) && row[quantity.column].is_number())
                values.push_back({{"x", row[axes_.x]},
                                  {"series", series_of(row)},
                                  {"quantity", quantity.name},
                                  {"y", row[quantity.column]}});
    return values;
}

ordered_json PlotMaker::x_encoding(bool as_categories) const {
    ordered_json x = {{"field", "x"}, {"title", axes_.x_title}};
    if (!axes_.x_is_number || as_categories) {
        x["type"] = "ordinal";
        x["sort"] = nullptr;
        x["axis"] = {{"labelAngle", 0}};
        return x;
    }
    x["type"] = "quantitative";
    ordered_json ticks = ordered_json::array();
    for (const ordered_json& row : rows_)
        if (std::find(ticks.begin(), ticks.end(), row[axes_.x]) == ticks.end())
            ticks.push_back(row[axes_.x]);
    x["axis"] = {{"values", std::move(ticks)}, {"grid", false}, {"format", "~r"}};
    x["scale"] = {{"type", axes_.x_is_logarithmic ? "log" : "linear"}, {"nice", false}, {"padding", 18}};
    return x;
}

void PlotMaker::add_lines(const char* name, const char* title, const char* y_title, std::string caption,
                          std::initializer_list<Quantity> quantities) {
    ordered_json values = long_form(quantities);
    if (values.empty())
        return;
    ordered_json encoding = {
        {"x", x_encoding(false)},
        {"y", {{"field", "y"}, {"type", "quantitative"}, {"title", y_title}, {"axis", {{"tickCount", 6}}}}},
        {"color",
         {{"field", "series"},
          {"type", "nominal"},
          {"title", axes_.series_title},
          {"scale", {{"domain", all_series()}}}}},
        {"tooltip",
         {{{"field", "series"}, {"title", axes_.series_title.empty() ? "experiment" : axes_.series_title}},
          {{"field", "quantity"}, {"title", "quantity"}},
          {{"field", "x"}, {"title", axes_.x_title}},
          {{"field", "y"}, {"title", y_title}, {"format", ",.4~r"}}}}};
    if (axes_.others.empty())
        encoding["color"]["legend"] = nullptr;
    if (quantities.size() > 1) {
        ordered_json names = ordered_json::array();
        for (const Quantity& quantity : quantities)
            names.push_back(quantity.name);
        encoding["strokeDash"] = {{"field", "quantity"},
                                  {"type", "nominal"},
                                  {"title", nullptr},
                                  {"scale", {{"domain", names}, {"range", {{1, 0}, {5, 4}}}}},
                                  {"legend", nullptr}};
    }
    ordered_json mark = {{"type", "line"}, {"strokeWidth", 2.2}, {"point", {{"size", 46}, {"filled", true}}}};
    if (!axes_.x_is_number)
        mark = {{"type", "point"}, {"size", 80}, {"filled", true}};
    plots_.push_back({name,
                      title,
                      std::move(caption),
                      {{"$schema", "https://vega.github.io/schema/vega-lite/v6.json"},
                       {"width", plot_width},
                       {"height", plot_height},
                       {"data", {{"values", std::move(values)}}},
                       {"mark", std::move(mark)},
                       {"encoding", std::move(encoding)},
                       {"config", plot_theme()}}});
}

void PlotMaker::add_parts() {
    ordered_json values = ordered_json::array(), names = ordered_json::array();
    for (const auto& [key, shown] : overhead_parts_shown)
        names.push_back(shown);
    for (const ordered_json& row : rows_) {
        if (!row["overhead_baseline_cycles"].is_number())
            continue;
        const double baseline = row["overhead_baseline_cycles"].get<double>();
        for (size_t part = 0; part < overhead_parts_shown.size(); ++part) {
            const double cycles =
                row[fmt::format("overhead_cycles_{}", overhead_parts_shown[part].first)].get<double>();
            values.push_back({{"x", row[axes_.x]},
                              {"series", series_of(row)},
                              {"part", overhead_parts_shown[part].second},
                              {"order", part},
                              {"percent", 100.0 * cycles / baseline}});
        }
    }
    if (values.empty())
        return;
    const ordered_json all = all_series();
    const int columns = static_cast<int>(std::min<size_t>(all.size(), 2));
    plots_.push_back(
        {"parts",
         "Where the time goes",
         "The same overhead, taken apart. Every cycle of both runs is charged to one account, by thread, "
         "phase and "
         "stall cause; a part is the difference of an account between the run with checkpoints and the one "
         "without. "
         "A part below zero got cheaper, mostly idle time that checkpoints fill. The parts add up to the "
         "overhead "
         "exactly.",
         {{"$schema", "https://vega.github.io/schema/vega-lite/v6.json"},
          {"data", {{"values", std::move(values)}}},
          {"facet", {{"field", "series"}, {"type", "nominal"}, {"title", nullptr}, {"sort", all}}},
          {"columns", columns},
          {"spec",
           {{"width", columns == 1 ? plot_width : plot_width / 2 - 30},
            {"height", 300},
            {"mark", {{"type", "bar"}}},
            {"encoding",
             {{"x", x_encoding(true)},
              {"y",
               {{"field", "percent"},
                {"type", "quantitative"},
                {"title", "share of the run without checkpoints (%)"},
                {"axis", {{"tickCount", 6}}}}},
              {"color",
               {{"field", "part"},
                {"type", "nominal"},
                {"title", nullptr},
                {"scale",
                 {{"domain", names},
                  {"range", {"#1d3f5e", "#d1603d", "#e9a03b", "#3d8361", "#8e5ea2", "#b8c2cc"}}}}}},
              {"order", {{"field", "order"}, {"type", "quantitative"}}},
              {"tooltip",
               {{{"field", "series"}, {"title", "run"}},
                {{"field", "part"}, {"title", "part"}},
                {{"field", "x"}, {"title", axes_.x_title}},
                {{"field", "percent"},
                 {"title", "% of the run without checkpoints"},
                 {"format", ",.3~r"}}}}}}}},
          {"resolve", {{"scale", {{"y", "shared"}}}}},
          {"config", plot_theme()}}});
}

std::vector<Plot> PlotMaker::all() {
    add_lines(
        "overhead", "What checkpoints cost", "overhead (%)",
        "Processor cycles that a workload takes longer with checkpoints than without, in percent of the run "
        "without. Both runs do the same work with the same seed, from power-on to the workload's end, "
        "without "
        "power cuts.",
        {{"overhead_percent", "overhead"}});
    add_parts();
    add_lines(
        "stop", "How long everything stands still", "stop time (us)",
        "From the first instruction of the stop to its last: registers saved, write access revoked from the "
        "dirty pages, TCB pages copied. Solid: the mean over all checkpoints of a run; dashed: the 99th "
        "percentile, by nearest rank.",
        {{"stop_us_mean", "mean"}, {"stop_us_p99", "99th percentile"}});
    add_lines("commit", "Until a checkpoint is durable", "snapshot to commit (ms)",
              "From the snapshot's instant until the root sector is on the disk; the threads run meanwhile. "
              "Solid: the "
              "mean; dashed: the longest.",
              {{"commit_ms_mean", "mean"}, {"commit_ms_max", "longest"}});
    add_lines(
        "pages", "What a checkpoint has to save", "pages of 4 KiB",
        "Solid: pages that a checkpoint freezes, because they were written since the last one; dashed: pages "
        "that "
        "had to be copied because they were written again before they had reached the disk. Means over all "
        "checkpoints of a run.",
        {{"dirty_pages_mean", "frozen"}, {"copied_pages_mean", "copied on write"}});
    return std::move(plots_);
}

} // namespace

std::vector<Plot> make_plots(const SweepPlan& plan, const std::vector<ordered_json>& rows) {
    if (rows.empty() || plan.axes.empty())
        return {};
    return PlotMaker(plan, rows).all();
}

} // namespace fixpoint::sim
