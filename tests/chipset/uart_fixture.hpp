// A serial port on its own, and what it has sent.
#pragma once

#include "models/chipset/uart.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fixpoint::models::test {

inline constexpr Picoseconds frame = 10 * ps_per_second / 115'200;

class UartTest : public testing::Test {
protected:
    explicit UartTest(Uart::Habits habits = {.instant = false, .out2_gates_interrupt = false})
        : uart{habits} {
        uart.set_output([this](char c) { sent += c; });
    }
    void set_up() {
        uart.write(3, 1, 0x80);
        uart.write(0, 1, 1);
        uart.write(1, 1, 0);
        uart.write(3, 1, 0x03);
        uart.write(4, 1, 0x0B);
    }
    uint32_t line_status() { return uart.read(5, 1); }
    // Lets the device act at each of its own instants up to `time`.
    void pass(Picoseconds time) {
        while (uart.next_event() <= time)
            uart.advance(uart.next_event());
        uart.advance(time);
    }
    Uart uart;
    std::string sent;
};

} // namespace fixpoint::models::test
