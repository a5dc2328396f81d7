#include "sim/config/configuration_error.hpp"
#include "sim/config/search_path.hpp"
#include "sim/sweep/sweep_plan.hpp"
#include "sim/sweep/sweep_table.hpp"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace fixpoint::sim {
namespace {

// Experiments of the project itself: configs/ is found by the source tree.
class Sweep : public testing::Test {
protected:
    ~Sweep() override { std::filesystem::remove(file_); }

    SweepPlan plan(const std::string& sweep) const {
        const std::string configs = FIXPOINT_CONFIGS;
        std::ofstream(file_) << "[experiment]\nname = \"s\"\nmachine = \"" << configs
                             << "/machines/pentium3-500.toml\"\n[disk]\nmodel = \"" << configs
                             << "/disks/deskstar-75gxp.toml\"\n[[workload]]\nprogram = \"ledger\"\n"
                                "[run]\nuntil = \"workload\"\n"
                             << sweep;
        return plan_sweep(file_, {});
    }

    std::filesystem::path file_ = std::filesystem::temp_directory_path() /
                                  ("fixpoint_sweep_test_" + std::to_string(getpid()) + ".toml");
};

TEST_F(Sweep, IsTheCartesianProductWithTheLastKeyFastest) {
    const SweepPlan swept = plan("[sweep]\n\"pager.interval_ms\" = [10, 100]\n"
                                 "\"workload[0].accounts\" = [5, 6, 7]\n");
    ASSERT_EQ(swept.points.size(), 6u);
    EXPECT_EQ(swept.points[0].labels, (std::vector<std::string>{"10", "5"}));
    EXPECT_EQ(swept.points[1].labels, (std::vector<std::string>{"10", "6"}));
    EXPECT_EQ(swept.points[5].labels, (std::vector<std::string>{"100", "7"}));
    EXPECT_EQ(swept.points[4].experiment.pager.interval_us, 100'000u);
    EXPECT_TRUE(swept.points[4].experiment.workloads[0].arguments.starts_with("accounts=6 "));
}

TEST_F(Sweep, AlternativeWorkloadsAreCalledByTheirPrograms) {
    const SweepPlan swept =
        plan("[sweep]\nworkload = [[{ program = \"ledger\" }], [{ program = \"writer\", pages = 9 },"
             " { program = \"ledger\" }]]\n");
    ASSERT_EQ(swept.points.size(), 2u);
    EXPECT_EQ(swept.points[0].labels[0], "ledger");
    EXPECT_EQ(swept.points[1].labels[0], "writer+ledger");
    EXPECT_EQ(swept.points[1].experiment.workloads.size(), 2u);
}

TEST_F(Sweep, DottedKeysNeedNoQuotes) {
    EXPECT_EQ(plan("[sweep]\npager.interval_ms = [10, 100]\n").axes[0].key, "pager.interval_ms");
}

TEST_F(Sweep, WrongPointsAndWrongAxesAreRefusedBeforeAnythingRuns) {
    EXPECT_THROW((void)plan("[sweep]\n\"pager.interval_ms\" = [10, -1]\n"), ConfigurationError);
    EXPECT_THROW((void)plan("[sweep]\n\"pager.interval\" = [10]\n"), ConfigurationError);
    EXPECT_THROW((void)plan("[sweep]\n\"pager.interval_ms\" = 10\n"), ConfigurationError);
    EXPECT_THROW((void)plan("[sweep]\n\"pager.interval_ms\" = []\n"), ConfigurationError);
    EXPECT_THROW((void)plan("[sweep]\n"), ConfigurationError);
    EXPECT_THROW((void)plan(""), ConfigurationError);
}

TEST(SweepTable, QuotesWhatCsvNeedsQuoted) {
    std::vector<nlohmann::ordered_json> rows(1);
    rows[0]["a"] = "x,\"y\"";
    rows[0]["b"] = nullptr;
    rows[0]["c"] = true;
    rows[0]["d"] = 0.1;
    EXPECT_EQ(to_csv(rows), "a,b,c,d\n\"x,\"\"y\"\"\",,1,0.1\n");
}

} // namespace
} // namespace fixpoint::sim
