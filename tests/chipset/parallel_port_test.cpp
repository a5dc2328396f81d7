#include "models/chipset/parallel_port.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

class ParallelPortTest : public testing::Test {
protected:
    ParallelPortTest() {
        port.on_print = [this](char c) { printed += c; };
    }
    void control(uint32_t value) { port.write(ParallelPort::control, 1, value); }
    void print(char c, uint32_t others = 0x0C) {
        port.write(ParallelPort::data, 1, static_cast<uint8_t>(c));
        control(others | 1);
        control(others);
    }
    ParallelPort port;
    std::string printed;
};

TEST_F(ParallelPortTest, PrintsAByteForEachStrobe) {
    print('o');
    print('k');
    control(0x0D);
    control(0x0D); // still the same strobe
    EXPECT_EQ(printed, "okk");
}

TEST_F(ParallelPortTest, PrintsNothingWhileThePrinterIsInitialised) {
    print('x', 0x08);
    EXPECT_EQ(printed, "");
}

TEST_F(ParallelPortTest, RegistersReadAsABiosExpects) {
    port.write(ParallelPort::data, 1, 0xAA);
    EXPECT_EQ(port.read(ParallelPort::data, 1), 0xAAu);
    EXPECT_EQ(port.read(ParallelPort::status, 1), 0xD8u);
    control(0xF3);
    EXPECT_EQ(port.read(ParallelPort::control, 1), 0xD3u);
    port.power_cycle(0);
    EXPECT_EQ(port.read(ParallelPort::control, 1), 0xCCu);
}

TEST_F(ParallelPortTest, TheAcknowledgementInterruptsIfItMay) {
    print('a');
    EXPECT_FALSE(port.interrupt.level());
    port.read(ParallelPort::status, 1);
    print('b', 0x1C);
    EXPECT_TRUE(port.interrupt.level());
    port.read(ParallelPort::status, 1);
    EXPECT_FALSE(port.interrupt.level());
}

} // namespace
} // namespace fixpoint::models
