#include "tests/fuzz/campaign.hpp"

#include "tests/campaigns/setting.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fixpoint::fuzz {
namespace {

// Of the processor's time, for one campaign: what never comes back is found here.
constexpr rlim_t seconds_per_case_max = 2, seconds_at_least = 60;

// Where the child says which case it is at.
class SharedCase {
public:
    SharedCase()
        : place_{static_cast<volatile uint64_t*>(
              mmap(nullptr, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))} {}
    ~SharedCase() { munmap(const_cast<uint64_t*>(place_), sizeof(uint64_t)); }
    SharedCase(const SharedCase&) = delete;
    SharedCase& operator=(const SharedCase&) = delete;

    [[nodiscard]] bool usable() const { return place_ != MAP_FAILED; }
    void set(uint64_t seed) { *place_ = seed; }
    [[nodiscard]] uint64_t get() const { return *place_; }

private:
    volatile uint64_t* place_;
};

[[noreturn]] void run_cases(uint64_t first, uint64_t cases, SharedCase& current,
                            const std::function<void(uint64_t seed)>& body) {
    const rlim_t seconds = seconds_at_least + cases * seconds_per_case_max;
    const rlimit limit{seconds, seconds};
    setrlimit(RLIMIT_CPU, &limit);
    for (uint64_t seed = first; seed < first + cases && !testing::Test::HasFailure(); ++seed) {
        current.set(seed);
        body(seed);
    }
    std::fflush(nullptr);
    _exit(testing::Test::HasFailure() ? 1 : 0);
}

} // namespace

void run_campaign(unsigned default_cases, const std::function<void(uint64_t seed)>& body) {
    const uint64_t first = tests::setting("FIXPOINT_FUZZ_SEED", 1);
    const uint64_t cases = tests::setting("FIXPOINT_FUZZ_CASES", default_cases);
    SharedCase current;
    ASSERT_TRUE(current.usable());
    std::fflush(nullptr);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0)
        run_cases(first, cases, current, body);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    const testing::TestInfo& test = *testing::UnitTest::GetInstance()->current_test_info();
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
        << (WIFSIGNALED(status) ? "killed by signal " + std::to_string(WTERMSIG(status)) : "failed")
        << "\nreplay: FIXPOINT_FUZZ_SEED=" << current.get() << " FIXPOINT_FUZZ_CASES=1 "
        << program_invocation_short_name << " --gtest_filter=" << test.test_suite_name() << "."
        << test.name();
}

} // namespace fixpoint::fuzz
