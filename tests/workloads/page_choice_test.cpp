#include "workloads/writer/page_choice.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

namespace {

using workloads::PageChoice;
using workloads::Pattern;
using workloads::ZipfSampler;

constexpr uint32_t pages = 100, draws = 100'000;

// How often each page is chosen.
std::vector<uint32_t> counts(PageChoice choice) {
    std::vector<uint32_t> result(pages);
    for (uint32_t i = 0; i < draws; ++i)
        ++result.at(choice.next());
    return result;
}

struct Zipf {
    std::vector<uint64_t> table = std::vector<uint64_t>(pages);
    ZipfSampler sampler{pages, ZipfSampler::exponent_one, table.data()};
};

TEST(PageChoice, GoesRoundInSequence) {
    PageChoice choice(3, Pattern::sequential, {}, false, 1);
    std::vector<uint32_t> pages_chosen;
    for (unsigned i = 0; i < 7; ++i)
        pages_chosen.push_back(choice.next());
    EXPECT_EQ(pages_chosen, (std::vector<uint32_t>{0, 1, 2, 0, 1, 2, 0}));
}

TEST(PageChoice, IsUniform) {
    for (const uint32_t count : counts({pages, Pattern::uniform, {}, false, 1}))
        EXPECT_NEAR(count, draws / pages, 150); // 5 standard deviations
}

TEST(PageChoice, HasTheHottestPagesSideBySideUnlessTheyAreScattered) {
    const Zipf zipf;
    const std::vector<uint32_t> side_by_side = counts({pages, Pattern::zipf, zipf.sampler, false, 1});
    std::vector<uint32_t> scattered = counts({pages, Pattern::zipf, zipf.sampler, true, 1});
    constexpr auto hottest = 10; // their counts are far enough apart
    EXPECT_TRUE(std::is_sorted(side_by_side.begin(), side_by_side.begin() + hottest, std::greater<>()));
    EXPECT_FALSE(std::is_sorted(scattered.begin(), scattered.begin() + hottest, std::greater<>()));
    for (uint32_t rank = 0; rank < pages; ++rank)
        EXPECT_EQ(side_by_side[rank], scattered[zipf.sampler.item(rank)]);
}

} // namespace
