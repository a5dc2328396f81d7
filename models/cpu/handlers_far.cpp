// Control transfers between segments and privilege levels (SDM vol. 3, 5.8; vol. 2 at each instruction).
#include "models/cpu/handler_support.hpp"

#include <array>
#include <span>

namespace fixpoint::models {

namespace {

constexpr uint16_t flat_code = 0xC09B, flat_data = 0xC093, dpl3 = 0x60;

// A code segment for JMP or CALL to it directly.
bool check_direct(Core& core, const Core::Descriptor& code) {
    const unsigned rpl = code.selector & 3u;
    if (!code.code() || (code.conforming() ? code.dpl() > core.privilege
                                           : rpl > core.privilege || code.dpl() != core.privilege))
        return core.raise_protection(code.selector & ~3u);
    return code.present() || core.raise(vector::segment_not_present, code.selector & ~3u);
}

// CALL through a gate to an inner level: the stack of that level, SS:ESP and the parameters on it.
bool call_inner(Core& core, const Core::Descriptor& gate, Core::Descriptor& code, unsigned bytes,
                uint32_t target, uint32_t return_eip) {
    constexpr unsigned most_parameters = 31;
    const unsigned level = code.dpl(), parameters = gate.high & most_parameters;
    uint16_t selector = 0;
    Core::Stack stack;
    Core::Descriptor stack_segment{};
    if (!core.task_stack(level, selector, stack.pointer) ||
        !core.read_stack_segment(selector, level, vector::invalid_tss, stack_segment))
        return false;
    stack.segment = stack_segment.segment();
    std::array<uint32_t, most_parameters + 4> frame{};
    unsigned count = 0;
    frame[count++] = core.segment[seg_ss].selector;
    frame[count++] = core.registers[reg_esp];
    if (!core.frame_fits(stack, bytes, parameters + 4, selector & ~3u))
        return false;
    if (target > code.segment().limit)
        return core.raise_protection();
    for (unsigned i = parameters; i-- > 0;) { // the last one pushed comes last again
        Core::Stack from = core.current_stack();
        from.pointer += i * bytes;
        if (!core.pop_from(from, bytes, frame[count++]))
            return false;
    }
    frame[count++] = core.segment[seg_cs].selector;
    frame[count++] = return_eip;
    if (!core.mark_accessed(code) || !core.mark_accessed(stack_segment) ||
        !core.push_frame(stack, bytes, std::span{frame}.first(count)))
        return false;
    core.segment[seg_ss] = stack.segment;
    core.set_stack(stack);
    core.clock.cycles += core.parameters.privilege_change_cycles;
    core.eip = target;
    core.set_code_segment(code.segment(), level);
    return true;
}

bool transfer_to(Core& core, Transfer transfer, unsigned bytes, Core::Descriptor& code, uint32_t target,
                 uint32_t return_eip) {
    Core::Stack stack = core.current_stack();
    const std::array frame{uint32_t{core.segment[seg_cs].selector}, return_eip};
    const bool call = transfer == Transfer::call;
    if (call && !core.frame_fits(stack, bytes, frame.size(), 0))
        return false;
    if (target > code.segment().limit)
        return core.raise_protection();
    if (!core.mark_accessed(code) || (call && !core.push_frame(stack, bytes, frame)))
        return false;
    core.set_stack(stack);
    core.eip = target;
    core.set_code_segment(code.segment(), core.privilege);
    return true;
}

bool transfer_through_call_gate(Core& core, Transfer transfer, const Core::Descriptor& gate,
                                uint32_t return_eip) {
    constexpr unsigned wide_gate = 12;
    const bool wide = gate.type() == wide_gate;
    const unsigned bytes = wide ? 4 : 2;
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
    if (!code.conforming() && code.dpl() < core.privilege)
        return call_inner(core, gate, code, bytes, target, return_eip);
    return transfer_to(core, transfer, bytes, code, target, return_eip);
}

// Call gates, task gates and TSSs: whoever uses one must be within its DPL.
bool transfer_through_system(Core& core, Transfer transfer, const Core::Descriptor& named,
                             uint32_t return_eip) {
    enum : unsigned { available16 = 1, call_gate16 = 4, task_gate = 5, available32 = 9, call_gate32 = 12 };
    const unsigned type = named.type();
    const bool tss = type == available16 || type == available32;
    const bool call_gate = type == call_gate16 || type == call_gate32;
    const uint32_t index = named.selector & ~3u;
    if ((!tss && !call_gate && type != task_gate) || named.dpl() < core.privilege ||
        named.dpl() < (named.selector & 3u))
        return core.raise_protection(index);
    const auto kind = transfer == Transfer::call ? Core::TaskSwitch::nest : Core::TaskSwitch::jump;
    if (tss)
        return core.switch_task(named.selector, kind, return_eip, core.flags.value());
    if (!named.present())
        return core.raise(vector::segment_not_present, index);
    if (call_gate)
        return transfer_through_call_gate(core, transfer, named, return_eip);
    return core.switch_task(static_cast<uint16_t>(named.low >> 16), kind, return_eip, core.flags.value());
}

bool transfer_protected(Core& core, Transfer transfer, unsigned bytes, uint16_t selector, uint32_t offset,
                        uint32_t return_eip) {
    constexpr unsigned s_bit = 0x10;
    if ((selector & ~3u) == 0)
        return core.raise_protection();
    Core::Descriptor named{};
    if (!core.read_descriptor(selector, vector::general_protection, named))
        return false;
    if ((named.type() & s_bit) == 0)
        return transfer_through_system(core, transfer, named, return_eip);
    return check_direct(core, named) && transfer_to(core, transfer, bytes, named, offset, return_eip);
}

// Real and virtual-8086 mode.
bool transfer_unprotected(Core& core, Transfer transfer, unsigned bytes, uint16_t selector, uint32_t offset,
                          uint32_t return_eip) {
    Core::Stack stack = core.current_stack();
    const std::array frame{uint32_t{core.segment[seg_cs].selector}, return_eip};
    const bool call = transfer == Transfer::call;
    if (call && !core.frame_fits(stack, bytes, frame.size(), 0))
        return false;
    if (offset > core.segment[seg_cs].limit)
        return core.raise_protection();
    if (call && !core.push_frame(stack, bytes, frame))
        return false;
    core.set_stack(stack);
    core.eip = offset;
    core.set_v86_or_real_segment(seg_cs, selector);
    core.update_mode();
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
    core.clock.cycles += core.parameters.segment_load_cycles;
    const uint32_t return_eip = core.eip + op->next_offset;
    const bool transferred = core.protected_mode() && !core.v86()
                                 ? transfer_protected(core, Kind, sizeof(T), selector, offset, return_eip)
                                 : transfer_unprotected(core, Kind, sizeof(T), selector, offset, return_eip);
    if (!transferred)
        return core.fault_exit(op);
    core.slot = 1;
}

template<class T>
void far_return_op(Core& core, const Op* op) {
    core.current = op;
    core.clock.cycles += core.parameters.segment_load_cycles;
    Core::Stack stack = core.current_stack();
    uint32_t target = 0, wide_selector = 0;
    if (!core.pop_from(stack, sizeof(T), target) || !core.pop_from(stack, sizeof(T), wide_selector))
        return core.fault_exit(op);
    const auto selector = static_cast<uint16_t>(wide_selector);
    const bool returned = core.protected_mode() && !core.v86()
                              ? core.return_to(stack, sizeof(T), selector, target, op->immediate)
                              : core.return_unprotected(stack, selector, target, op->immediate);
    if (!returned)
        return core.fault_exit(op);
    core.slot = 1;
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
Handler sysenter_handler() {
    return sysenter_op;
}
Handler sysexit_handler() {
    return sysexit_op;
}

} // namespace fixpoint::models
