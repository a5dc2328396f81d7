#include "kernel-model/thread/exceptions.hpp"

#include "kernel-model/arch/handlers.hpp"
#include "kernel-model/devices/serial_console.hpp"
#include "kernel-model/thread/scheduler.hpp"

namespace kernel {

void stop_thread(Tcb& thread, const char* reason, uint32_t address) {
    console.print("kernel: ", thread.thread_id(), " stopped: ", reason, ", vector ",
                  Decimal{thread.frame.vector}, ", eip ", Hex{thread.frame.eip}, ", error ",
                  Hex{thread.frame.error}, ", address ", Hex{address}, "\n");
    thread.state = ThreadState::halted;
    scheduler.not_ready(thread);
    scheduler.reschedule();
}

void handle_exception() {
    constexpr const char* names[] = {
        "divide error", "debug",          "NMI",         "breakpoint",         "overflow",
        "bound",        "invalid opcode", "no x87",      "double fault",       "coprocessor overrun",
        "invalid TSS",  "no segment",     "stack fault", "general protection", "page fault",
        "reserved",     "x87 error",      "alignment",   "machine check",      "SIMD error"};
    const unsigned vector = current_thread->frame.vector;
    stop_thread(*current_thread, vector < sizeof names / sizeof *names ? names[vector] : "unknown exception");
}

} // namespace kernel
