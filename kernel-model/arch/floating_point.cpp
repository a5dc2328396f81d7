#include "kernel-model/arch/floating_point.hpp"

#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/handlers.hpp"
#include "kernel-model/thread/exceptions.hpp"
#include "kernel-model/thread/tcb.hpp"

namespace kernel {

constinit Tcb* floating_point_owner = nullptr;
constinit bool floating_point_traps = true;

namespace {

constinit bool available = false;

} // namespace

void trap_floating_point(bool trap) {
    if (trap == floating_point_traps)
        return;
    floating_point_traps = trap;
    if (trap)
        cpu::write_cr0(cpu::read_cr0() | cpu::cr0_task_switched);
    else
        cpu::clear_task_switched();
}

void detect_floating_point(bool present) {
    constexpr uint32_t cr0_monitor = 1u << 1, cr0_emulate = 1u << 2, cr0_native_error = 1u << 5;
    available = present;
    uint32_t cr0 = cpu::read_cr0() | cr0_monitor | cr0_native_error | cpu::cr0_task_switched;
    cr0 = present ? cr0 & ~cr0_emulate : cr0 | cr0_emulate;
    cpu::write_cr0(cr0);
}

void floating_point_forget(const Tcb* thread) {
    if (floating_point_owner != thread)
        return;
    floating_point_owner = nullptr;
    trap_floating_point(true);
}

void handle_no_fpu() {
    if (!available) {
        raise_exception();
        return;
    }
    trap_floating_point(false);
    if (floating_point_owner == current_thread)
        return;
    // Both leave no exception pending: FRSTOR would report that of a thread that is gone.
    if (floating_point_owner != nullptr)
        asm volatile("fnsave %0" : "=m"(floating_point_owner->floating_point));
    else
        asm volatile("fninit");
    if (current_thread->has_floating_point)
        asm volatile("frstor %0" : : "m"(current_thread->floating_point));
    current_thread->has_floating_point = true;
    floating_point_owner = current_thread;
}

} // namespace kernel
