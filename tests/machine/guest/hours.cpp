// Four hours by three clocks: the timer's interrupts, the time of day and the time-stamp counter between two updates of
// the RTC.
#include "tests/machine/guest/interrupts.hpp"
#include "workloads/bare_pc/console.hpp"

namespace {

constexpr uint32_t hours = 4, seconds_of_hour = 3'600;

uint8_t cmos(uint8_t index) {
    pc::out8(0x70, index);
    return pc::in8(0x71);
}
void set_cmos(uint8_t index, uint8_t value) {
    pc::out8(0x70, index);
    pc::out8(0x71, value);
}
uint32_t from_bcd(uint8_t digits) {
    return (digits >> 4) * 10u + (digits & 15u);
}
uint32_t second_of_day() {
    return from_bcd(cmos(4)) * seconds_of_hour + from_bcd(cmos(2)) * 60 + from_bcd(cmos(0));
}
uint64_t time_stamp() {
    uint64_t value;
    asm volatile("rdtsc" : "=A"(value));
    return value;
}
void wait_for_update() {
    const uint32_t before = pc::interrupt_count[8];
    while (pc::interrupt_count[8] == before)
        pc::wait_for_interrupt();
    cmos(0x0C); // lets the next one come
}

} // namespace

extern "C" void run(uint32_t) {
    pc::start_console();
    pc::set_up_interrupts();
    cmos(0x0C);
    set_cmos(0x0B, static_cast<uint8_t>(cmos(0x0B) | 0x10)); // an interrupt at every update
    pc::unmask(8);
    pc::unmask(0);
    wait_for_update();
    const uint64_t stamp_before = time_stamp();
    pc::out8(0x43, 0x34);
    pc::out8(0x40, 0); // 65,536
    pc::out8(0x40, 0);
    pc::interrupt_count[0] = 0;
    const uint32_t second_before = second_of_day();
    for (uint32_t second = 0; second < hours * seconds_of_hour; ++second)
        wait_for_update();
    const uint64_t stamps = time_stamp() - stamp_before;
    pc::report("timer interrupts", pc::interrupt_count[0]);
    pc::report("updates", pc::interrupt_count[8] - 1);
    pc::report("seconds of the day", second_of_day() - second_before);
    pc::report("cycles, high", static_cast<uint32_t>(stamps >> 32));
    pc::report("cycles, low", static_cast<uint32_t>(stamps));
    pc::leave(0x10);
}
