// Traps that come from kernel code. Expected are an interrupt while idle or between two parts of a transfer, a TCB fault
// at a touch point, what a caller of SYSENTER can cause (sysenter.hpp), and (handled in entries.S) user level's garbage
// in DS or ES. All others are bugs of the kernel and end in a panic.
#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/interrupt_table.hpp"
#include "kernel-model/arch/layout.hpp"
#include "kernel-model/arch/sysenter.hpp"
#include "kernel-model/ipc/interrupts.hpp"
#include "kernel-model/panic.hpp"
#include "kernel-model/thread/tcb.hpp"
#include "kernel-model/thread/tcb_array.hpp"

extern "C" {
extern const kernel::TouchPoint touch_points_start[], touch_points_end[];
void transfer_interrupt_window();
}

namespace kernel {

namespace {

const TouchPoint* touch_point_at(uint32_t eip) {
    for (const TouchPoint* point = touch_points_start; point != touch_points_end; ++point)
        if (point->instruction == eip)
            return point;
    return nullptr;
}

// What becomes of the interrupted code; if it is abandoned, current_thread resumes.
enum Continuation { go_on = 0, abandon = 1 };

Continuation tcb_fault_at(const TouchPoint& point, Frame& trap, uint32_t address) {
    constexpr uint32_t write_access = 1u << 1;
    switch (handle_tcb_fault(address, trap.error & write_access)) {
    case TcbFaultOutcome::retry:
        return go_on;
    case TcbFaultOutcome::absent:
        trap.eip = point.absent;
        return go_on;
    case TcbFaultOutcome::abandoned:
        break;
    }
    return abandon;
}

} // namespace

extern "C" Continuation kernel_trap(Frame* frame) {
    const unsigned vector = frame->vector;
    const bool interruptible =
        current_thread == nullptr || frame->eip == reinterpret_cast<uint32_t>(&transfer_interrupt_window);
    if (interruptible && vector >= vector_irq0 && vector < vector_irq0 + irq_line_count) {
        interrupt_arrived(vector - vector_irq0);
        return abandon;
    }
    if (vector == vector_page_fault && current_thread != nullptr) {
        const uint32_t address = cpu::read_cr2();
        const TouchPoint* const point = touch_point_at(frame->eip);
        if (in_tcb_array(address) && point != nullptr)
            return tcb_fault_at(*point, *frame, address);
    }
    if (const SysenterTrap outcome = trap_in_sysenter(*frame); outcome != SysenterTrap::none)
        return outcome == SysenterTrap::go_on ? go_on : abandon;
    panic_in_trap("trap in the kernel", *frame);
}

} // namespace kernel
