#include "sim/run/process_pool.hpp"

#include <csignal>
#include <gtest/gtest.h>
#include <stdexcept>
#include <sys/types.h>
#include <unistd.h>

namespace fixpoint::sim {
namespace {

void watch_nothing(ProgressView) {}

TEST(ProcessPool, ResultsAreInTheOrderOfTheJobs) {
    std::vector<Job> jobs;
    for (int i = 0; i < 7; ++i)
        jobs.push_back({[i](Progress&) { return nlohmann::json{{"square", i * i}}; }});
    const std::vector<JobResult> results = run_jobs(jobs, 3, watch_nothing);
    ASSERT_EQ(results.size(), 7u);
    for (int i = 0; i < 7; ++i)
        EXPECT_EQ(results[static_cast<size_t>(i)].value["square"], i * i);
}

TEST(ProcessPool, LargeResultsArriveWhole) {
    const std::string large(3'000'000, 'x');
    const auto results = run_jobs({{[&](Progress&) { return nlohmann::json(large); }}}, 1, watch_nothing);
    EXPECT_EQ(results[0].value, large);
}

TEST(ProcessPool, AnExceptionAndADeathAreReportedAndLeaveTheOthersAlone) {
    const std::vector<Job> jobs = {
        {[](Progress&) -> nlohmann::json { throw std::runtime_error("no such kernel"); }},
        {[](Progress&) -> nlohmann::json {
            raise(SIGKILL);
            return {};
        }},
        {[](Progress&) { return nlohmann::json(1); }}};
    const auto results = run_jobs(jobs, 2, watch_nothing);
    EXPECT_EQ(results[0].error, "no such kernel");
    EXPECT_NE(results[1].error.find("signal 9"), std::string::npos);
    EXPECT_EQ(results[2].value, 1);
}

TEST(ProcessPool, TheParentSeesTheProgress) {
    uint64_t seen = 0;
    (void)run_jobs({{[](Progress& progress) {
                       progress.work = 42;
                       return nlohmann::json();
                   }}},
                   1, [&](ProgressView jobs) { seen = jobs[0]->work; });
    EXPECT_EQ(seen, 42u);
}

TEST(ProcessPool, AnInterruptEndsTheChildren) {
    const std::vector<Job> jobs = {{[](Progress&) -> nlohmann::json {
        kill(getppid(), SIGTERM);
        while (true)
            pause();
    }}};
    EXPECT_THROW((void)run_jobs(jobs, 1, watch_nothing), Interrupted);
}

} // namespace
} // namespace fixpoint::sim
