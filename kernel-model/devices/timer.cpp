#include "kernel-model/devices/timer.hpp"

#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/interrupt_table.hpp"
#include "kernel-model/devices/interrupt_controller.hpp"
#include "kernel-model/devices/local_apic.hpp"

namespace kernel {

constinit Timer timer;

namespace {

// Intel 8254 data sheet.
constexpr uint16_t pit_channel0 = 0x40, pit_control = 0x43;
constexpr uint8_t pit_rate_generator = 0x34; // channel 0, low then high byte, mode 2
constexpr uint32_t pit_hz = 1'193'182, pit_divisor = 1193;
constexpr uint32_t pit_tick_us = pit_divisor * 1'000'000ull / pit_hz;
constexpr uint32_t pit_tick_remainder = pit_divisor * 1'000'000ull % pit_hz; // in 1/pit_hz microseconds

// Motorola MC146818A data sheet.
constexpr uint16_t rtc_index = 0x70, rtc_data = 0x71;
constexpr uint8_t register_a = 0x0A, register_b = 0x0B, register_c = 0x0C;
constexpr uint8_t rate_mask = 0x0F, rate_512_hz = 0x07, periodic_interrupt = 0x40;
constexpr uint32_t rtc_hz = 512;
constexpr uint32_t rtc_tick_us = 1'000'000 / rtc_hz, rtc_tick_remainder = 1'000'000 % rtc_hz;

constexpr uint32_t apic_tick_us = 1000;

uint8_t read_rtc(uint8_t index) {
    cpu::out8(rtc_index, index);
    return cpu::in8(rtc_data);
}
void write_rtc(uint8_t index, uint8_t value) {
    cpu::out8(rtc_index, index);
    cpu::out8(rtc_data, value);
}

} // namespace

void Timer::start(TimerSource source) {
    source_ = source;
    if (source == TimerSource::pit) {
        cpu::out8(pit_control, pit_rate_generator);
        cpu::out8(pit_channel0, pit_divisor & 0xFF);
        cpu::out8(pit_channel0, pit_divisor >> 8);
    } else if (source == TimerSource::apic) {
        local_apic.initialise();
        local_apic.start_timer(apic_tick_us, vector_irq0);
        return;
    } else {
        write_rtc(register_a, static_cast<uint8_t>((read_rtc(register_a) & ~rate_mask) | rate_512_hz));
        write_rtc(register_b, static_cast<uint8_t>(read_rtc(register_b) | periodic_interrupt));
        read_rtc(register_c);
    }
    interrupt_controller.unmask(line());
}

const char* name_of(TimerSource source) {
    return source == TimerSource::pit ? "pit" : source == TimerSource::rtc ? "rtc" : "apic";
}

void Timer::acknowledge() {
    if (source_ == TimerSource::apic)
        local_apic.end_of_interrupt();
    else
        interrupt_controller.acknowledge(line());
}

uint32_t Timer::tick_us() {
    if (source_ == TimerSource::apic)
        return apic_tick_us;
    uint32_t us = pit_tick_us, remainder = pit_tick_remainder, hz = pit_hz;
    if (source_ == TimerSource::rtc) {
        read_rtc(register_c); // without this there is no further interrupt
        us = rtc_tick_us;
        remainder = rtc_tick_remainder;
        hz = rtc_hz;
    }
    remainder_ += remainder;
    if (remainder_ >= hz) {
        remainder_ -= hz;
        ++us;
    }
    return us;
}

} // namespace kernel
