#include "workloads/stress/verdict.hpp"

#include "workloads/runtime/text_line.hpp"
#include "workloads/stress/calls.hpp"

namespace stress {

void leave(bool passed) {
    constexpr uint16_t debug_exit_port = 0xF4;
    const uint8_t value = passed ? 0x10 : 0x11;
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(debug_exit_port));
    for (;;)
        l4::sleep_us(for_ever);
}

void fail(const char* what, uint32_t got, uint32_t expected) {
    const l4::ThreadId self = l4::my_id();
    workloads::TextLine line;
    line.text("stress: FAILED in round ")
        .decimal(world.round)
        .text(", thread ")
        .decimal(self.task())
        .text(".");
    line.decimal(self.lthread()).text(": ").text(what).text(": ").hex(got, 8).text(" instead of ");
    line.hex(expected, 8).print();
    if (self.task() == l4::root_task)
        leave(false);
    l4::send(conductor_id, {failure_tag, 0, 0});
    for (;;)
        l4::sleep_us(for_ever);
}

} // namespace stress
