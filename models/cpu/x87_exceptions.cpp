// When the x87 does not execute: device not available, and pending exceptions by either way of reporting.
//
// CR0.NE = 1: the next waiting instruction raises #MF. CR0.NE = 0, as in the PC/AT: FERR# goes out, which the machine
// turns into IRQ 13, and the processor stops before the instruction until an interrupt comes; with IGNNE# asserted it
// goes on instead (SDM vol. 1, 8.7; vol. 3, 2.5).
#include "models/cpu/x87_unit.hpp"

namespace fixpoint::models {

namespace {

void refuse(Core& core, const Op* op, uint8_t number) {
    core.raise(number);
    core.fault_exit(op);
}

// True: IGNNE# hides the pending exception.
bool report_pending(Core& core, const Op* op) {
    if ((core.mmu.cr0 & Mmu::cr0_ne) != 0) {
        refuse(core, op, vector::floating_point_error);
        return false;
    }
    if (core.ignore_numeric_error)
        return true;
    core.assert_numeric_error(op);
    // Stopped as by HLT, but the interrupt returns to this instruction.
    core.step_trap = false;
    core.leave_block(op);
    core.halted = true;
    core.request_attention();
    return false;
}

bool pending(const Core& core) {
    return (core.x87.status & x87_status::summary) != 0;
}

} // namespace

bool x87_unavailable(Core& core, const Op* op) {
    refuse(core, op, vector::device_not_available);
    return false;
}

bool x87_refuse(Core& core, const Op* op) {
    if ((core.mmu.cr0 & x87_switched_off) != 0)
        return x87_unavailable(core, op);
    return report_pending(core, op);
}

// SDM vol. 3, 12.1: with EM set there is no MMX.
bool mmx_refuse(Core& core, const Op* op) {
    if ((core.mmu.cr0 & Mmu::cr0_em) != 0) {
        refuse(core, op, vector::invalid_opcode);
        return false;
    }
    return x87_refuse(core, op);
}

bool x87_wait(Core& core, const Op* op) {
    constexpr uint32_t monitored = Mmu::cr0_mp | Mmu::cr0_ts;
    if ((core.mmu.cr0 & monitored) == monitored)
        return x87_unavailable(core, op);
    return !pending(core) || report_pending(core, op);
}

void Core::assert_numeric_error(const Op* op) {
    if (numeric_error)
        return;
    numeric_error = true;
    current = op;
    bus.floating_point_error(true);
}

void Core::release_numeric_error() {
    if (!numeric_error)
        return;
    numeric_error = false;
    bus.floating_point_error(false);
}

} // namespace fixpoint::models
