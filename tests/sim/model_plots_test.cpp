#include "sim/report/model_plots.hpp"

#include <gtest/gtest.h>

namespace fixpoint::sim {
namespace {

using nlohmann::ordered_json;

SweepPlan plan_of(const std::string& second_key) {
    SweepPlan plan;
    plan.axes = {{"pager.interval_ms", {}, {}}, {second_key, {}, {}}};
    return plan;
}

ordered_json row_of(const char* second_column, const char* second_value, ordered_json copied) {
    return {{"interval_ms", 100},          {second_column, second_value}, {"pattern", "Zipf 1"},
            {"writes_per_interval", 500},  {"dirty_pages", 101.0},        {"dirty_pages_confidence", 2.0},
            {"dirty_pages_model", 100.0},  {"copied_pages", copied},      {"copied_pages_confidence", copied},
            {"copied_pages_model", copied}};
}

TEST(ModelPlots, ShowMeasurementIntervalAndModel) {
    const std::vector<Plot> plots =
        make_model_plots(plan_of("workload"), {row_of("workload", "writer", 7.0)});
    ASSERT_EQ(plots.size(), 2u);
    EXPECT_EQ(plots[0].name, "dirty-curve");
    const ordered_json& value = plots[0].specification["data"]["values"][0];
    EXPECT_EQ(value["series"], "Zipf 1"); // not the workload's label, which does not say the pattern
    EXPECT_EQ(value["low"], 99);
    EXPECT_EQ(value["high"], 103);
    EXPECT_EQ(value["model"], 100);
    EXPECT_NEAR(value["deviation"].get<double>(), 1, 1e-9);
    EXPECT_EQ(plots[1].name, "copy-on-write");
}

TEST(ModelPlots, HaveALineForEachOtherSweptValue) {
    const std::vector<Plot> plots =
        make_model_plots(plan_of("pager.store"), {row_of("store", "ab", 7.0), row_of("store", "log", 7.0)});
    EXPECT_EQ(plots[0].specification["encoding"]["color"]["scale"]["domain"],
              (ordered_json{"Zipf 1, ab", "Zipf 1, log"}));
}

TEST(ModelPlots, WithoutNumbersAreLeftOut) {
    EXPECT_TRUE(make_model_plots(plan_of("workload"), {}).empty());
    EXPECT_EQ(make_model_plots(plan_of("workload"), {row_of("workload", "writer", nullptr)}).size(), 1u);
}

} // namespace
} // namespace fixpoint::sim
