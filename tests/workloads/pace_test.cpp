#include "workloads/writer/pace.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

namespace {

using workloads::Arrivals;
using workloads::Pace;

constexpr uint32_t frequency_hz = 500'000'000, writes_per_s = 10'000;

TEST(Pace, RegularGapsAreTheRatesInverse) {
    Pace pace(writes_per_s, Arrivals::regular, frequency_hz, 41, 1);
    EXPECT_EQ(pace.next_cycles(), 50'000u);
    EXPECT_EQ(pace.next_cycles(), 50'000u);
}

TEST(Pace, PoissonGapsAreExponential) {
    Pace pace(writes_per_s, Arrivals::poisson, frequency_hz, 41, 1);
    constexpr unsigned gaps = 100'000;
    double sum = 0, squares = 0;
    unsigned longer_than_twice = 0;
    for (unsigned i = 0; i < gaps; ++i) {
        const double gap = static_cast<double>(pace.next_cycles()) / 50'000;
        sum += gap;
        squares += gap * gap;
        longer_than_twice += gap > 2 ? 1 : 0;
    }
    EXPECT_NEAR(sum / gaps, 1, 0.015); // about five standard deviations each
    EXPECT_NEAR(squares / gaps, 2, 0.07);
    EXPECT_NEAR(static_cast<double>(longer_than_twice) / gaps, std::exp(-2), 0.006);
}

TEST(Pace, KnowsWhatItsTurnsTake) {
    EXPECT_GT(workloads::measure_cycles_per_turn(), 1u); // no processor divides and branches in one cycle
}

TEST(Pace, WithoutARateThereIsNone) {
    EXPECT_EQ(Pace(0, Arrivals::regular, frequency_hz, 41, 1).next_cycles(), 0u);
    EXPECT_EQ(Pace(0, Arrivals::poisson, frequency_hz, 41, 1).next_cycles(), 0u);
}

} // namespace
