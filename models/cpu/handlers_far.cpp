// Control transfers between segments and privilege levels (SDM vol. 3, 5.8; vol. 2 at each instruction).
// Task switches are not implemented: TSS and task-gate targets and IRET with NT raise #GP.
#include "models/cpu/handler_support.hpp"

namespace fixpoint::models {

namespace {

constexpr uint16_t flat_code = 0xC09B, flat_data = 0xC093, dpl3 = 0x60;

// Data segments that the outer level may not keep (SDM vol. 2, RET and IRET).
void drop_inner_segments(Core& core) {
    for (const unsigned index : {seg_es, seg_ds, seg_fs, seg_gs}) {
        SegmentState& s = core.segment[index];
        const unsigned type = s.attributes & SegmentState::type_mask;
        const bool conforming_code = (type & 0xC) == 0xC;
        if ((s.attributes >> 5 & 3u) < core.privilege && !conforming_code)
            s = SegmentState{};
    }
    core.update_mode();
}

// A code segment for JMP or CALL to it directly.
bool check_direct(Core& core, const Core::Descriptor& code) {
    const unsigned rpl = code.selector & 3u;
    if (!code.code() || (code.conforming() ? code.dpl() > core.privilege
                                           : rpl > core.privilege || code.dpl() != core.privilege))
        return core.raise_protection(code.selector & ~3u);
    return code.present() || core.raise(vector::segment_not_present, code.selector & ~3u);
}

bool call_through_gate(Core& core, const Core::Descriptor& gate, Transfer transfer, uint32_t return_eip) {
    const bool wide = gate.type() == 12;
    const unsigned bytes = wide ? 4 : 2;
    if (gate.dpl() < core.privilege || gate.dpl() < (gate.selector & 3u))
        return core.raise_protection(gate.selector & ~3u);
    if (!gate.present())
        return core.raise(vector::segment_not_present, gate.selector & ~3u);
    const auto selector = static_cast<uint16_t>(gate.low >> 16);
    const uint32_t target = (gate.low & 0xFFFF) | (wide ? gate.high & 0xFFFF'0000u : 0);
    if ((selector & ~3u) == 0)
        return core.raise_protection();
    Core::Descriptor code{};
    if (!core.read_descriptor(selector, vector::general_protection, code))
        return false;
    const bool same_level_only = transfer == Transfer::jump && !code.conforming();
    if (!code.code() || code.dpl() > core.privilege || (same_level_only && code.dpl() != core.privilege))
        return core.raise_protection(selector & ~3u);
    if (!code.present())
        return core.raise(vector::segment_not_present, selector & ~3u);
    if (!core.mark_accessed(code))
        return false;
    const bool inner = transfer == Transfer::call && !code.conforming() && code.dpl() < core.privilege;
    const unsigned level = inner ? code.dpl() : core.privilege;
    Core::Stack stack = core.current_stack();
    if (inner) {
        uint16_t stack_selector = 0;
        uint32_t pointer = 0;
        SegmentState stack_segment;
        if (!core.task_stack(level, stack_selector, pointer) ||
            !core.load_stack_segment(stack_selector, level, vector::invalid_tss, stack_segment))
            return false;
        Core::Stack inner_stack{stack_segment, pointer, false};
        if (!core.push_on(inner_stack, bytes, core.segment[seg_ss].selector) ||
            !core.push_on(inner_stack, bytes, core.registers[reg_esp]))
            return false;
        for (unsigned parameters = gate.high & 31; parameters > 0; --parameters) {
            Core::Stack from = stack;
            from.pointer += (parameters - 1) * bytes;
            uint32_t value = 0;
            if (!core.pop_from(from, bytes, value) || !core.push_on(inner_stack, bytes, value))
                return false;
        }
        stack = inner_stack;
    }
    if (transfer == Transfer::call && (!core.push_on(stack, bytes, core.segment[seg_cs].selector) ||
                                       !core.push_on(stack, bytes, return_eip)))
        return false;
    if (target > code.segment().limit)
        return core.raise_protection();
    if (inner) {
        core.segment[seg_ss] = stack.segment;
        core.clock.cycles += core.parameters.privilege_change_cycles;
    }
    core.set_stack(stack);
    core.eip = target;
    core.set_code_segment(code.segment(), level);
    return true;
}

bool transfer_far(Core& core, Transfer transfer, unsigned bytes, uint16_t selector, uint32_t offset,
                  uint32_t return_eip) {
    core.clock.cycles += core.parameters.segment_load_cycles;
    const bool protected_selectors = core.protected_mode() && !core.v86();
    Core::Descriptor code{};
    if (protected_selectors) {
        enum : unsigned { call_gate16 = 4, call_gate32 = 12 };
        if ((selector & ~3u) == 0)
            return core.raise_protection();
        if (!core.read_descriptor(selector, vector::general_protection, code))
            return false;
        if (code.type() == call_gate16 || code.type() == call_gate32)
            return call_through_gate(core, code, transfer, return_eip);
        if (!check_direct(core, code) || !core.mark_accessed(code))
            return false;
    }
    Core::Stack stack = core.current_stack();
    if (transfer == Transfer::call && (!core.push_on(stack, bytes, core.segment[seg_cs].selector) ||
                                       !core.push_on(stack, bytes, return_eip)))
        return false;
    if (offset > (protected_selectors ? code.segment().limit : core.segment[seg_cs].limit))
        return core.raise_protection();
    core.set_stack(stack);
    core.eip = offset;
    if (protected_selectors) {
        core.set_code_segment(code.segment(), core.privilege);
    } else {
        core.set_v86_or_real_segment(seg_cs, selector);
        core.update_mode();
    }
    return true;
}

template<class T, bool Memory, Transfer Kind>
void far_op(Core& core, const Op* op) {
    core.current = op;
    T offset = static_cast<T>(op->immediate);
    auto selector = static_cast<uint16_t>(op->displacement);
    if constexpr (Memory) {
        const uint32_t address = effective_address<false>(core, op);
        if (!load_at<T, false>(core, op, address, offset) ||
            !load_at<uint16_t, false>(
                core, op, (address + static_cast<uint32_t>(sizeof(T))) & op->address_mask, selector))
            return core.fault_exit(op);
    }
    if (!transfer_far(core, Kind, sizeof(T), selector, offset, core.eip + op->next_offset))
        return core.fault_exit(op);
    core.slot = 1;
}

// Back to `selector`:`target`, at the same or an outer level. `release`: bytes of parameters, on both stacks.
bool return_to(Core& core, Core::Stack stack, unsigned bytes, uint16_t selector, uint32_t target,
               uint32_t release) {
    const unsigned level = selector & 3u;
    if ((selector & ~3u) == 0)
        return core.raise_protection();
    Core::Descriptor code{};
    if (!core.read_descriptor(selector, vector::general_protection, code))
        return false;
    if (!code.code() || level < core.privilege ||
        (code.conforming() ? code.dpl() > level : code.dpl() != level))
        return core.raise_protection(selector & ~3u);
    if (!code.present())
        return core.raise(vector::segment_not_present, selector & ~3u);
    stack.pointer += release;
    const bool outer = level > core.privilege;
    SegmentState outer_segment;
    uint32_t outer_pointer = 0, outer_selector = 0;
    if (outer) {
        if (!core.pop_from(stack, bytes, outer_pointer) || !core.pop_from(stack, bytes, outer_selector) ||
            !core.load_stack_segment(static_cast<uint16_t>(outer_selector), level, vector::general_protection,
                                     outer_segment))
            return false;
    }
    if (target > code.segment().limit)
        return core.raise_protection();
    if (!core.mark_accessed(code))
        return false;
    if (outer) {
        core.segment[seg_ss] = outer_segment;
        core.set_stack({outer_segment, outer_pointer + release, true});
        core.clock.cycles += core.parameters.privilege_change_cycles;
    } else {
        core.set_stack(stack);
    }
    core.eip = target;
    core.set_code_segment(code.segment(), level);
    if (outer)
        drop_inner_segments(core);
    return true;
}

// Real and virtual-8086 mode.
bool return_unprotected(Core& core, const Core::Stack& stack, uint16_t selector, uint32_t target,
                        uint32_t release) {
    if (target > core.segment[seg_cs].limit)
        return core.raise_protection();
    Core::Stack after = stack;
    after.pointer += release;
    core.set_stack(after);
    core.set_v86_or_real_segment(seg_cs, selector);
    core.eip = target;
    core.update_mode();
    return true;
}

template<class T>
void far_return_op(Core& core, const Op* op) {
    core.current = op;
    core.clock.cycles += core.parameters.segment_load_cycles;
    Core::Stack stack = core.current_stack();
    uint32_t target = 0, selector = 0;
    if (!core.pop_from(stack, sizeof(T), target) || !core.pop_from(stack, sizeof(T), selector))
        return core.fault_exit(op);
    const bool returned =
        core.protected_mode() && !core.v86()
            ? return_to(core, stack, sizeof(T), static_cast<uint16_t>(selector), target, op->immediate)
            : return_unprotected(core, stack, static_cast<uint16_t>(selector), target, op->immediate);
    if (!returned)
        return core.fault_exit(op);
    core.slot = 1;
}

bool return_to_v86(Core& core, Core::Stack stack, uint16_t selector, uint32_t target, uint32_t image) {
    uint32_t values[6]; // ESP SS ES DS FS GS
    for (uint32_t& value : values)
        if (!core.pop_from(stack, 4, value))
            return false;
    if (target > 0xFFFF)
        return core.raise_protection();
    core.flags.set_value(image | eflags::always_set);
    core.privilege = 3;
    core.set_v86_or_real_segment(seg_cs, selector);
    core.set_v86_or_real_segment(seg_ss, static_cast<uint16_t>(values[1]));
    core.set_v86_or_real_segment(seg_es, static_cast<uint16_t>(values[2]));
    core.set_v86_or_real_segment(seg_ds, static_cast<uint16_t>(values[3]));
    core.set_v86_or_real_segment(seg_fs, static_cast<uint16_t>(values[4]));
    core.set_v86_or_real_segment(seg_gs, static_cast<uint16_t>(values[5]));
    core.registers[reg_esp] = values[0];
    core.eip = target;
    core.clock.cycles += core.parameters.privilege_change_cycles;
    core.update_mode();
    core.request_attention();
    return true;
}

template<class T>
void interrupt_return_op(Core& core, const Op* op) {
    core.current = op;
    core.clock.cycles += core.parameters.iret_cycles;
    Core::Stack stack = core.current_stack();
    const bool unprotected = !core.protected_mode() || core.v86();
    if ((core.v86() && core.iopl() < 3) || (!unprotected && (core.flags.system & eflags::nt) != 0)) {
        core.raise_protection();
        return core.fault_exit(op);
    }
    uint32_t target = 0, selector = 0, image = 0;
    if (!core.pop_from(stack, sizeof(T), target) || !core.pop_from(stack, sizeof(T), selector) ||
        !core.pop_from(stack, sizeof(T), image))
        return core.fault_exit(op);
    uint32_t changeable = eflags::arithmetic | eflags::tf | eflags::df | eflags::nt;
    if constexpr (sizeof(T) == 4)
        changeable |= eflags::ac | eflags::id | eflags::rf;
    if (core.privilege <= core.iopl())
        changeable |= eflags::iif;
    if (core.privilege == 0)
        changeable |= eflags::iopl;
    bool returned;
    if (unprotected)
        returned = return_unprotected(core, stack, static_cast<uint16_t>(selector), target, 0);
    else if (sizeof(T) == 4 && (image & eflags::vm) != 0 && core.privilege == 0) {
        if (!return_to_v86(core, stack, static_cast<uint16_t>(selector), target, image))
            return core.fault_exit(op);
        core.slot = 1;
        return;
    } else
        returned = return_to(core, stack, sizeof(T), static_cast<uint16_t>(selector), target, 0);
    if (!returned)
        return core.fault_exit(op);
    core.set_flags(image, changeable);
    core.slot = 1;
}

void software_interrupt_op(Core& core, const Op* op) {
    const uint8_t opcode = op->detail;
    if (opcode == 0xCE && !core.flags.of())
        return next(core, op);
    core.current = op;
    const bool is_int_n = opcode == 0xCD;
    if (is_int_n && core.v86() && core.iopl() < 3) {
        core.raise_protection();
        return core.fault_exit(op);
    }
    Fault event;
    event.vector = is_int_n         ? static_cast<uint8_t>(op->immediate)
                   : opcode == 0xCC ? vector::breakpoint
                   : opcode == 0xF1 ? vector::debug
                                    : vector::overflow;
    const uint32_t return_eip = core.eip + op->next_offset;
    if (!core.enter_gate(event, return_eip, opcode != 0xF1, false))
        return core.fault_exit(op);
    core.clock.cycles += core.parameters.interrupt_cycles;
    ++core.counters.exceptions;
    core.step_trap = false;
    core.slot = 1;
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

void enter_flat(Core& core, uint32_t selector, unsigned level, uint32_t eip, uint32_t esp) {
    const uint16_t dpl = level == 3 ? dpl3 : 0;
    core.segment[seg_ss] = {static_cast<uint16_t>((selector + 8) | level),
                            static_cast<uint16_t>(flat_data | dpl), 0, 0xFFFF'FFFFu};
    core.registers[reg_esp] = esp;
    core.eip = eip;
    core.set_code_segment(
        {static_cast<uint16_t>(selector), static_cast<uint16_t>(flat_code | dpl), 0, 0xFFFF'FFFFu}, level);
    core.slot = 1;
}

// SDM vol. 2, SYSENTER and SYSEXIT: segments are flat whatever the descriptors say.
void sysenter_op(Core& core, const Op* op) {
    if (!core.protected_mode() || (core.sysenter_cs & 0xFFFC) == 0) {
        core.raise_protection();
        return core.fault_exit(op);
    }
    core.clock.cycles += core.parameters.sysenter_cycles;
    core.flags.system &= ~(eflags::vm | eflags::iif | eflags::rf);
    enter_flat(core, core.sysenter_cs & 0xFFFC, 0, core.sysenter_eip, core.sysenter_esp);
}
void sysexit_op(Core& core, const Op* op) {
    if (!core.protected_mode() || core.privilege != 0 || (core.sysenter_cs & 0xFFFC) == 0) {
        core.raise_protection();
        return core.fault_exit(op);
    }
    core.clock.cycles += core.parameters.sysexit_cycles;
    enter_flat(core, (core.sysenter_cs & 0xFFFC) + 16, 3, core.registers[reg_edx], core.registers[reg_ecx]);
}

} // namespace

Handler far_handler(Transfer transfer, unsigned size, bool memory) {
    return by_wide_size(size, [&]<class T>() -> Handler {
        if (transfer == Transfer::call)
            return memory ? far_op<T, true, Transfer::call> : far_op<T, false, Transfer::call>;
        return memory ? far_op<T, true, Transfer::jump> : far_op<T, false, Transfer::jump>;
    });
}
Handler far_return_handler(unsigned size) {
    return by_wide_size(size, []<class T>() -> Handler { return far_return_op<T>; });
}
Handler interrupt_return_handler(unsigned size) {
    return by_wide_size(size, []<class T>() -> Handler { return interrupt_return_op<T>; });
}
Handler software_interrupt_handler() {
    return software_interrupt_op;
}
Handler bound_handler(unsigned size) {
    return by_wide_size(size, []<class T>() -> Handler { return bound_op<T>; });
}
Handler sysenter_handler() {
    return sysenter_op;
}
Handler sysexit_handler() {
    return sysexit_op;
}

} // namespace fixpoint::models
