#include "sim/sweep/sweep_table.hpp"

#include <fmt/format.h>

namespace fixpoint::sim {

using nlohmann::ordered_json;

namespace {

// The part of a key that a reader needs: pager.interval_ms is interval_ms, unless two keys end alike.
std::string column_name(const std::vector<SweepAxis>& axes, size_t index) {
    const auto last_part = [](const std::string& key) { return key.substr(key.find_last_of('.') + 1); };
    std::string name = last_part(axes[index].key);
    for (size_t other = 0; other < axes.size(); ++other)
        if (other != index && last_part(axes[other].key) == name)
            return axes[index].key;
    return name;
}

// {"stop_us": {"mean": 1}} becomes stop_us_mean.
void flatten(const ordered_json& value, const std::string& name, ordered_json& row) {
    if (!value.is_object()) {
        row[name] = value;
        return;
    }
    for (const auto& [key, member] : value.items())
        flatten(member, name.empty() ? key : fmt::format("{}_{}", name, key), row);
}

std::string cell(const ordered_json& value) {
    if (value.is_null())
        return {};
    if (value.is_boolean())
        return value.get<bool>() ? "1" : "0";
    if (!value.is_string())
        return value.dump();
    std::string text = value.get<std::string>();
    if (text.find_first_of(",\"\n") == std::string::npos)
        return text;
    std::string quoted = "\"";
    for (const char c : text)
        quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + '"';
}

// Of those recoveries that have it.
ordered_json mean_over(const ordered_json& recoveries, const char* key) {
    double sum = 0;
    size_t count = 0;
    for (const ordered_json& recovery : recoveries)
        if (recovery[key].is_number()) {
            sum += recovery[key].get<double>();
            ++count;
        }
    return count == 0 ? ordered_json(nullptr) : ordered_json(sum / static_cast<double>(count));
}

ordered_json swept_value(const Value& value, const std::string& label) {
    if (value.kind == Value::Kind::integer)
        return value.integer;
    if (value.kind == Value::Kind::real)
        return value.real;
    return label;
}

} // namespace

ordered_json swept_columns(const SweepPlan& plan, size_t point) {
    ordered_json columns;
    size_t stride = 1;
    for (const SweepAxis& axis : plan.axes)
        stride *= axis.values.size();
    size_t rest = point;
    for (size_t axis = 0; axis < plan.axes.size(); ++axis) {
        stride /= plan.axes[axis].values.size();
        columns[column_name(plan.axes, axis)] =
            swept_value(plan.axes[axis].values[rest / stride], plan.points[point].labels[axis]);
        rest %= stride;
    }
    return columns;
}

std::vector<ordered_json> sweep_rows(const SweepPlan& plan, const std::vector<ordered_json>& summaries) {
    // Every row has the same columns, whatever its run lacks.
    const ordered_json no_overhead = {{"percent", nullptr},
                                      {"baseline_cycles", nullptr},
                                      {"cycles",
                                       {{"stop", nullptr},
                                        {"write_faults", nullptr},
                                        {"copies", nullptr},
                                        {"tlb_and_cache", nullptr},
                                        {"driver", nullptr},
                                        {"other", nullptr}}}};
    std::vector<ordered_json> rows;
    for (size_t point = 0; point < summaries.size(); ++point) {
        const ordered_json& summary = summaries[point];
        ordered_json row = swept_columns(plan, point);
        row["seed"] = summary["seed"];
        flatten(summary["simulated"], "simulated", row);
        flatten(summary["workload"], "workload", row);
        for (const auto& [key, value] : summary["checkpoints"].items())
            flatten(value, key == "interval_ms" ? "measured_interval_ms" : key, row);
        flatten(summary["page_ins"], "page_ins", row);
        flatten(summary["overhead"].is_null() ? no_overhead : summary["overhead"], "overhead", row);
        size_t identical = 0;
        for (const ordered_json& recovery : summary["recovery"])
            identical += recovery["identical"] == true ? 1 : 0;
        row["recoveries"] = summary["recovery"].size();
        row["recoveries_identical"] = identical;
        for (const char* key : {"restart_ms", "full_speed_ms", "lost_ms"})
            row[fmt::format("{}_mean", key)] = mean_over(summary["recovery"], key);
        rows.push_back(std::move(row));
    }
    return rows;
}

std::string to_csv(const std::vector<ordered_json>& rows) {
    std::string csv;
    if (rows.empty())
        return csv;
    for (const auto& [key, value] : rows.front().items())
        csv.append(csv.empty() ? "" : ",").append(key);
    for (const ordered_json& row : rows) {
        csv += '\n';
        bool first = true;
        for (const auto& [key, value] : row.items()) {
            csv.append(first ? "" : ",").append(cell(value));
            first = false;
        }
    }
    return csv + '\n';
}

} // namespace fixpoint::sim
