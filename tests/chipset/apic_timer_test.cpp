#include "models/chipset/apic_timer.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

constexpr uint64_t bus_hz = 133'333'333; // divides no second evenly
constexpr Rate bus{bus_hz};
constexpr uint32_t divide_by_1 = 0x0B;

class ApicTimerTest : public testing::Test {
protected:
    uint32_t count_at(uint64_t tick) { return timer.current_count(bus.time_of(tick)); }
    bool advance_to(uint64_t tick) { return timer.advance(bus.time_of(tick)); }
    ApicTimer timer{bus_hz};
};

TEST_F(ApicTimerTest, StandsStillUntilStarted) {
    EXPECT_EQ(timer.next_expiry(), never);
    EXPECT_FALSE(advance_to(1'000'000));
    EXPECT_EQ(count_at(1'000'000), 0u);
}

TEST_F(ApicTimerTest, EachDivideConfigurationDividesAsTheManualSays) {
    struct Case {
        uint32_t configuration;
        uint64_t divisor;
    };
    for (const Case& c : {Case{0x0, 2}, Case{0x1, 4}, Case{0x2, 8}, Case{0x3, 16}, Case{0x8, 32},
                          Case{0x9, 64}, Case{0xA, 128}, Case{0xB, 1}}) {
        timer.reset();
        timer.set_divide_configuration(c.configuration, 0);
        timer.start(10, 0);
        EXPECT_EQ(bus.ticks_at(timer.next_expiry()), 10 * c.divisor) << c.configuration;
    }
}

TEST_F(ApicTimerTest, CountsDownOncePerDivisor) {
    timer.set_divide_configuration(0x1, 0); // by 4
    timer.start(100, bus.time_of(1000));
    EXPECT_EQ(count_at(1000), 100u);
    EXPECT_EQ(count_at(1003), 100u);
    EXPECT_EQ(count_at(1004), 99u);
    EXPECT_EQ(count_at(1396), 1u);
    EXPECT_EQ(count_at(1399), 1u);
    EXPECT_EQ(count_at(1400), 0u);
}

TEST_F(ApicTimerTest, OneShotExpiresOnce) {
    timer.set_divide_configuration(divide_by_1, 0);
    timer.start(50, 0);
    EXPECT_FALSE(advance_to(49));
    EXPECT_TRUE(advance_to(50));
    EXPECT_EQ(timer.next_expiry(), never);
    EXPECT_FALSE(advance_to(100));
    EXPECT_EQ(count_at(100), 0u);
    EXPECT_EQ(timer.initial_count(), 50u);
}

TEST_F(ApicTimerTest, APeriodIsTheInitialCountAndDoesNotDrift) {
    timer.set_divide_configuration(0x3, 0); // by 16
    timer.set_periodic(true);
    timer.start(1000, bus.time_of(7));
    for (uint64_t period = 1; period <= 10'000; ++period) {
        const Picoseconds due = timer.next_expiry();
        ASSERT_EQ(due, bus.time_of(7 + period * 16'000));
        ASSERT_FALSE(timer.advance(due - 1));
        ASSERT_TRUE(timer.advance(due));
        ASSERT_EQ(timer.current_count(due), 1000u);
    }
}

TEST_F(ApicTimerTest, PeriodsThatPassUnseenCountAsOneExpiry) {
    timer.set_divide_configuration(divide_by_1, 0);
    timer.set_periodic(true);
    timer.start(10, 0);
    EXPECT_TRUE(advance_to(1'000'000'003));
    EXPECT_FALSE(advance_to(1'000'000'009));
    EXPECT_EQ(bus.ticks_at(timer.next_expiry()), 1'000'000'010u);
    EXPECT_EQ(count_at(1'000'000'003), 7u);
}

TEST_F(ApicTimerTest, TheLargestCountFits) {
    timer.set_divide_configuration(0xA, 0); // by 128
    timer.start(~0u, 0);
    EXPECT_EQ(bus.ticks_at(timer.next_expiry()), 0xFFFF'FFFFull * 128);
    EXPECT_EQ(count_at(128), 0xFFFF'FFFEu);
}

TEST_F(ApicTimerTest, ANewDivisorGoesOnFromThePresentCount) {
    timer.set_divide_configuration(divide_by_1, 0);
    timer.start(100, 0);
    timer.set_divide_configuration(0x0, bus.time_of(40)); // by 2
    EXPECT_EQ(count_at(40), 60u);
    EXPECT_EQ(bus.ticks_at(timer.next_expiry()), 40u + 60 * 2);
}

TEST_F(ApicTimerTest, AnInitialCountOfZeroStopsIt) {
    timer.start(100, 0);
    timer.start(0, bus.time_of(10));
    EXPECT_EQ(timer.next_expiry(), never);
    EXPECT_EQ(count_at(10), 0u);
}

TEST_F(ApicTimerTest, AModeChangeTakesEffectAtTheNextExpiry) {
    timer.set_divide_configuration(divide_by_1, 0);
    timer.start(100, 0);
    timer.set_periodic(true);
    EXPECT_TRUE(advance_to(100));
    timer.set_periodic(false);
    EXPECT_TRUE(advance_to(200));
    EXPECT_EQ(timer.next_expiry(), never);
}

} // namespace
} // namespace fixpoint::models
