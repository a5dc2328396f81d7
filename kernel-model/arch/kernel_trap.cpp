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
extern const uint32_t touch_points_start[], touch_points_end[];
void transfer_interrupt_window();
}

namespace kernel {

namespace {

bool is_touch_point(uint32_t eip) {
    for (const uint32_t* point = touch_points_start; point != touch_points_end; ++point)
        if (*point == eip)
            return true;
    return false;
}

} // namespace

// Returns 0 when the interrupted code shall go on, 1 when it is abandoned and current_thread resumes.
extern "C" int kernel_trap(Frame* frame) {
    const unsigned vector = frame->vector;
    const bool interruptible =
        current_thread == nullptr || frame->eip == reinterpret_cast<uint32_t>(&transfer_interrupt_window);
    if (interruptible && vector >= vector_irq0 && vector < vector_irq0 + irq_line_count) {
        interrupt_arrived(vector - vector_irq0);
        return 1;
    }
    if (vector == vector_page_fault && current_thread != nullptr) {
        const uint32_t address = cpu::read_cr2();
        constexpr uint32_t write_access = 1u << 1;
        if (in_tcb_array(address) && is_touch_point(frame->eip))
            return handle_tcb_fault(address, frame->error & write_access) == TcbFaultOutcome::retry ? 0 : 1;
    }
    if (const SysenterTrap outcome = trap_in_sysenter(*frame); outcome != SysenterTrap::none)
        return outcome == SysenterTrap::go_on ? 0 : 1;
    panic_in_trap("trap in the kernel", *frame);
}

} // namespace kernel
