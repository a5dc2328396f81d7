// The model against the host's own processor: random user-level instruction sequences.
#include "tests/native/campaign.hpp"
#include "tests/native/comparison.hpp"
#include "tests/support/host_processor.hpp"

#include <gtest/gtest.h>

#include <cstdio>

namespace fixpoint::native {
namespace {

TEST(Native, RandomSequencesAgreeWithTheHost) {
    if (!tests::host_is_compared_with())
        GTEST_SKIP() << tests::host_is_not_compared_with;
    if (const auto chosen = replay()) {
        Round round{chosen->round};
        EXPECT_FALSE(round.difference(round.make(chosen->index))) << round.report(chosen->index);
        return;
    }
#ifdef __SANITIZE_ADDRESS__
    constexpr uint64_t usual = 50'000;
#else
    constexpr uint64_t usual = 500'000;
#endif
    const uint64_t wanted = instructions_wanted(usual);
    constexpr uint64_t cases_per_round = 20'000;
    uint64_t done = 0, cases = 0, failures = 0, choices = 0;
    std::array<uint64_t, 32> endings{};
    for (uint64_t number = first_round(); done < wanted && failures < most_failures(); ++number) {
        Round round{number};
        for (uint64_t i = 0;
             i < cases_per_round && done + round.instructions() < wanted && failures < most_failures();
             ++i, ++cases)
            if (round.difference(round.make(i))) {
                ADD_FAILURE() << round.report(i);
                ++failures;
            }
        done += round.instructions();
        choices += round.choices();
        for (size_t v = 0; v < endings.size(); ++v)
            endings[v] += round.endings()[v];
    }
    std::printf("%llu instructions in %llu cases, %llu with an allowed difference; ended by",
                static_cast<unsigned long long>(done), static_cast<unsigned long long>(cases),
                static_cast<unsigned long long>(choices));
    for (size_t v = 0; v < endings.size(); ++v)
        if (endings[v] != 0)
            std::printf(" %zu:%llu", v, static_cast<unsigned long long>(endings[v]));
    std::printf("\n");
    constexpr size_t breakpoint = 3; // the INT3 behind every sequence
    // Most sequences must come to their end, and every exception that level 3 can raise must have been seen.
    EXPECT_GT(endings[breakpoint], cases / 3);
    constexpr uint64_t enough = 200'000;
    if (done >= enough) {
        for (const size_t v : {0, 1, 3, 4, 5, 6, 11, 12, 13, 14, 16, 17})
            EXPECT_GT(endings[v], 0u) << "vector " << v;
    }
    EXPECT_LE(choices, cases / 50 + 1); // what is allowed to differ hides little
}

} // namespace
} // namespace fixpoint::native
