#include "models/chipset/rtc.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

// Wednesday, 6 September 2000, 23:59:58 UTC.
constexpr int64_t start = 968'284'798;

class RtcTest : public testing::Test {
protected:
    uint8_t get(uint8_t index) {
        rtc.write(0, 1, index);
        return static_cast<uint8_t>(rtc.read(1, 1));
    }
    void set(uint8_t index, uint8_t value) {
        rtc.write(0, 1, index);
        rtc.write(1, 1, value);
    }
    Rtc rtc{start};
};

TEST_F(RtcTest, TellsTheConfiguredTimeInBcd) {
    EXPECT_EQ(get(0), 0x58);
    EXPECT_EQ(get(2), 0x59);
    EXPECT_EQ(get(4), 0x23);
    EXPECT_EQ(get(6), 4); // Sunday is 1
    EXPECT_EQ(get(7), 0x06);
    EXPECT_EQ(get(8), 0x09);
    EXPECT_EQ(get(9), 0x00);
    EXPECT_EQ(get(0x32), 0x20);
    EXPECT_EQ(get(0x0D), 0x80);
}

TEST_F(RtcTest, TheDayRollsOver) {
    rtc.advance(2 * ps_per_second);
    EXPECT_EQ(get(0), 0x00);
    EXPECT_EQ(get(4), 0x00);
    EXPECT_EQ(get(7), 0x07);
    EXPECT_EQ(get(6), 5);
}

TEST_F(RtcTest, BinaryAndTwelveHourForms) {
    set(0x0B, 0x04 | 0x02);
    EXPECT_EQ(get(4), 23);
    set(0x0B, 0x00);
    EXPECT_EQ(get(4), 0x80 | 0x11);
}

TEST_F(RtcTest, TheTimeCanBeSet) {
    set(0x0B, 0x82);
    set(0, 0x30);
    set(2, 0x15);
    set(4, 0x08);
    rtc.advance(5 * ps_per_second);
    EXPECT_EQ(get(0), 0x30); // SET holds it
    set(0x0B, 0x02);
    rtc.advance(6 * ps_per_second);
    EXPECT_EQ(get(0), 0x31);
    EXPECT_EQ(get(2), 0x15);
    EXPECT_EQ(get(4), 0x08);
    EXPECT_EQ(get(7), 0x06);
}

TEST_F(RtcTest, WhileSetIsOnRegistersAreWrittenInAnyOrder) {
    set(0x0B, 0x82);
    set(7, 0x31);
    set(8, 0x02); // 31 February for the moment
    set(9, 0x04);
    set(6, 0x01);
    EXPECT_EQ(get(7), 0x31);
    EXPECT_EQ(get(6), 0x01);
    set(7, 0x29);
    set(0x0B, 0x02);
    EXPECT_EQ(get(7), 0x29);
    EXPECT_EQ(get(8), 0x02);
    EXPECT_EQ(get(9), 0x04);
    EXPECT_EQ(get(6), 0x01); // a Sunday
    rtc.advance(2 * ps_per_second);
    EXPECT_EQ(get(7), 0x01);
    EXPECT_EQ(get(8), 0x03);
}

TEST_F(RtcTest, TheDividersResetHoldsTheTimeAndTheInterrupts) {
    set(0x0B, 0x52);
    set(0x0A, 0x76);
    EXPECT_EQ(rtc.next_event(), never);
    rtc.advance(5 * ps_per_second);
    EXPECT_EQ(get(0), 0x58);
    EXPECT_EQ(get(0x0C), 0x00);
}

TEST_F(RtcTest, TheFirstUpdateComesHalfASecondAfterTheDividersReset) {
    set(0x0A, 0x76);
    rtc.advance(3 * ps_per_second + 1'234);
    set(0, 0x10);
    set(0x0A, 0x26);
    set(0x0B, 0x12);
    EXPECT_EQ(rtc.next_event(), 3 * ps_per_second + 1'234 + ps_per_second / 2);
    rtc.advance(rtc.next_event());
    EXPECT_EQ(get(0), 0x11);
    EXPECT_EQ(get(0x0C), 0xD0);
    EXPECT_EQ(rtc.next_event(), 4 * ps_per_second + 1'234 + ps_per_second / 2);
    set(0x0B, 0x42); // the periods begin there, too
    EXPECT_EQ(rtc.next_event(), 3 * ps_per_second + 1'234 + ps_per_second * 513 / 1'024);
}

TEST_F(RtcTest, TheUpdateIsAnnounced) {
    rtc.advance(ps_per_second - 245 * ps_per_us);
    EXPECT_EQ(get(0x0A) & 0x80, 0);
    rtc.advance(ps_per_second - 243 * ps_per_us);
    EXPECT_EQ(get(0x0A) & 0x80, 0x80);
    rtc.advance(ps_per_second);
    EXPECT_EQ(get(0x0A) & 0x80, 0);
}

TEST_F(RtcTest, ThePeriodicInterruptComesAt512HzWithoutDrift) {
    set(0x0A, 0x27);
    set(0x0B, 0x42);
    for (uint64_t n = 1; n <= 2'000; ++n) {
        const Picoseconds due = rtc.next_event();
        EXPECT_EQ(due, n * ps_per_second / 512);
        rtc.advance(due);
        EXPECT_TRUE(rtc.interrupt.level());
        EXPECT_EQ(rtc.next_event(), never); // until register C is read
        EXPECT_EQ(get(0x0C) & 0xC0, 0xC0);
        EXPECT_FALSE(rtc.interrupt.level());
    }
}

TEST_F(RtcTest, RatesOneAndTwoAreThoseOfEightAndNine) {
    set(0x0B, 0x42);
    set(0x0A, 0x21);
    EXPECT_EQ(rtc.next_event(), ps_per_second / 256);
    set(0x0A, 0x22);
    EXPECT_EQ(rtc.next_event(), ps_per_second / 128);
    set(0x0A, 0x23);
    EXPECT_EQ(rtc.next_event(), Rate{8'192}.time_of(1));
    set(0x0A, 0x2F);
    EXPECT_EQ(rtc.next_event(), ps_per_second / 2);
}

TEST_F(RtcTest, AFlagIsSetEvenWithoutItsInterrupt) {
    rtc.advance(ps_per_second / 2);
    EXPECT_FALSE(rtc.interrupt.level());
    EXPECT_EQ(get(0x0C), 0x40);
    EXPECT_EQ(get(0x0C), 0x00);
}

TEST_F(RtcTest, UpdateInterruptsComeEverySecond) {
    set(0x0B, 0x12);
    EXPECT_EQ(rtc.next_event(), ps_per_second);
    rtc.advance(ps_per_second);
    EXPECT_TRUE(rtc.interrupt.level());
    EXPECT_EQ(get(0x0C) & 0x90, 0x90);
}

TEST_F(RtcTest, TheAlarmComesAtItsTime) {
    set(0x01, 0x05);
    set(0x03, 0x00);
    set(0x05, 0xC0); // any hour
    set(0x0B, 0x22);
    Picoseconds now = 0;
    while (!rtc.interrupt.level()) {
        now = rtc.next_event();
        ASSERT_LE(now, 10 * ps_per_second);
        rtc.advance(now);
    }
    EXPECT_EQ(now, 7 * ps_per_second);
    EXPECT_EQ(get(0x0C) & 0xA0, 0xA0);
}

TEST_F(RtcTest, TheBatteryKeepsMemoryAndTimeThroughAPowerCycle) {
    set(0x40, 0x77);
    set(0x0B, 0x42);
    rtc.power_cycle(10 * ps_per_second);
    EXPECT_EQ(get(0x40), 0x77);
    EXPECT_EQ(get(0), 0x08);
    EXPECT_EQ(get(0x0B) & 0x70, 0); // interrupts are off
}

} // namespace
} // namespace fixpoint::models
