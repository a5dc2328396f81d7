#include "tests/chipset/uart_fixture.hpp"

namespace fixpoint::models {
namespace {

using test::frame;
using test::UartTest;

TEST_F(UartTest, AByteIsOutAfterItsFrame) {
    set_up();
    EXPECT_EQ(line_status() & 0x60, 0x60u);
    uart.write(0, 1, 'a');
    EXPECT_EQ(line_status() & 0x60, 0x20u); // room for the next, not empty
    uart.write(0, 1, 'b');
    EXPECT_EQ(line_status() & 0x60, 0x00u);
    pass(frame - 1);
    EXPECT_EQ(sent, "");
    pass(frame);
    EXPECT_EQ(sent, "a");
    EXPECT_EQ(line_status() & 0x60, 0x20u);
    pass(2 * frame);
    EXPECT_EQ(sent, "ab");
    EXPECT_EQ(line_status() & 0x60, 0x60u);
}

TEST_F(UartTest, TheFrameFollowsTheDivisorAndTheFormat) {
    set_up();
    uart.write(3, 1, 0x80);
    uart.write(0, 1, 12);   // 9,600 baud
    uart.write(3, 1, 0x1E); // 7 data bits, even parity, two stop bits: 11 bits
    uart.write(0, 1, 'x');
    EXPECT_EQ(uart.next_event(), Picoseconds{11} * 12 * ps_per_second / 115'200);
}

TEST_F(UartTest, TheFifoTakesSixteen) {
    set_up();
    uart.write(2, 1, 0x01);
    for (int i = 0; i < 17; ++i) // one in the shift register
        uart.write(0, 1, static_cast<uint32_t>('a' + i));
    pass(17 * frame);
    EXPECT_EQ(sent, "abcdefghijklmnopq");
}

TEST_F(UartTest, InputWaitsForAPortThatIsSetUp) {
    uart.feed_input("hi");
    pass(10 * frame);
    EXPECT_EQ(uart.next_event(), never);
    set_up();
    pass(11 * frame);
    EXPECT_EQ(line_status() & 1, 1u);
    EXPECT_EQ(uart.read(0, 1), 'h');
    EXPECT_EQ(line_status() & 1, 0u);
    pass(12 * frame);
    EXPECT_EQ(uart.read(0, 1), 'i');
}

// A program that relies on the firmware only ever polls.
TEST_F(UartTest, InputComesToAPortThatIsOnlyPolled) {
    uart.feed_input("h");
    EXPECT_EQ(line_status() & 1, 0u);
    pass(12 * frame + 12); // 9600 baud, as at power-on; `frame` is rounded down
    EXPECT_EQ(line_status() & 1, 1u);
    EXPECT_EQ(uart.read(0, 1), 'h');
}

TEST_F(UartTest, TheOtherEndIsPatient) {
    set_up();
    uart.feed_input("abc");
    pass(100 * frame);
    EXPECT_EQ(line_status() & 3, 1u); // no overrun
    EXPECT_EQ(uart.read(0, 1), 'a');
    pass(200 * frame);
    EXPECT_EQ(uart.read(0, 1), 'b');
}

TEST_F(UartTest, InterruptsNameTheirCause) {
    set_up();
    EXPECT_EQ(uart.read(2, 1), 0x01u);
    uart.write(1, 1, 0x03);
    EXPECT_TRUE(uart.interrupt.level());
    EXPECT_EQ(uart.read(2, 1), 0x02u); // the transmitter is empty; reading ends it
    EXPECT_FALSE(uart.interrupt.level());
    uart.feed_input("z");
    pass(frame);
    EXPECT_TRUE(uart.interrupt.level());
    EXPECT_EQ(uart.read(2, 1), 0x04u);
    uart.read(0, 1);
    EXPECT_FALSE(uart.interrupt.level());
    uart.write(0, 1, 'q');
    EXPECT_EQ(uart.read(2, 1), 0x02u);
}

TEST_F(UartTest, TheInterruptIsConnectedWhateverOut2) {
    set_up();
    uart.write(1, 1, 0x02);
    for (const uint32_t modem_control : {0x00u, 0x08u, 0x10u, 0x18u}) {
        uart.write(4, 1, modem_control);
        EXPECT_TRUE(uart.interrupt.level()) << modem_control;
    }
}

TEST_F(UartTest, TheFifoInterruptsAtItsLevelOrAfterASilence) {
    set_up();
    uart.write(2, 1, 0x41); // trigger at 4
    uart.write(1, 1, 0x01);
    uart.feed_input("ab");
    pass(2 * frame);
    EXPECT_FALSE(uart.interrupt.level());
    pass(6 * frame);
    EXPECT_TRUE(uart.interrupt.level());
    EXPECT_EQ(uart.read(2, 1), 0xCCu);
    uart.read(0, 1);
    uart.feed_input("cde");
    pass(9 * frame);
    EXPECT_EQ(uart.read(2, 1), 0xC4u);
}

TEST_F(UartTest, ATimeoutStaysUntilAByteIsReadOrTheFifoIsCleared) {
    set_up();
    uart.write(2, 1, 0x41); // trigger at 4
    uart.write(1, 1, 0x01);
    uart.feed_input("abc");
    pass(7 * frame);
    uart.feed_input("d");
    pass(8 * frame);
    EXPECT_EQ(uart.read(2, 1), 0xCCu); // although there are four now
    uart.read(0, 1);
    EXPECT_EQ(uart.read(2, 1), 0xC1u);
    pass(12 * frame);
    EXPECT_EQ(uart.read(2, 1), 0xCCu);
    uart.write(2, 1, 0x43);
    EXPECT_EQ(uart.read(2, 1), 0xC1u);
    EXPECT_FALSE(uart.interrupt.level());
}

TEST_F(UartTest, EachByteWrittenGivesTheTransmitterInterruptANewEdge) {
    set_up();
    uart.write(1, 1, 0x02);
    int edges = 0;
    uart.interrupt.connect([&](bool level) { edges += level; });
    uart.write(0, 1, 'a'); // goes on into the shift register at once
    EXPECT_TRUE(uart.interrupt.level());
    EXPECT_EQ(edges, 1);
}

TEST_F(UartTest, WhatIsStillToBeSentCanBeBroughtOut) {
    set_up();
    uart.write(2, 1, 0x01);
    for (int i = 0; i < 17; ++i)
        uart.write(0, 1, static_cast<uint32_t>('a' + i));
    pass(frame);
    EXPECT_EQ(sent, "a");
    uart.drain();
    EXPECT_EQ(sent, "abcdefghijklmnopq");
    EXPECT_EQ(line_status() & 0x60, 0x60u);
    EXPECT_EQ(uart.next_event(), never);
    uart.drain();
    EXPECT_EQ(sent, "abcdefghijklmnopq");
}

TEST_F(UartTest, ScratchKeepsAByte) {
    uart.write(7, 1, 0xA5);
    EXPECT_EQ(uart.read(7, 1), 0xA5u);
}

class InstantUart : public UartTest {
protected:
    InstantUart() : UartTest{{.instant = true, .out2_gates_interrupt = false}} {}
};

TEST_F(InstantUart, SendsAtOnce) {
    set_up();
    uart.write(0, 1, 'a');
    EXPECT_EQ(sent, "a");
    EXPECT_EQ(line_status() & 0x60, 0x60u);
}

TEST_F(InstantUart, AGuestThatPollsFindsTheNextByteAtOnce) {
    set_up();
    uart.feed_input("abc");
    EXPECT_EQ(line_status() & 1, 0u); // it may only be setting the port up
    pass(frame);
    for (const char expected : {'a', 'b', 'c'}) {
        EXPECT_EQ(line_status() & 1, 1u);
        EXPECT_EQ(uart.read(0, 1), static_cast<uint32_t>(expected));
    }
    EXPECT_EQ(line_status() & 1, 0u);
    uart.feed_input("d");
    EXPECT_EQ(line_status() & 1, 1u);
    EXPECT_EQ(uart.read(0, 1), 'd');
    uart.write(2, 1, 0x07);
    uart.feed_input("e");
    EXPECT_EQ(line_status() & 1, 0u); // is set up anew
}

TEST_F(InstantUart, AGuestWithTheReceiveInterruptGetsBytesAtTheLinesSpeed) {
    set_up();
    uart.feed_input("a");
    pass(frame);
    EXPECT_EQ(uart.read(0, 1), 'a'); // polled
    uart.write(1, 1, 0x01);
    uart.feed_input("bc");
    for (Picoseconds arrival = 2 * frame; const char expected : {'b', 'c'}) {
        EXPECT_FALSE(uart.interrupt.level());
        pass(arrival - 1);
        EXPECT_FALSE(uart.interrupt.level());
        pass(arrival);
        EXPECT_TRUE(uart.interrupt.level());
        EXPECT_EQ(uart.read(0, 1), static_cast<uint32_t>(expected));
        arrival += frame;
    }
}

class GatedUart : public UartTest {
protected:
    GatedUart() : UartTest{{.instant = false, .out2_gates_interrupt = true}} {}
};

TEST_F(GatedUart, Out2GatesTheInterrupt) {
    set_up();
    uart.write(4, 1, 0x03);
    uart.write(1, 1, 0x02);
    EXPECT_FALSE(uart.interrupt.level());
    uart.write(4, 1, 0x0B);
    EXPECT_TRUE(uart.interrupt.level());
    uart.write(4, 1, 0x1B); // in loopback the pin is off
    EXPECT_FALSE(uart.interrupt.level());
}

} // namespace
} // namespace fixpoint::models
