// Loopback, and what only shows there: modem lines that change, breaks, overruns.
#include "tests/chipset/uart_fixture.hpp"

namespace fixpoint::models {
namespace {

using test::frame;
using test::UartTest;

TEST_F(UartTest, LoopbackComesBackAndStaysInside) {
    set_up();
    uart.write(4, 1, 0x10);
    uart.write(0, 1, 'L');
    pass(frame);
    EXPECT_EQ(sent, "");
    EXPECT_EQ(line_status() & 1, 1u);
    EXPECT_EQ(uart.read(0, 1), 'L');
    uart.write(4, 1, 0x1F);
    EXPECT_EQ(uart.read(6, 1) & 0xF0, 0xF0u);
}

TEST_F(UartTest, WithoutFifoAnUnreadByteIsOverwritten) {
    set_up();
    uart.write(4, 1, 0x10);
    uart.write(0, 1, 'a');
    pass(frame);
    uart.write(0, 1, 'b');
    pass(2 * frame);
    EXPECT_EQ(line_status() & 3, 3u); // overrun
    EXPECT_EQ(uart.read(0, 1), 'b');
    EXPECT_EQ(line_status() & 3, 0u);
    EXPECT_EQ(uart.read(0, 1), 'b'); // the buffer keeps what it has
}

TEST_F(UartTest, AFullFifoKeepsWhatItHas) {
    set_up();
    uart.write(2, 1, 0x01);
    uart.write(4, 1, 0x10);
    Picoseconds now = 0;
    for (uint32_t i = 0; i < 17; ++i) {
        uart.write(0, 1, i);
        pass(now += frame);
    }
    EXPECT_EQ(line_status() & 2, 2u);
    for (uint32_t i = 0; i < 16; ++i)
        EXPECT_EQ(uart.read(0, 1), i);
    EXPECT_EQ(line_status() & 1, 0u);
}

TEST_F(UartTest, AFrameFromTheLineIsSentAgainAfterLoopback) {
    set_up();
    uart.write(2, 1, 0x01);
    uart.feed_input("xy");
    pass(frame / 2);
    uart.write(4, 1, 0x1B);
    uart.write(0, 1, 'l');
    pass(5 * frame);
    EXPECT_EQ(uart.read(0, 1), 'l');
    EXPECT_EQ(line_status() & 1, 0u);
    uart.write(4, 1, 0x0B);
    pass(6 * frame - 1);
    EXPECT_EQ(line_status() & 1, 0u);
    pass(7 * frame);
    EXPECT_EQ(uart.read(0, 1), 'x');
    EXPECT_EQ(uart.read(0, 1), 'y');
}

TEST_F(UartTest, TheWordLengthMasksWhatIsSent) {
    set_up();
    for (uint32_t bits = 5; bits <= 8; ++bits) {
        uart.write(3, 1, bits - 5);
        uart.write(0, 1, 0xFF);
        pass(Picoseconds{bits} * 2 * frame);
        EXPECT_EQ(static_cast<uint8_t>(sent.back()), 0xFF >> (8 - bits));
    }
    uart.write(3, 1, 0);
    uart.write(4, 1, 0x10);
    uart.write(0, 1, 0xFF);
    pass(20 * frame);
    EXPECT_EQ(uart.read(0, 1), 0x1Fu);
}

TEST_F(UartTest, InLoopbackTheModemLinesFollowTheControlRegister) {
    set_up();
    EXPECT_EQ(uart.read(6, 1), 0xB0u);
    uart.write(4, 1, 0x10);
    EXPECT_EQ(uart.read(6, 1), 0x0Bu); // CTS, DSR and DCD have gone
    EXPECT_EQ(uart.read(6, 1), 0x00u);
    struct Line {
        uint32_t output, input, delta;
    };
    for (const Line& line : {Line{0x02, 0x10, 0x01}, Line{0x01, 0x20, 0x02}, Line{0x08, 0x80, 0x08}}) {
        uart.write(4, 1, 0x10 | line.output);
        EXPECT_EQ(uart.read(6, 1), line.input | line.delta);
        EXPECT_EQ(uart.read(6, 1), line.input);
        uart.write(4, 1, 0x10);
        EXPECT_EQ(uart.read(6, 1), line.delta);
    }
    uart.write(4, 1, 0x14);
    EXPECT_EQ(uart.read(6, 1), 0x40u); // RI: its trailing edge only
    uart.write(4, 1, 0x10);
    EXPECT_EQ(uart.read(6, 1), 0x04u);
}

TEST_F(UartTest, AModemLineThatChangedInterruptsUntilTheStatusIsRead) {
    set_up();
    uart.write(4, 1, 0x10);
    uart.read(6, 1);
    uart.write(1, 1, 0x08);
    EXPECT_EQ(uart.read(2, 1), 0x01u);
    uart.write(4, 1, 0x11);
    EXPECT_TRUE(uart.interrupt.level());
    EXPECT_EQ(uart.read(2, 1), 0x00u);
    EXPECT_EQ(uart.read(2, 1), 0x00u); // reading its identification does not end it
    uart.write(1, 1, 0x0A);
    EXPECT_EQ(uart.read(2, 1), 0x02u); // the lowest in rank
    EXPECT_EQ(uart.read(2, 1), 0x00u);
    uart.read(6, 1);
    EXPECT_EQ(uart.read(2, 1), 0x01u);
    EXPECT_FALSE(uart.interrupt.level());
}

TEST_F(UartTest, TheTimeoutCountsFromTheEndOfTheFrame) {
    set_up();
    uart.write(2, 1, 0x41); // trigger at 4
    uart.write(4, 1, 0x10);
    uart.write(1, 1, 0x01);
    uart.write(0, 1, 'a');
    pass(5 * frame - 1);
    EXPECT_EQ(uart.read(2, 1), 0xC1u);
    pass(5 * frame);
    EXPECT_EQ(uart.read(2, 1), 0xCCu);
}

TEST_F(UartTest, ABreakIsReceivedOnceAfterAFrame) {
    set_up();
    uart.write(4, 1, 0x10);
    uart.write(1, 1, 0x04);
    uart.write(3, 1, 0x43);
    pass(frame - 1);
    EXPECT_FALSE(uart.interrupt.level());
    pass(frame);
    EXPECT_TRUE(uart.interrupt.level());
    EXPECT_EQ(uart.read(2, 1), 0x06u);
    EXPECT_EQ(line_status(), 0x79u); // break, and no stop bit
    EXPECT_FALSE(uart.interrupt.level());
    EXPECT_EQ(uart.read(0, 1), 0x00u);
    uart.write(3, 1, 0x43);
    pass(20 * frame);
    EXPECT_EQ(line_status(), 0x60u);
    uart.write(3, 1, 0x03);
    uart.write(3, 1, 0x43);
    pass(21 * frame);
    EXPECT_EQ(line_status() & 0x11, 0x11u);
}

TEST_F(UartTest, ABreakViolatesOddParity) {
    set_up();
    uart.write(4, 1, 0x10);
    uart.write(3, 1, 0x4B);
    pass(2 * frame);
    EXPECT_EQ(line_status() & 0x1E, 0x1Cu);
    uart.write(3, 1, 0x1B);
    uart.write(3, 1, 0x5B); // even
    pass(4 * frame);
    EXPECT_EQ(line_status() & 0x1C, 0x18u);
}

TEST_F(UartTest, ABreakThatIsTooShortIsNone) {
    set_up();
    uart.write(4, 1, 0x10);
    uart.write(3, 1, 0x43);
    pass(frame / 2);
    uart.write(3, 1, 0x03);
    pass(2 * frame);
    EXPECT_EQ(line_status(), 0x60u);
}

TEST_F(UartTest, InTheFifoABreakIsShownAtItsTurn) {
    set_up();
    uart.write(2, 1, 0x01);
    uart.write(4, 1, 0x10);
    uart.write(0, 1, 'a');
    pass(frame);
    uart.write(3, 1, 0x43);
    pass(2 * frame);
    uart.write(3, 1, 0x03);
    EXPECT_EQ(line_status(), 0xE1u); // there is an error in the FIFO
    EXPECT_EQ(line_status(), 0xE1u);
    EXPECT_EQ(uart.read(0, 1), 'a');
    EXPECT_EQ(line_status(), 0xF9u);
    EXPECT_EQ(line_status(), 0x61u);
    EXPECT_EQ(uart.read(0, 1), 0x00u);
}

TEST_F(UartTest, WhatIsSentDuringABreakOnlyTimesIt) {
    set_up();
    uart.write(3, 1, 0x43);
    uart.write(0, 1, 'x');
    EXPECT_EQ(line_status() & 0x60, 0x20u);
    pass(frame);
    EXPECT_EQ(line_status(), 0x60u);
    uart.write(3, 1, 0x03);
    uart.write(0, 1, 'y');
    pass(2 * frame);
    EXPECT_EQ(sent, "y");
}

} // namespace
} // namespace fixpoint::models
