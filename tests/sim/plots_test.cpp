#include "sim/report/plots.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace fixpoint::sim {
namespace {

using nlohmann::ordered_json;

SweepPlan plan_of(std::vector<double> intervals, std::vector<std::string> programs) {
    SweepPlan plan;
    plan.name = "s";
    SweepAxis interval{"pager.interval_ms", {}, {}}, workload{"workload", {}, programs};
    for (const double value : intervals)
        interval.values.push_back(Value::make_real(value));
    for (const std::string& program : programs)
        workload.values.push_back(Value::make_text(program));
    plan.axes = {interval, workload};
    return plan;
}

ordered_json row_of(double interval, const char* program, ordered_json stop) {
    ordered_json row = {{"interval_ms", interval}, {"workload", program}};
    row["stop_us_mean"] = stop;
    row["stop_us_p99"] = stop;
    row["overhead_percent"] = 3.0;
    row["overhead_baseline_cycles"] = 1000;
    for (const char* part : {"stop", "write_faults", "copies", "tlb_and_cache", "driver", "other"})
        row[std::string("overhead_cycles_") + part] = 5;
    return row;
}

const Plot* find(const std::vector<Plot>& plots, const std::string& name) {
    const auto found =
        std::find_if(plots.begin(), plots.end(), [&](const Plot& p) { return p.name == name; });
    return found == plots.end() ? nullptr : &*found;
}

TEST(Plots, AreDrawnOverTheNumericKeyWithALineForEachOther) {
    const std::vector<Plot> plots = make_plots(plan_of({10, 1000}, {"ledger", "writer"}),
                                               {row_of(10, "ledger", 1), row_of(10, "writer", 2),
                                                row_of(1000, "ledger", 3), row_of(1000, "writer", nullptr)});
    const Plot* stop = find(plots, "stop");
    ASSERT_NE(stop, nullptr);
    EXPECT_EQ(stop->specification["encoding"]["x"]["scale"]["type"], "log");
    EXPECT_EQ(stop->specification["data"]["values"].size(), 6u); // a run without a number has no point
    EXPECT_EQ(stop->specification["encoding"]["color"]["scale"]["domain"],
              (ordered_json{"ledger", "writer"}));
    const Plot* parts = find(plots, "parts");
    ASSERT_NE(parts, nullptr);
    EXPECT_EQ(parts->specification["data"]["values"].size(), 4u * 6u);
    EXPECT_EQ(parts->specification["data"]["values"][0]["percent"], 0.5);
}

TEST(Plots, WithoutNumbersAreLeftOut) {
    const std::vector<Plot> plots = make_plots(plan_of({10}, {"ledger"}), {row_of(10, "ledger", nullptr)});
    EXPECT_EQ(find(plots, "stop"), nullptr);
    EXPECT_EQ(find(plots, "commit"), nullptr);
    EXPECT_NE(find(plots, "overhead"), nullptr);
}

TEST(Plots, ANarrowRangeIsLinear) {
    const std::vector<Plot> plots =
        make_plots(plan_of({10, 20}, {"ledger"}), {row_of(10, "ledger", 1), row_of(20, "ledger", 2)});
    EXPECT_EQ(find(plots, "overhead")->specification["encoding"]["x"]["scale"]["type"], "linear");
}

} // namespace
} // namespace fixpoint::sim
