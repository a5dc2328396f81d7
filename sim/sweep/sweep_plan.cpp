#include "sim/sweep/sweep_plan.hpp"

#include "sim/config/configuration_error.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace fixpoint::sim {
namespace {

constexpr size_t points_max = 10'000;

bool is_workload_list(const Value& value) {
    return value.kind == Value::Kind::array && !value.elements.empty() &&
           std::all_of(value.elements.begin(), value.elements.end(),
                       [](const Value& element) { return element.find("program") != nullptr; });
}

// Alternative workloads are called by their programs; everything else by its value.
std::string label_of(const Value& value) {
    if (value.kind == Value::Kind::text)
        return value.text;
    if (!is_workload_list(value))
        return to_inline_toml(value);
    std::string label;
    for (const Value& workload : value.elements)
        label.append(label.empty() ? "" : "+").append(workload.find("program")->text);
    return label;
}

SweepAxis read_axis(const Member& member) {
    if (member.value.kind != Value::Kind::array || member.value.elements.empty())
        throw ConfigurationError(
            fmt::format("{}: sweep.\"{}\": expected an array of at least one value, found {}",
                        member.value.place.text(), member.key, describe(member.value)));
    SweepAxis axis{member.key, member.value.elements, {}};
    for (const Value& value : axis.values) {
        std::string label = label_of(value);
        // Two workloads of the same program differ in their arguments.
        if (std::find(axis.labels.begin(), axis.labels.end(), label) != axis.labels.end())
            label += fmt::format(" ({})", axis.labels.size() + 1);
        axis.labels.push_back(std::move(label));
    }
    return axis;
}

// Dotted keys may be written without quotes, which makes tables of them: pager.interval_ms = [...].
void collect_axes(const Value& table, const std::string& path, std::vector<SweepAxis>& axes) {
    for (const Member& member : table.members) {
        Member named = member;
        named.key = path.empty() ? member.key : path + '.' + member.key;
        if (member.value.kind == Value::Kind::table)
            collect_axes(member.value, named.key, axes);
        else
            axes.push_back(read_axis(named));
    }
}

} // namespace

SweepPlan plan_sweep(const std::filesystem::path& path, const std::vector<Override>& overrides) {
    SweepPlan plan;
    plan.document = read_configuration(path, overrides);
    const Value* sweep = plan.document.find("sweep");
    if (!sweep || sweep->kind != Value::Kind::table || sweep->members.empty())
        throw ConfigurationError(
            fmt::format("{}: sweep: expected a [sweep] table with at least one key, found {}",
                        (sweep ? sweep->place : plan.document.place).text(),
                        sweep ? describe(*sweep) : "none; use run instead"));
    collect_axes(*sweep, "", plan.axes);

    Value base = plan.document;
    base.erase("sweep");
    size_t count = 1;
    for (const SweepAxis& axis : plan.axes) {
        count *= axis.values.size();
        if (count > points_max)
            throw ConfigurationError(fmt::format("{}: sweep: expected at most {} points, found more",
                                                 sweep->place.text(), points_max));
    }
    for (size_t number = 0; number < count; ++number) {
        Value document = base;
        SweepPoint point;
        size_t rest = number, remaining = count;
        for (const SweepAxis& axis : plan.axes) {
            remaining /= axis.values.size();
            const size_t index = rest / remaining;
            rest %= remaining;
            apply_override(document, {axis.key, axis.values[index]});
            point.labels.push_back(axis.labels[index]);
        }
        point.experiment = read_experiment(std::move(document));
        plan.name = point.experiment.name;
        plan.points.push_back(std::move(point));
    }
    return plan;
}

} // namespace fixpoint::sim
