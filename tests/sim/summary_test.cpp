#include "sim/run/summary.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace fixpoint::sim {
namespace {

constexpr models::Picoseconds ms = models::ps_per_ms, us = models::ps_per_us;

CheckpointRow checkpoint(uint32_t epoch, models::Picoseconds snapshot) {
    CheckpointRow row;
    row.epoch = epoch;
    row.stop_begin = snapshot - 2 * us;
    row.snapshot = snapshot;
    row.stop_end = snapshot + 98 * us;
    row.committed = snapshot + 40 * ms;
    row.dirty_pages = 10;
    row.copied_pages = epoch;
    row.sectors_written = 100;
    row.drained = snapshot + 38 * ms;
    row.work_at_snapshot = 5;
    row.work_at_drained = 7;
    return row;
}

Outcome some_outcome() {
    Outcome outcome;
    outcome.finished = outcome.verified = true;
    outcome.simulated = 2'500 * ms;
    outcome.cycles = 1'250'000'000;
    outcome.instructions = 1'000'000'000;
    outcome.host_seconds = 10;
    outcome.checkpoints = {checkpoint(1, 100 * ms), checkpoint(2, 200 * ms), checkpoint(3, 310 * ms)};
    outcome.checkpoints.back().committed = 0; // the power went
    outcome.page_ins = {6 * ms, 12 * ms};
    outcome.console = "ledger 0: verified\n";
    outcome.output = {{10 * ms, 30 * ms}, 1};
    outcome.recoveries = {{400.0, 2, 3.5, std::nullopt, 12.5, std::nullopt, 200.0, true, false}};
    return outcome;
}

TEST(Summary, HasTheKeysThatOthersRelyOn) {
    Experiment experiment;
    experiment.name = "small";
    const nlohmann::ordered_json summary = summarise(experiment, some_outcome(), std::nullopt);
    EXPECT_EQ(summary["schema"], 1);
    EXPECT_EQ(summary["simulated"]["seconds"], 2.5);
    EXPECT_EQ(summary["host"]["mips"], 100.0);
    const auto& checkpoints = summary["checkpoints"];
    EXPECT_EQ(checkpoints["committed"], 2);
    EXPECT_EQ(checkpoints["interval_ms"]["mean"], 105.0);
    EXPECT_EQ(checkpoints["stop_us"]["max"], 100.0);
    EXPECT_EQ(checkpoints["commit_ms"]["p50"], 40.0);
    EXPECT_EQ(checkpoints["copied_pages"]["mean"], 1.5);
    EXPECT_EQ(checkpoints["bytes_written"], 2 * 100 * 512);
    EXPECT_EQ(checkpoints["write_amplification"], 102'400.0 / (2 * 10 * 4096));
    EXPECT_EQ(summary["page_ins"]["count"], 2);
    EXPECT_EQ(summary["page_ins"]["us"]["mean"], 9'000.0);
    EXPECT_EQ(summary["output"].dump(),
              R"({"lines":2,"repeated":1,"held_ms":{"mean":20.0,"p50":10.0,"p99":30.0,"max":30.0}})");
    EXPECT_TRUE(summary["overhead"].is_null());
    EXPECT_EQ(
        summary["recovery"][0].dump(),
        R"({"crash_ms":400.0,"epoch":2,"disk_found_ms":3.5,"threads_ready_ms":null,"restart_ms":12.5,"full_speed_ms":null,"lost_ms":200.0,"identical":true,"clean":false})");
}

TEST(Summary, OverheadIsTheDifferenceOfTheUndisturbedRuns) {
    Outcome with = some_outcome(), without = some_outcome();
    without.cycles = 1'000'000'000;
    with.accounts.cycles[static_cast<size_t>(ThreadClass::server)][static_cast<size_t>(l4::Phase::stop)][0] =
        250'000'000;
    const auto summary = summarise(Experiment{}, with, Comparison{&with, &without});
    EXPECT_EQ(summary["overhead"]["percent"], 25.0);
    EXPECT_EQ(summary["overhead"]["baseline_cycles"], 1'000'000'000);
    EXPECT_EQ(summary["overhead"]["cycles"]["stop"], 250'000'000);
    EXPECT_EQ(summary["overhead"]["cycles"]["other"], 0);
}

TEST(Summary, WritesToFrozenPagesAreSplitIfTheyWereFollowed) {
    Outcome outcome = some_outcome();
    EXPECT_TRUE(summarise(Experiment{}, outcome, std::nullopt)["write_fault_cycles"].is_null());
    outcome.write_faults = {{16, 0x1000, 100, 900, {100, 0, 0, 300, 500, 0, 0, 0}},
                            {16, 0x2000, 2000, 1900, {200, 0, 0, 500, 1200, 0, 0, 0}}};
    const auto summary = summarise(Experiment{}, outcome, std::nullopt)["write_fault_cycles"];
    EXPECT_EQ(summary["faults"], 2);
    EXPECT_EQ(summary["exception"].dump(), R"({"mean":150.0,"p50":100.0,"p99":200.0})");
    EXPECT_EQ(summary["copy"]["mean"], 850.0);
    EXPECT_EQ(summary["total"]["mean"], 1400.0);
}

TEST(Summary, WhatDidNotHoldIsSaid) {
    Experiment experiment;
    experiment.run.until_workload = true;
    EXPECT_TRUE(failures(experiment, some_outcome()).empty());
    Outcome unverified = some_outcome(), changed = some_outcome(), stuck = some_outcome();
    unverified.verified = false;
    changed.recoveries[0].identical = false;
    stuck.finished = stuck.verified = false;
    EXPECT_EQ(failures(experiment, unverified).size(), 1u);
    EXPECT_EQ(failures(experiment, changed).size(), 1u);
    EXPECT_EQ(failures(experiment, stuck).size(), 1u);
}

TEST(Outcome, CrossesTheProcessBoundaryUnchanged) {
    Outcome outcome = some_outcome();
    outcome.accounts.cycles[5][2][1] = 1'234'567'890'123'456'789;
    outcome.violations = {"one", "two"};
    outcome.write_faults = {{16, 0x2000, uint64_t{1} << 40, 1900, {200, 0, 0, 500, 1200, 0, 0, 0}}};
    const Outcome back = outcome_from_json(nlohmann::json::parse(to_json(outcome).dump()));
    EXPECT_EQ(to_json(back), to_json(outcome));
    EXPECT_EQ(back.accounts.cycles, outcome.accounts.cycles);
}

} // namespace
} // namespace fixpoint::sim
