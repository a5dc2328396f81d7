#include "kernel-model/devices/processor_clock.hpp"

#include "kernel-model/arch/cpu.hpp"

namespace kernel {

namespace {

// 8254 data sheet; channel 2's gate and output are bits 0 and 5 of port 0x61.
constexpr uint16_t pit_channel2 = 0x42, pit_control = 0x43, port_b = 0x61;
constexpr uint8_t one_shot = 0xB0, latch = 0x80, gate = 0x01, speaker = 0x02, output = 0x20;
constexpr uint32_t pit_hz = 1'193'182, shortest_ticks = pit_hz / 1000;
// Reading counter and time stamp takes some microseconds. If it takes longer (a simulator that the host has stopped
// meanwhile), it is tried again.
constexpr uint32_t reading_ticks_max = 20;
constexpr unsigned tries = 16;

bool countdown_is_over() {
    return (cpu::in8(port_b) & output) != 0;
}

// Since the gate was opened; the count started at 0, which is 65536.
uint32_t ticks_gone_by() {
    cpu::out8(pit_control, latch);
    const uint32_t low = cpu::in8(pit_channel2), high = cpu::in8(pit_channel2);
    return (0u - (high << 8 | low)) & 0xFFFF;
}

// a * b / c, for quotients below 2^32.
uint32_t multiply_divide(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t high;
    asm("mull %2\n\tdivl %3" : "+a"(a), "=&d"(high) : "rm"(b), "r"(c) : "cc");
    return a;
}

} // namespace

void ProcessorClock::begin_measuring() {
    const auto closed = static_cast<uint8_t>(cpu::in8(port_b) & ~(gate | speaker));
    for (unsigned attempt = 0; attempt < tries; ++attempt) {
        cpu::out8(port_b, closed);
        cpu::out8(pit_control, one_shot);
        cpu::out8(pit_channel2, 0);
        cpu::out8(pit_channel2, 0);
        cpu::out8(port_b, closed | gate);
        start_cycles_ = cpu::read_time_stamp();
        if (ticks_gone_by() <= reading_ticks_max)
            break;
    }
}

uint32_t ProcessorClock::finish_measuring() {
    for (unsigned attempt = 0;;) {
        const uint32_t ticks = ticks_gone_by();
        const auto cycles = static_cast<uint32_t>(cpu::read_time_stamp() - start_cycles_);
        if (countdown_is_over()) {
            begin_measuring(); // boot has taken longer than the counter reaches
            continue;
        }
        if (ticks < shortest_ticks)
            continue;
        if (ticks_gone_by() - ticks <= reading_ticks_max || ++attempt == tries)
            return multiply_divide(cycles, pit_hz, ticks);
    }
}

} // namespace kernel
