// Debug exceptions, and the ways in for debuggers and profilers (SDM vol. 3, chapter 17).
//
// Whatever needs single instructions looked at (an observer, breakpoints, watchpoints) puts the processor into
// block_mode::observed: such blocks have an observing Op before every instruction but the first, which
// boundary() looks at before it is fetched. They are cut and charged like all others.
//
// Breakpoints on instructions are faults, taken before the fetch; all others are traps: they gather in
// `pending_debug` and are taken at the boundary after the instruction, before interrupts (SDM vol. 3, table
// 6-2).
// RF is cleared where instruction breakpoints have been looked for (17.3.1.1). The instruction after MOV SS or
// POP SS has none (6.8.3).
#include "models/cpu/core.hpp"

namespace fixpoint::models {

void Core::update_breakpoints() {
    breakpoints.configure(debug, (mmu.cr4 & Mmu::cr4_de) != 0);
    data_path.drop_all(); // watched lines must not be in it
    update_mode();
    request_attention();
}

void Core::set_observer(InstructionObserver* listener) {
    observer = listener;
    update_mode();
    request_attention();
}

void Core::set_watchpoints(std::vector<Watchpoint> watchpoints) {
    breakpoints.watch(std::move(watchpoints));
    update_breakpoints();
}

void Core::note_access(uint32_t linear, uint32_t bytes, bool write) {
    pending_debug |= breakpoints.accessed(linear, bytes, write);
    if (!watch_hit)
        watch_hit = breakpoints.watch_hit(linear, bytes, write);
}

void Core::note_port_access(uint16_t port, uint32_t bytes) {
    pending_debug |= breakpoints.port_accessed(port, bytes);
}

void Core::trap_after_instruction(uint32_t cause) {
    pending_debug |= cause;
    request_attention();
}

void Core::note_debug_exception() {
    debug[6] |= std::exchange(pending_debug, 0);
    debug[7] &= ~dr7::general_detect; // so that the handler may use the registers (17.2.4)
}

void Core::debug_exception(uint32_t cause) {
    do {
        debug[6] |= cause;
        halted = false;
        interrupt_shadow = trap_shadow = false;
        block = &no_block_;
        deliver({vector::debug, false, 0}, eip, false);
        cause = std::exchange(pending_debug, 0); // the T bit of the handler's own task (SDM vol. 3, 17.3.1.4)
    } while (cause != 0 && !shutdown && !undelivered && clock.cycles < limit);
    pending_debug = cause;
}

// Before the fetch of a block's first instruction. A stop: the observer wants one, or the processor has shut
// down.
std::optional<Cpu::Stop> Core::observe_first() {
    while ((flags.system & eflags::rf) == 0 && !trap_shadow) {
        const uint32_t hit = breakpoints.executed(code_base + eip);
        if (hit == 0)
            break;
        debug_exception(hit);
        if (shutdown)
            return Cpu::Stop::triple_fault;
        if (clock.cycles >= limit) // a breakpoint on its own handler
            return Cpu::Stop::limit;
    }
    if (observer != nullptr && !std::exchange(observer_was_asked, false) &&
        !observer->before_instruction(code_base + eip)) {
        observer_was_asked = true;
        return Cpu::Stop::observer;
    }
    return std::nullopt;
}

// Before another instruction of an observed block. False: the block ends here.
bool Core::observe_next(const Op* op) {
    current = op;
    if (pending_debug != 0 || watch_hit || breakpoints.executed(code_base + eip + op->eip_offset) != 0)
        return false;
    if (observer == nullptr || observer->before_instruction(code_base + eip + op->eip_offset))
        return true;
    observer_stopped = observer_was_asked = true;
    request_attention();
    return false;
}

// A block that was started with TF set, or observed, has ended.
void Core::after_debugged_block() {
    current = nullptr;
    request_attention(); // boundary() looks at every instruction
    // MOV SS and POP SS hold traps back for one instruction; their own single-step trap is lost (6.8.3).
    if (step_trap && !trap_shadow)
        trap_after_instruction(dr6::single_step);
}

} // namespace fixpoint::models
