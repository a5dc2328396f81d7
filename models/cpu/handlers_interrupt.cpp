// Software interrupts and the return from interrupts, CLI and STI, BOUND.
//
// In virtual-8086 mode with IOPL below 3 the interrupt flag is the monitor's: these instructions fault, or,
// with CR4.VME, work on VIF instead and INT n may go through the 8086 program's own vectors (SDM vol. 3,
// 20.3). CR4.PVI gives CLI and STI the same at level 3 of protected mode (20.4).
#include "models/cpu/handler_support.hpp"

#include <array>

namespace fixpoint::models {

namespace {

void refuse(Core& core, const Op* op) {
    core.raise_protection();
    core.fault_exit(op);
}

// IRET to virtual-8086 mode: ESP SS ES DS FS GS follow EIP CS EFLAGS on the stack.
bool return_to_v86(Core& core, Core::Stack stack, uint16_t selector, uint32_t target, uint32_t image) {
    std::array<uint32_t, 6> values{};
    for (uint32_t& value : values)
        if (!core.pop_from(stack, 4, value))
            return false;
    if (target > 0xFFFF)
        return core.raise_protection();
    core.flags.set_value((image & eflags::defined) | eflags::always_set);
    core.privilege = 3;
    core.set_v86_or_real_segment(seg_cs, selector);
    constexpr std::array order{seg_ss, seg_es, seg_ds, seg_fs, seg_gs};
    for (unsigned i = 0; i < order.size(); ++i)
        core.set_v86_or_real_segment(order[i], static_cast<uint16_t>(values[i + 1]));
    core.registers[reg_esp] = values[0];
    core.eip = target;
    core.clock.cycles += core.parameters.privilege_change_cycles;
    core.update_mode();
    core.request_attention();
    return true;
}

// To the task that the current one is nested in.
bool return_to_task(Core& core, uint32_t return_eip) {
    uint16_t link = 0;
    return core.read_system(core.tr.base, link) &&
           core.switch_task(link, Core::TaskSwitch::unnest, return_eip, core.flags.value());
}

struct ReturnFrame {
    uint32_t target = 0, selector = 0, flags = 0;
};

template<class T>
bool return_from_interrupt(Core& core, uint32_t next_eip) {
    Core::Stack stack = core.current_stack();
    const bool v86 = core.v86(), protected_selectors = core.protected_mode() && !v86;
    const bool virtual_flag = v86 && core.iopl() < 3;
    if (virtual_flag && (sizeof(T) == 4 || (core.mmu.cr4 & Mmu::cr4_vme) == 0))
        return core.raise_protection();
    if (protected_selectors && (core.flags.system & eflags::nt) != 0)
        return return_to_task(core, next_eip);
    ReturnFrame frame;
    if (!core.pop_from(stack, sizeof(T), frame.target) || !core.pop_from(stack, sizeof(T), frame.selector) ||
        !core.pop_from(stack, sizeof(T), frame.flags))
        return false;
    const auto selector = static_cast<uint16_t>(frame.selector);
    uint32_t changeable = eflags::arithmetic | eflags::tf | eflags::df | eflags::nt;
    if (virtual_flag) {
        if (!core.virtual_flags_allowed(frame.flags))
            return false;
        frame.flags |= core.virtual_interrupt_flag(frame.flags);
        changeable |= eflags::vif;
    }
    if constexpr (sizeof(T) == 4)
        changeable |= eflags::ac | eflags::id | eflags::rf;
    if (core.privilege <= core.iopl())
        changeable |= eflags::iif;
    if (core.privilege == 0) {
        changeable |= eflags::iopl;
        if (sizeof(T) == 4 && protected_selectors) {
            if ((frame.flags & eflags::vm) != 0)
                return return_to_v86(core, stack, selector, frame.target, frame.flags);
            changeable |= eflags::vif | eflags::vip;
        }
    }
    if (!(protected_selectors ? core.return_to(stack, sizeof(T), selector, frame.target, 0)
                              : core.return_unprotected(stack, selector, frame.target, 0)))
        return false;
    core.set_flags(frame.flags, changeable);
    return true;
}

template<class T>
void interrupt_return_op(Core& core, const Op* op) {
    core.current = op;
    core.clock.cycles += core.parameters.iret_cycles;
    if (core.nmi_blocked) { // even if it faults (SDM vol. 3, 6.7.1)
        core.nmi_blocked = false;
        core.request_attention();
    }
    if (!return_from_interrupt<T>(core, core.eip + op->next_offset))
        return core.fault_exit(op);
    core.slot = 1;
}

enum : uint8_t { int1_opcode = 0xF1, int3_opcode = 0xCC, int_opcode = 0xCD, into_opcode = 0xCE };

bool software_interrupt(Core& core, const Op* op, uint32_t return_eip) {
    const bool is_int_n = op->detail == int_opcode;
    Fault event;
    event.vector = is_int_n                    ? static_cast<uint8_t>(op->immediate)
                   : op->detail == int3_opcode ? vector::breakpoint
                   : op->detail == int1_opcode ? vector::debug
                                               : vector::overflow;
    if (is_int_n && core.v86()) {
        if ((core.mmu.cr4 & Mmu::cr4_vme) != 0) {
            bool redirected = false;
            if (!core.redirect_interrupt(event.vector, return_eip, redirected))
                return false;
            if (redirected)
                return true;
        }
        if (core.iopl() < 3)
            return core.raise_protection();
    }
    const bool is_int1 = op->detail == int1_opcode; // counts as an event, not as the program's own
    core.delivering = is_int1;
    const bool entered = core.enter_gate(event, return_eip, !is_int1, false);
    core.delivering = false;
    if (entered && is_int1)
        core.note_debug_exception();
    return entered;
}

void software_interrupt_op(Core& core, const Op* op) {
    if (op->detail == into_opcode && !core.flags.of())
        return next(core, op);
    core.current = op;
    if (!software_interrupt(core, op, core.eip + op->next_offset))
        return core.fault_exit(op);
    core.clock.cycles += core.parameters.interrupt_cycles;
    ++core.counters.exceptions;
    core.step_trap = false;
    core.slot = 1;
}

// STI holds interrupts back for one more instruction.
template<bool Set>
void interrupt_flag_op(Core& core, const Op* op) {
    if (core.protected_mode() && core.privilege > core.iopl()) {
        const uint32_t extension = core.v86() ? Mmu::cr4_vme : Mmu::cr4_pvi;
        const bool pending = Set && (core.flags.system & eflags::vip) != 0;
        if ((core.mmu.cr4 & extension) == 0 || core.privilege != 3 || pending)
            return refuse(core, op);
        core.flags.system = Set ? core.flags.system | eflags::vif : core.flags.system & ~eflags::vif;
        return next(core, op);
    }
    if constexpr (Set) {
        core.interrupt_shadow = (core.flags.system & eflags::iif) == 0;
        core.flags.system |= eflags::iif;
        core.request_attention();
    } else {
        core.flags.system &= ~eflags::iif;
    }
    return next(core, op);
}

template<class T>
void bound_op(Core& core, const Op* op) {
    using Signed = std::make_signed_t<T>;
    const uint32_t address = effective_address<false>(core, op);
    T low, high;
    if (!load_at<T, false>(core, op, address, low) ||
        !load_at<T, false>(core, op, (address + static_cast<uint32_t>(sizeof(T))) & op->address_mask, high))
        return core.fault_exit(op);
    const auto index = static_cast<Signed>(core.get<T>(op->reg));
    if (index < static_cast<Signed>(low) || index > static_cast<Signed>(high)) {
        core.raise(vector::bound);
        return core.fault_exit(op);
    }
    return next(core, op);
}

} // namespace

Handler interrupt_return_handler(unsigned size) {
    return by_wide_size(size, []<class T>() -> Handler { return interrupt_return_op<T>; });
}
Handler software_interrupt_handler() {
    return software_interrupt_op;
}
Handler bound_handler(unsigned size) {
    return by_wide_size(size, []<class T>() -> Handler { return bound_op<T>; });
}
Handler interrupt_flag_handler(bool set) {
    return set ? interrupt_flag_op<true> : interrupt_flag_op<false>;
}

} // namespace fixpoint::models
