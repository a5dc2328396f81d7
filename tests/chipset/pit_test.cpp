#include "models/chipset/pit.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

constexpr Rate clock{Pit::frequency_hz};

class PitTest : public testing::Test {
protected:
    void at_tick(uint64_t tick) { pit.advance(clock.time_of(tick)); }
    void program(unsigned channel, unsigned mode, uint32_t count) {
        pit.write(3, 1, channel << 6 | 0x30 | mode << 1);
        pit.write(channel, 1, count & 0xFF);
        pit.write(channel, 1, count >> 8 & 0xFF);
    }
    uint32_t latched(unsigned channel) {
        pit.write(3, 1, channel << 6);
        const uint32_t low = pit.read(channel, 1);
        return low | pit.read(channel, 1) << 8;
    }
    uint8_t status(unsigned channel) {
        pit.write(3, 1, 0xE0 | 2u << channel);
        return static_cast<uint8_t>(pit.read(channel, 1));
    }
    // The ticks of the next `count` rising edges of channel 0, found by following next_event().
    std::vector<uint64_t> rising_edges(size_t count) {
        std::vector<uint64_t> edges;
        Picoseconds now = 0;
        pit.timer.connect([&](bool level) {
            if (level)
                edges.push_back(clock.ticks_at(now));
        });
        while (edges.size() < count) {
            now = pit.next_event();
            if (now == never)
                break;
            pit.advance(now);
        }
        pit.timer.connect({});
        return edges;
    }
    Pit pit;
};

TEST_F(PitTest, IsSilentUntilProgrammed) {
    EXPECT_EQ(pit.next_event(), never);
    EXPECT_FALSE(pit.timer.level());
}

TEST_F(PitTest, TicksComeAtTheirExactInstants) {
    // After 1,193,182 ticks exactly a second has gone by, however many were counted before.
    EXPECT_EQ(clock.time_of(Pit::frequency_hz), ps_per_second);
    EXPECT_EQ(clock.time_of(1'000 * Pit::frequency_hz), 1'000 * ps_per_second);
    for (uint64_t tick = 0; tick < 10'000; ++tick) {
        EXPECT_EQ(clock.ticks_at(clock.time_of(tick)), tick);
        if (tick != 0) {
            EXPECT_EQ(clock.ticks_at(clock.time_of(tick) - 1), tick - 1);
        }
    }
}

TEST_F(PitTest, Mode2GivesAnEdgeEveryCountTicks) {
    program(0, 2, 1193);
    EXPECT_EQ(rising_edges(4), (std::vector<uint64_t>{1 + 1193, 1 + 2 * 1193, 1 + 3 * 1193, 1 + 4 * 1193}));
}

TEST_F(PitTest, Mode2IsLowForTheLastTickOnly) {
    program(0, 2, 10);
    for (uint64_t tick = 1; tick < 40; ++tick) {
        at_tick(tick);
        EXPECT_EQ(pit.timer.level(), (tick - 1) % 10 != 9) << tick;
    }
}

TEST_F(PitTest, Mode3IsASquareWave) {
    program(0, 3, 5); // odd: three ticks high, two low
    for (uint64_t tick = 1; tick < 30; ++tick) {
        at_tick(tick);
        EXPECT_EQ(pit.timer.level(), (tick - 1) % 5 < 3) << tick;
    }
}

TEST_F(PitTest, ACountOfZeroIsTheLargest) {
    program(0, 2, 0);
    EXPECT_EQ(rising_edges(1), (std::vector<uint64_t>{1 + 65'536}));
}

TEST_F(PitTest, Mode0RisesOnceAtTheEnd) {
    program(0, 0, 100);
    EXPECT_FALSE(pit.timer.level());
    EXPECT_EQ(rising_edges(2), (std::vector<uint64_t>{101}));
    EXPECT_EQ(pit.next_event(), never);
}

TEST_F(PitTest, Mode4IsLowForOneTick) {
    program(0, 4, 20);
    for (uint64_t tick = 1; tick < 50; ++tick) {
        at_tick(tick);
        EXPECT_EQ(pit.timer.level(), tick != 21) << tick;
    }
}

TEST_F(PitTest, ANewCountIsTakenOverAtTheEndOfThePeriod) {
    program(0, 2, 100);
    at_tick(50);
    pit.write(0, 1, 30);
    pit.write(0, 1, 0);
    EXPECT_EQ(rising_edges(3), (std::vector<uint64_t>{101, 131, 161}));
}

TEST_F(PitTest, TheCountRunsDown) {
    program(0, 2, 100);
    at_tick(1);
    EXPECT_EQ(latched(0), 100u);
    at_tick(11);
    EXPECT_EQ(latched(0), 90u);
    at_tick(100);
    EXPECT_EQ(latched(0), 1u);
    at_tick(101);
    EXPECT_EQ(latched(0), 100u);
}

TEST_F(PitTest, Mode3CountsByTwo) {
    program(0, 3, 100);
    at_tick(1);
    EXPECT_EQ(latched(0), 100u);
    at_tick(11);
    EXPECT_EQ(latched(0), 80u);
    at_tick(51);
    EXPECT_EQ(latched(0), 100u);
}

TEST_F(PitTest, ALatchHoldsUntilItIsRead) {
    program(0, 2, 1000);
    at_tick(101);
    pit.write(3, 1, 0x00);
    at_tick(201);
    pit.write(3, 1, 0x00); // ignored
    EXPECT_EQ(pit.read(0, 1), 900u & 0xFF);
    EXPECT_EQ(pit.read(0, 1), 900u >> 8);
    EXPECT_EQ(pit.read(0, 1), 800u & 0xFF);
}

TEST_F(PitTest, ReadBackTellsTheStatusBeforeTheCount) {
    pit.write(3, 1, 0x34);
    EXPECT_EQ(status(0), 0x80 | 0x40 | 0x34); // output high, no count yet
    pit.write(0, 1, 0xE8);
    pit.write(0, 1, 0x03);
    at_tick(11);
    EXPECT_EQ(status(0), 0x80 | 0x34);
    pit.write(3, 1, 0xC2); // both
    EXPECT_EQ(pit.read(0, 1), 0x80u | 0x34);
    EXPECT_EQ(pit.read(0, 1), 990u & 0xFF);
    EXPECT_EQ(pit.read(0, 1), 990u >> 8);
}

TEST_F(PitTest, SingleByteAccessModes) {
    pit.write(3, 1, 0x14); // low byte, mode 2
    pit.write(0, 1, 50);
    at_tick(11);
    EXPECT_EQ(pit.read(0, 1), 40u);
    pit.write(3, 1, 0x24); // high byte
    pit.write(0, 1, 1);
    at_tick(11 + 1 + 0x80);
    EXPECT_EQ(pit.read(0, 1), 0u);
}

TEST_F(PitTest, DecimalCounting) {
    pit.write(3, 1, 0x35);
    pit.write(0, 1, 0x00);
    pit.write(0, 1, 0x10); // 1,000
    at_tick(1 + 1);
    EXPECT_EQ(latched(0), 0x999u);
}

TEST_F(PitTest, PortBGatesAndShowsChannel2) {
    pit.write(Pit::port_b_offset, 1, 1);
    program(2, 0, 100);
    EXPECT_EQ(pit.read(Pit::port_b_offset, 1) & 0x21, 0x01u);
    at_tick(100);
    EXPECT_EQ(pit.read(Pit::port_b_offset, 1) & 0x20, 0x00u);
    at_tick(101);
    EXPECT_EQ(pit.read(Pit::port_b_offset, 1) & 0x20, 0x20u);
}

TEST_F(PitTest, AClosedGateHoldsTheCount) {
    pit.write(Pit::port_b_offset, 1, 1);
    program(2, 0, 100);
    at_tick(51);
    pit.write(Pit::port_b_offset, 1, 0);
    at_tick(500);
    EXPECT_EQ(latched(2), 50u);
    pit.write(Pit::port_b_offset, 1, 1);
    at_tick(549);
    EXPECT_EQ(pit.read(Pit::port_b_offset, 1) & 0x20, 0x00u);
    at_tick(550);
    EXPECT_EQ(pit.read(Pit::port_b_offset, 1) & 0x20, 0x20u);
}

TEST_F(PitTest, Mode1WaitsForItsTrigger) {
    program(2, 1, 10);
    at_tick(100);
    EXPECT_EQ(pit.read(Pit::port_b_offset, 1) & 0x20, 0x20u);
    pit.write(Pit::port_b_offset, 1, 1);
    at_tick(105);
    EXPECT_EQ(pit.read(Pit::port_b_offset, 1) & 0x20, 0x00u);
    at_tick(111);
    EXPECT_EQ(pit.read(Pit::port_b_offset, 1) & 0x20, 0x20u);
}

TEST_F(PitTest, APowerCycleSilencesIt) {
    program(0, 2, 100);
    at_tick(50);
    pit.power_cycle(clock.time_of(60));
    EXPECT_EQ(pit.next_event(), never);
    EXPECT_FALSE(pit.timer.level());
}

} // namespace
} // namespace fixpoint::models
