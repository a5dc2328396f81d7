#include "sim/cost_models/model_comparison.hpp"
#include "sim/cost_models/writer_rates.hpp"
#include "tests/sim/writer_simulation.hpp"

#include <cmath>
#include <gtest/gtest.h>

namespace fixpoint::sim {
namespace {

constexpr uint32_t pages = 512;
constexpr uint32_t pages_of_every_write = 3; // counters, variables, stack
constexpr unsigned writes = 500, writes_in_drain = 300;

Experiment experiment_of(const std::string& pattern) {
    Experiment experiment;
    experiment.workloads = {{"writer", "", 0}};
    experiment.pager = {100'000, "on-write", "protect", "ab", "random", 0};
    Value writer = Value::make_table(), workloads = Value::make_array();
    writer.set("pages", Value::make_integer(pages));
    writer.set("pattern", Value::make_text(pattern));
    writer.set("zipf", Value::make_real(1.0));
    writer.set("scatter", Value::make_integer(1));
    writer.set("rate_pages_per_s", Value::make_integer(5'000));
    workloads.elements.push_back(writer);
    experiment.resolved.set("workload", workloads);
    return experiment;
}

// Rows as a run would leave them, from a simulated writer.
std::vector<CheckpointRow> rows_of(const Experiment& experiment, SavingOrder order, unsigned checkpoints) {
    WriterPattern pattern{.pages = pages, .zipf = {}};
    if (experiment.resolved.find("workload")->elements[0].find("pattern")->text == "zipf")
        pattern.zipf = 1.0;
    WriterSimulation simulation(content_shares(pattern), order, 7);
    std::vector<CheckpointRow> rows;
    for (unsigned i = 1; i <= checkpoints; ++i) {
        CheckpointRow row;
        row.epoch = i;
        row.snapshot = i * 100 * models::ps_per_ms;
        row.stop_end = row.snapshot + models::ps_per_ms;
        row.drained = row.snapshot + 60 * models::ps_per_ms;
        row.committed = row.snapshot + 61 * models::ps_per_ms;
        const unsigned more = i % 3 * 20; // not all intervals have the same
        row.work_at_snapshot = (rows.empty() ? 0 : rows.back().work_at_snapshot) + writes + more;
        row.work_at_drained = row.work_at_snapshot + writes_in_drain;
        const WriterSimulation::Counts counts = simulation.checkpoint(writes + more, writes_in_drain);
        row.dirty_pages = counts.dirty + pages_of_every_write;
        row.copied_pages = counts.copied + pages_of_every_write;
        rows.push_back(row);
    }
    return rows;
}

TEST(ModelComparison, FindsNothingAtASimulatedWriter) {
    for (const char* pattern : {"uniform", "zipf"}) {
        const Experiment experiment = experiment_of(pattern);
        const auto found = compare_with_models(experiment, rows_of(experiment, SavingOrder::random, 400));
        ASSERT_TRUE(found && found->copied_pages);
        EXPECT_EQ(found->checkpoints, 398u);
        EXPECT_NEAR(found->writes_per_interval, 520, 1);
        EXPECT_NEAR(found->writes_per_s, 5'200, 10);
        EXPECT_EQ(found->drain_ms, 59);
        for (const BesideModel& quantity : {found->dirty_pages, *found->copied_pages}) {
            EXPECT_LT(std::abs(quantity.deviation_percent()), 1.0) << pattern;
            EXPECT_LT(quantity.confidence_percent(), 1.5) << pattern;
            EXPECT_GT(quantity.confidence_percent(), 0.05) << pattern;
        }
    }
}

TEST(ModelComparison, FindsAnotherOrderOfSaving) {
    const Experiment experiment = experiment_of("zipf");
    const auto found = compare_with_models(experiment, rows_of(experiment, SavingOrder::coldest_first, 400));
    ASSERT_TRUE(found && found->copied_pages);
    EXPECT_GT(found->copied_pages->deviation_percent() - found->copied_pages->confidence_percent(), 5);
}

TEST(ModelComparison, FindsPagesThatNobodyWrote) {
    const Experiment experiment = experiment_of("uniform");
    std::vector<CheckpointRow> rows = rows_of(experiment, SavingOrder::random, 400);
    for (CheckpointRow& row : rows)
        row.dirty_pages += 30;
    const auto found = compare_with_models(experiment, rows);
    EXPECT_GT(found->dirty_pages.deviation_percent() - found->dirty_pages.confidence_percent(), 5);
}

TEST(ModelComparison, LeavesOutTheFirstCheckpointsOfEveryStartAndWhatWasNotCommitted) {
    const Experiment experiment = experiment_of("uniform");
    std::vector<CheckpointRow> rows = rows_of(experiment, SavingOrder::random, 100);
    for (size_t i = 60; i < rows.size(); ++i)
        rows[i].start = 2;
    for (const size_t i : {0, 1, 60, 61})
        rows[i].dirty_pages = 1'000'000;
    rows[59].committed = rows[59].drained = 0;
    rows[59].dirty_pages = 1'000'000;
    const auto found = compare_with_models(experiment, rows);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->checkpoints, 100u - 2 - 2 - 1);
    EXPECT_LT(found->dirty_pages.measured, 500);
}

TEST(ModelComparison, NeedsFiftyCheckpoints) {
    const Experiment experiment = experiment_of("uniform");
    EXPECT_FALSE(compare_with_models(experiment, rows_of(experiment, SavingOrder::random, 51)));
    EXPECT_TRUE(compare_with_models(experiment, rows_of(experiment, SavingOrder::random, 52)));
}

TEST(ModelComparison, IsOfRunsThatTheModelsDescribe) {
    Experiment experiment = experiment_of("uniform");
    const std::vector<CheckpointRow> rows = rows_of(experiment, SavingOrder::random, 100);
    const auto has_copies = [&] { return compare_with_models(experiment, rows)->copied_pages.has_value(); };
    EXPECT_TRUE(has_copies());
    experiment.pager.drain_order = "address";
    EXPECT_FALSE(has_copies());
    experiment.pager.drain_order = "random";
    experiment.pager.copy = "eager";
    EXPECT_FALSE(has_copies());
    experiment.pager.copy = "on-write";
    experiment.pager.hot_intervals = 2;
    EXPECT_FALSE(has_copies());

    EXPECT_FALSE(compare_with_models(experiment_of("sequential"), rows));
    experiment = experiment_of("uniform");
    experiment.workloads.push_back({"ledger", "", 0});
    EXPECT_FALSE(compare_with_models(experiment, rows));
    experiment.workloads = {{"ledger", "", 0}};
    EXPECT_FALSE(compare_with_models(experiment, rows));
}

TEST(ModelComparison, HasARowAndALineOfATable) {
    Experiment experiment = experiment_of("zipf");
    experiment.pager.drain_order = "address";
    const auto found = compare_with_models(experiment, rows_of(experiment, SavingOrder::random, 100));
    const nlohmann::ordered_json row = to_row(*found);
    EXPECT_EQ(row["pattern"], "Zipf 1");
    EXPECT_EQ(row["dirty_pages"], found->dirty_pages.measured);
    EXPECT_EQ(row["dirty_pages_model"], found->dirty_pages.model);
    EXPECT_TRUE(row["copied_pages"].is_null());
    EXPECT_NE(model_table({*found}).find("\n  Zipf 1         98"), std::string::npos);
}

} // namespace
} // namespace fixpoint::sim
