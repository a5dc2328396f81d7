#include "models/chipset/pic.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

constexpr uint8_t end_of_interrupt = 0x20;

class PicTest : public testing::Test {
protected:
    PicTest() { initialise(0x01); }

    // Vectors 0x20 and 0x28, all lines open.
    void initialise(uint8_t icw4) {
        for (const uint32_t chip : {0u, Pic::slave_offset}) {
            pic.write(chip, 1, 0x11);
            pic.write(chip + 1, 1, chip == 0 ? 0x20 : 0x28);
            pic.write(chip + 1, 1, chip == 0 ? 4 : 2);
            pic.write(chip + 1, 1, icw4);
        }
    }
    void pulse(unsigned irq) {
        pic.set_irq(irq, true);
        pic.set_irq(irq, false);
    }
    uint8_t in_service(uint32_t chip) {
        pic.write(chip, 1, 0x0B);
        return static_cast<uint8_t>(pic.read(chip, 1));
    }
    uint8_t requests(uint32_t chip) {
        pic.write(chip, 1, 0x0A);
        return static_cast<uint8_t>(pic.read(chip, 1));
    }
    bool asks() const { return pic.interrupt.level(); }
    Pic pic;
};

TEST_F(PicTest, IsSilentUntilProgrammed) {
    Pic fresh;
    fresh.set_irq(0, true);
    EXPECT_FALSE(fresh.interrupt.level());
}

TEST_F(PicTest, AnEdgeAsksAndTheAcknowledgeNamesTheVector) {
    pic.set_irq(3, true);
    EXPECT_TRUE(asks());
    EXPECT_EQ(pic.acknowledge(), 0x23);
    EXPECT_FALSE(asks());
    EXPECT_EQ(in_service(0), 0x08);
    EXPECT_EQ(requests(0), 0x00);
}

TEST_F(PicTest, AHeldEdgeLineAsksOnlyOnce) {
    pic.set_irq(3, true);
    pic.acknowledge();
    pic.write(0, 1, end_of_interrupt);
    EXPECT_FALSE(asks());
    pic.set_irq(3, false);
    pic.set_irq(3, true);
    EXPECT_TRUE(asks());
}

TEST_F(PicTest, ALevelLineAsksAgainWhileItIsHeld) {
    pic.write(Pic::elcr_offset + 1, 1, 0x08); // IRQ 11
    pic.set_irq(11, true);
    EXPECT_EQ(pic.acknowledge(), 0x2B);
    pic.write(Pic::slave_offset, 1, end_of_interrupt);
    pic.write(0, 1, end_of_interrupt);
    EXPECT_TRUE(asks());
    pic.set_irq(11, false);
    EXPECT_FALSE(asks());
}

TEST_F(PicTest, TheElcrKeepsTheTimersLinesEdgeSensitive) {
    pic.write(Pic::elcr_offset, 1, 0xFF);
    pic.write(Pic::elcr_offset + 1, 1, 0xFF);
    EXPECT_EQ(pic.read(Pic::elcr_offset, 1), 0xF8u);
    EXPECT_EQ(pic.read(Pic::elcr_offset + 1, 1), 0xDEu);
}

TEST_F(PicTest, AMaskedLineWaits) {
    pic.write(1, 1, 0x08);
    EXPECT_EQ(pic.read(1, 1), 0x08u);
    pic.set_irq(3, true);
    EXPECT_FALSE(asks());
    EXPECT_EQ(requests(0), 0x08);
    pic.write(1, 1, 0x00);
    EXPECT_TRUE(asks());
}

TEST_F(PicTest, TheLowerLineIsServedFirstAndInhibitsTheHigher) {
    pic.set_irq(5, true);
    pic.set_irq(1, true);
    EXPECT_EQ(pic.acknowledge(), 0x21);
    EXPECT_FALSE(asks()); // 5 waits for the end of 1
    pic.write(0, 1, end_of_interrupt);
    EXPECT_TRUE(asks());
    EXPECT_EQ(pic.acknowledge(), 0x25);
    pic.set_irq(0, true); // higher priority: nests
    EXPECT_EQ(pic.acknowledge(), 0x20);
    EXPECT_EQ(in_service(0), 0x21);
}

TEST_F(PicTest, SlaveLinesComeThroughTheCascade) {
    pic.set_irq(14, true);
    EXPECT_EQ(pic.acknowledge(), 0x2E);
    EXPECT_EQ(in_service(0), 0x04);
    EXPECT_EQ(in_service(Pic::slave_offset), 0x40);
    // Of higher priority on the slave, but the master is not told: no special fully nested mode.
    pic.set_irq(8, true);
    EXPECT_FALSE(asks());
    pic.write(Pic::slave_offset, 1, end_of_interrupt);
    pic.write(0, 1, end_of_interrupt);
    EXPECT_TRUE(asks());
    EXPECT_EQ(pic.acknowledge(), 0x28);
}

TEST_F(PicTest, SpecialFullyNestedModeLetsTheSlaveNest) {
    initialise(0x11);
    pic.set_irq(14, true);
    pic.acknowledge();
    pic.set_irq(8, true);
    EXPECT_TRUE(asks());
    EXPECT_EQ(pic.acknowledge(), 0x28);
}

TEST_F(PicTest, SpecialFullyNestedModeHoldsTheMastersLowerLinesBack) {
    initialise(0x11);
    pic.set_irq(14, true);
    pic.acknowledge();
    pic.set_irq(5, true);
    EXPECT_FALSE(asks());
    pic.set_irq(1, true);
    EXPECT_TRUE(asks());
    EXPECT_EQ(pic.acknowledge(), 0x21);
}

TEST_F(PicTest, ARequestThatIsWithdrawnGivesTheSpuriousVector) {
    pulse(3);
    EXPECT_FALSE(asks());
    EXPECT_EQ(pic.acknowledge(), 0x27);
    EXPECT_EQ(in_service(0), 0x00); // without a bit in service
}

TEST_F(PicTest, SpecificEndNamesItsLine) {
    pic.set_irq(5, true);
    pic.acknowledge();
    pic.set_irq(1, true);
    pic.acknowledge();
    pic.write(0, 1, 0x60 | 5);
    EXPECT_EQ(in_service(0), 0x02);
}

TEST_F(PicTest, RotationMakesTheServedLineTheLowest) {
    pic.set_irq(1, true);
    pic.acknowledge();
    pic.write(0, 1, 0xA0); // end and rotate: now 2 is the highest
    pic.set_irq(1, false);
    pic.set_irq(1, true);
    pic.set_irq(6, true);
    EXPECT_EQ(pic.acknowledge(), 0x26);
}

TEST_F(PicTest, PriorityCanBeSet) {
    pic.write(0, 1, 0xC0 | 4); // 4 is the lowest, 5 the highest
    pic.set_irq(0, true);
    pic.set_irq(5, true);
    EXPECT_EQ(pic.acknowledge(), 0x25);
}

TEST_F(PicTest, AutomaticEndLeavesNothingInService) {
    initialise(0x03);
    pic.set_irq(3, true);
    EXPECT_EQ(pic.acknowledge(), 0x23);
    EXPECT_EQ(in_service(0), 0x00);
}

TEST_F(PicTest, SpecialMaskModeLetsLowerPrioritiesThroughAMaskedServer) {
    pic.set_irq(1, true);
    pic.acknowledge();
    pic.set_irq(5, true);
    EXPECT_FALSE(asks());
    pic.write(1, 1, 0x02);
    pic.write(0, 1, 0x68);
    EXPECT_TRUE(asks());
    EXPECT_EQ(pic.acknowledge(), 0x25);
}

TEST_F(PicTest, APollAcknowledgesByReading) {
    pic.set_irq(3, true);
    pic.write(0, 1, 0x0C);
    EXPECT_EQ(pic.read(0, 1), 0x83u);
    EXPECT_EQ(in_service(0), 0x08);
    EXPECT_FALSE(asks());
    pic.write(0, 1, 0x0C);
    EXPECT_EQ(pic.read(0, 1), 0x00u);
}

TEST_F(PicTest, BetweenPollCommandAndReadRequestsAreFrozen) {
    pic.write(0, 1, 0x0C);
    pic.set_irq(3, true);
    EXPECT_FALSE(asks());
    EXPECT_EQ(pic.read(0, 1), 0x00u);
    EXPECT_TRUE(asks());
    pic.write(0, 1, 0x0C);
    pic.set_irq(3, false);
    pic.set_irq(1, true);
    EXPECT_EQ(pic.read(0, 1), 0x83u);
    EXPECT_EQ(requests(0), 0x02);
}

TEST_F(PicTest, TheOutputFallsInAnAcknowledgeWithAutomaticEnd) {
    initialise(0x03);
    pic.set_irq(3, true);
    pic.set_irq(4, true);
    unsigned falls = 0;
    pic.interrupt.connect([&](bool level) { falls += level ? 0 : 1; });
    EXPECT_EQ(pic.acknowledge(), 0x23);
    EXPECT_EQ(falls, 1u);
    EXPECT_TRUE(asks()); // for 4
}

TEST_F(PicTest, APollOfTheSlaveWithAutomaticEndLetsItsNextLineReachTheMaster) {
    initialise(0x03);
    pic.set_irq(10, true);
    pic.set_irq(11, true);
    for (const uint32_t line : {2u, 3u}) {
        pic.write(0, 1, 0x0C);
        EXPECT_EQ(pic.read(0, 1), 0x82u);
        pic.write(Pic::slave_offset, 1, 0x0C);
        EXPECT_EQ(pic.read(Pic::slave_offset, 1), 0x80 | line);
    }
    EXPECT_FALSE(asks());
}

TEST_F(PicTest, ASingleMasterGivesTheVectorsOfAllItsLines) {
    pic.write(0, 1, 0x13);
    pic.write(1, 1, 0x20);
    pic.write(1, 1, 0x01);
    pic.set_irq(14, true);
    EXPECT_EQ(pic.acknowledge(), 0x22);
    EXPECT_EQ(in_service(0), 0x04);
    EXPECT_EQ(in_service(Pic::slave_offset), 0x00);
}

TEST_F(PicTest, ALineThatWasServedAsALevelIsNoEdgeAfterwards) {
    pic.write(Pic::elcr_offset + 1, 1, 0x08); // IRQ 11
    pic.set_irq(11, true);
    pic.acknowledge();
    pic.write(Pic::elcr_offset + 1, 1, 0x00);
    EXPECT_EQ(requests(Pic::slave_offset), 0x00);
    pic.set_irq(11, false);
    pic.set_irq(11, true);
    EXPECT_EQ(requests(Pic::slave_offset), 0x08);
}

TEST_F(PicTest, InitialisationForgetsRequestsAndMasks) {
    pic.write(1, 1, 0xFF);
    pic.set_irq(3, true);
    initialise(0x01);
    EXPECT_EQ(pic.read(1, 1), 0x00u);
    EXPECT_FALSE(asks()); // the edge was before
}

} // namespace
} // namespace fixpoint::models
