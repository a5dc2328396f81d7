#include "kernel-model/ipc/interrupts.hpp"

#include "kernel-model/arch/handlers.hpp"
#include "kernel-model/arch/interrupt_table.hpp"
#include "kernel-model/devices/interrupt_controller.hpp"
#include "kernel-model/devices/timer.hpp"
#include "kernel-model/ipc/ipc_engine.hpp"
#include "kernel-model/memory/address_spaces.hpp"
#include "kernel-model/thread/scheduler.hpp"
#include "kernel-model/thread/tcb_array.hpp"

namespace kernel {

namespace {

struct Line {
    ThreadIndex driver = no_thread;
    bool pending = false;
};
constinit Line lines[irq_line_count];

constexpr unsigned cascade_line = 2;

unsigned line_of(l4::ThreadId interrupt) {
    return interrupt.raw - 1;
}
bool is_line(l4::ThreadId interrupt) {
    return interrupt.is_interrupt() && line_of(interrupt) < irq_line_count &&
           line_of(interrupt) != cascade_line && line_of(interrupt) != timer.line();
}

} // namespace

bool has_interrupt(const Tcb& thread, l4::ThreadId interrupt) {
    return is_line(interrupt) && lines[line_of(interrupt)].driver == index_of(thread);
}

bool associate_interrupt(Tcb& thread, l4::ThreadId interrupt) {
    if (!is_line(interrupt) || is_persistent(task_of(thread)))
        return false;
    Line& line = lines[line_of(interrupt)];
    if (has_interrupt(thread, interrupt) && line.pending)
        return false;
    detach_interrupts(thread);
    if (line.driver != no_thread)
        return false;
    line = {index_of(thread), false};
    thread.interrupt_lines = static_cast<uint16_t>(1u << line_of(interrupt));
    thread.frame.eax = condition_code(l4::IpcError::receive_timeout);
    return true;
}

int take_pending_interrupt(const Tcb& thread, bool open, l4::ThreadId interrupt) {
    for (unsigned line = 0; line < irq_line_count; ++line) {
        const bool wanted = open ? (thread.interrupt_lines >> line & 1) != 0
                                 : has_interrupt(thread, interrupt) && line == line_of(interrupt);
        if (!wanted)
            continue;
        if (lines[line].pending) {
            lines[line].pending = false;
            return static_cast<int>(line);
        }
        interrupt_controller.unmask(line);
    }
    return -1;
}

void detach_interrupts(Tcb& thread) {
    if (thread.interrupt_lines == 0)
        return;
    for (unsigned line = 0; line < irq_line_count; ++line) {
        if (lines[line].driver != index_of(thread))
            continue;
        interrupt_controller.mask(line);
        lines[line] = {};
    }
    thread.interrupt_lines = 0;
}

void interrupt_arrived(unsigned line) {
    if (interrupt_controller.is_spurious(line))
        return;
    if (line == timer.line()) {
        const uint32_t us = timer.tick_us();
        timer.acknowledge();
        clock_ticked(us);
        scheduler.tick(us);
        return;
    }
    interrupt_controller.mask(line);
    interrupt_controller.acknowledge(line);
    Line& state = lines[line];
    if (state.driver == no_thread)
        return;
    Tcb& driver = tcb_at(state.driver);
    if (driver.kind == IpcKind::user && waits_for(driver, l4::ThreadId::interrupt(line).raw))
        deliver_interrupt(driver, line);
    else
        state.pending = true;
    scheduler.reschedule();
}

void handle_interrupt() {
    interrupt_arrived(current_thread->frame.vector - vector_irq0);
}

} // namespace kernel
