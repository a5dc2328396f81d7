#include "models/chipset/power_management.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

constexpr uint32_t status = 0, enable = 2, control = 4, timer = 8;
constexpr uint32_t power_button = 1u << 8;
constexpr Rate timer_clock{3'579'545};
constexpr uint64_t overflow_ticks = 1u << 23;

class PowerManagementTest : public testing::Test {
protected:
    void at_tick(uint64_t tick) { power.advance(timer_clock.time_of(tick)); }
    PowerManagement power;
};

TEST_F(PowerManagementTest, TheTimersHighestBitSetsTheStatusWheneverItChanges) {
    at_tick(overflow_ticks - 1);
    EXPECT_EQ(power.read(status, 2), 0u);
    for (const uint64_t change : {1, 2, 3}) {
        at_tick(change * overflow_ticks);
        EXPECT_EQ(power.read(status, 2), 1u);
        power.write(status, 2, 1);
        EXPECT_EQ(power.read(status, 2), 0u);
    }
}

TEST_F(PowerManagementTest, TheStatusIsClearedByOnesOnly) {
    at_tick(overflow_ticks);
    power.write(status, 2, 0xFFFE);
    EXPECT_EQ(power.read(status, 2), 1u);
    power.write(status, 1, 1);
    EXPECT_EQ(power.read(status, 2), 0u);
}

TEST_F(PowerManagementTest, AnEnabledOverflowInterruptsAtItsInstant) {
    power.write(enable, 2, 1);
    ASSERT_EQ(power.next_event(), timer_clock.time_of(overflow_ticks));
    power.advance(power.next_event() - 1);
    EXPECT_FALSE(power.interrupt.level());
    at_tick(overflow_ticks);
    EXPECT_TRUE(power.interrupt.level());
    EXPECT_EQ(power.next_event(), never);
    power.write(status, 2, 1);
    EXPECT_FALSE(power.interrupt.level());
    EXPECT_EQ(power.next_event(), timer_clock.time_of(2 * overflow_ticks));
}

TEST_F(PowerManagementTest, AnOverflowThatHasComeInterruptsWhenItIsEnabled) {
    at_tick(overflow_ticks);
    EXPECT_FALSE(power.interrupt.level());
    power.write(enable, 2, 1);
    EXPECT_TRUE(power.interrupt.level());
    power.write(enable, 2, 0);
    EXPECT_FALSE(power.interrupt.level());
}

TEST_F(PowerManagementTest, WithoutSciEnableThereIsNoSci) {
    power.write(enable, 2, 1);
    power.write(control, 2, 0);
    at_tick(overflow_ticks);
    EXPECT_FALSE(power.interrupt.level());
    power.write(control, 2, 1);
    EXPECT_TRUE(power.interrupt.level());
}

TEST_F(PowerManagementTest, ThePowerButtonInterruptsOnceItIsEnabled) {
    power.press_power_button();
    EXPECT_EQ(power.read(status, 2), power_button);
    EXPECT_FALSE(power.interrupt.level());
    power.write(enable, 2, power_button);
    EXPECT_TRUE(power.interrupt.level());
    power.write(status, 2, power_button);
    EXPECT_FALSE(power.interrupt.level());
    power.press_power_button();
    EXPECT_TRUE(power.interrupt.level());
    power.write(control, 2, 0);
    EXPECT_FALSE(power.interrupt.level()) << "without SCI enable";
}

TEST_F(PowerManagementTest, RegistersAreAccessibleInParts) {
    power.write(enable, 2, 0x0521);
    EXPECT_EQ(power.read(enable, 1), 0x21u);
    EXPECT_EQ(power.read(enable + 1, 1), 0x05u);
    at_tick(overflow_ticks);
    EXPECT_EQ(power.read(status, 4), 0x0521'0001u);
    at_tick(0x12'3456 + overflow_ticks * 2);
    EXPECT_EQ(power.read(timer + 1, 2), 0x1234u);
}

TEST_F(PowerManagementTest, SleepEnableInTheHighByteAloneSwitchesOff) {
    int offs = 0;
    power.on_power_off = [&] { ++offs; };
    power.write(control + 1, 1, 0x20);
    EXPECT_EQ(offs, 1);
    EXPECT_EQ(power.read(control, 2), 1u);
    power.write(control, 1, 0x01);
    EXPECT_EQ(offs, 1);
}

TEST_F(PowerManagementTest, APowerCycleForgetsTheEvent) {
    power.write(enable, 2, 1);
    at_tick(overflow_ticks);
    power.power_cycle(timer_clock.time_of(overflow_ticks));
    EXPECT_FALSE(power.interrupt.level());
    EXPECT_EQ(power.read(status, 4), 0u);
}

} // namespace
} // namespace fixpoint::models
