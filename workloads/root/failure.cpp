#include "workloads/root/failure.hpp"

#include "kernel-model/abi/probes.hpp"
#include "kernel-model/abi/syscalls.hpp"

namespace workloads {

namespace {

constexpr uint16_t debug_exit_port = 0xF4;
bool exit_by_debug_port = false;

} // namespace

void set_exit_by_debug_port(bool enabled) {
    exit_by_debug_port = enabled;
}

void leave(bool verified) {
    // The root task is one of the drivers' tasks that may use ports (see kernel-model).
    if (exit_by_debug_port)
        asm volatile("outb %0, %1"
                     :
                     : "a"(static_cast<uint8_t>(verified ? exit_verified : exit_failed)),
                       "Nd"(debug_exit_port));
    for (;;) {
        l4::Message message;
        l4::receive(l4::nil_thread, message);
    }
}

void fail(TextLine& line) {
    TextLine whole;
    whole.text("root: ").text(line.c_str());
    l4::probe<l4::Probe::panic>();
    whole.print();
    leave(false);
}

} // namespace workloads
