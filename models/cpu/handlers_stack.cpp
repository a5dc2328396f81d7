// Stack instructions.
#include "models/cpu/handler_support.hpp"

namespace fixpoint::models {

namespace {

template<class T, PushSource Source, bool Flat>
void push_op(Core& core, const Op* op) {
    T value;
    if constexpr (Source == PushSource::reg) {
        value = core.get<T>(op->rm);
    } else if constexpr (Source == PushSource::immediate) {
        value = static_cast<T>(op->immediate);
    } else {
        if (!load<T, Flat>(core, op, value))
            return core.fault_exit(op);
    }
    uint32_t pointer = core.registers[reg_esp];
    if (!push_below<T, Flat>(core, op, pointer, value))
        return core.fault_exit(op);
    commit_stack<Flat>(core, pointer);
    return next(core, op);
}

// POP to memory computes its address after ESP has been incremented (SDM vol. 2, POP).
template<class T, bool Memory, bool Flat>
void pop_op(Core& core, const Op* op) {
    uint32_t pointer = core.registers[reg_esp];
    T value;
    if (!pop_above<T, Flat>(core, op, pointer, value))
        return core.fault_exit(op);
    const uint32_t old = core.registers[reg_esp];
    commit_stack<Flat>(core, pointer);
    if constexpr (Memory) {
        if (!store<T, Flat>(core, op, value)) {
            core.registers[reg_esp] = old;
            return core.fault_exit(op);
        }
    } else {
        core.set<T>(op->rm, value); // after ESP: POP ESP takes the value
    }
    return next(core, op);
}

// Whether `count` values can be pushed, in their order: an instruction that pushes several must not fault behind the
// first.
template<class T>
bool room_below(Core& core, const Op* op, unsigned count) {
    constexpr auto bytes = static_cast<uint32_t>(sizeof(T));
    constexpr uint32_t page_mask = 0xFFFF'F000;
    uint32_t pointer = core.registers[reg_esp], linear = 0, above = 0;
    core.current = op;
    for (unsigned i = 0; i < count; ++i) {
        pointer -= bytes;
        if (!core.segment_address(seg_ss, pointer & core.stack_mask, bytes, true, linear))
            return false;
        const bool same_page = i != 0 && (linear & page_mask) == (above & page_mask);
        if (!same_page && !core.probe_write(linear, bytes, core.user()))
            return false;
        above = linear;
    }
    return true;
}

template<class T>
void push_all_op(Core& core, const Op* op) {
    if (!room_below<T>(core, op, 8))
        return core.fault_exit(op);
    uint32_t pointer = core.registers[reg_esp];
    for (unsigned i = 0; i < 8; ++i)
        if (!push_below<T, false>(core, op, pointer, core.get<T>(i * 4))) // ESP as it was before
            return core.fault_exit(op);
    commit_stack<false>(core, pointer);
    return next(core, op);
}
template<class T>
void pop_all_op(Core& core, const Op* op) {
    uint32_t pointer = core.registers[reg_esp];
    T values[8];
    for (unsigned i = 8; i-- > 0;)
        if (!pop_above<T, false>(core, op, pointer, values[i]))
            return core.fault_exit(op);
    commit_stack<false>(core, pointer);
    for (unsigned i = 0; i < 8; ++i)
        if (i != reg_esp)
            core.set<T>(i * 4, values[i]);
    return next(core, op);
}

// Whether ENTER can do all its accesses, in their order: it must not fault behind its first push. Last comes a write
// to the new top of the stack that writes nothing (SDM vol. 2, ENTER).
template<class T>
bool frame_accessible(Core& core, const Op* op, uint32_t level, uint32_t bytes) {
    constexpr auto size = static_cast<uint32_t>(sizeof(T));
    uint32_t pointer = core.registers[reg_esp], frame = core.registers[reg_ebp];
    core.current = op;
    const auto writable = [&core](uint32_t offset) {
        uint32_t linear = 0;
        return core.segment_address(seg_ss, offset & core.stack_mask, size, true, linear) &&
               core.probe_write(linear, size, core.user());
    };
    for (uint32_t i = 0; i <= level; ++i) {
        if (i > 0 && i < level) {
            frame -= size;
            T value;
            uint32_t at = frame;
            if (!pop_above<T, false>(core, op, at, value))
                return false;
        }
        pointer -= size;
        if (!writable(pointer))
            return false;
    }
    return writable(pointer - bytes);
}

// SDM vol. 2, ENTER. A copy may be of what has just been pushed: reads and pushes alternate.
template<class T>
void enter_op(Core& core, const Op* op) {
    const uint32_t bytes = op->immediate & 0xFFFF, level = op->displacement & 31;
    if (!frame_accessible<T>(core, op, level, bytes))
        return core.fault_exit(op);
    uint32_t pointer = core.registers[reg_esp], frame = core.registers[reg_ebp];
    if (!push_below<T, false>(core, op, pointer, static_cast<T>(frame)))
        return core.fault_exit(op);
    // All of ESP, also on a 16-bit stack: the operand size decides, not the stack's.
    const uint32_t new_frame = (core.registers[reg_esp] & ~core.stack_mask) | pointer;
    for (uint32_t i = 1; i < level; ++i) {
        frame -= static_cast<uint32_t>(sizeof(T));
        T value;
        uint32_t at = frame;
        if (!pop_above<T, false>(core, op, at, value) || !push_below<T, false>(core, op, pointer, value))
            return core.fault_exit(op);
    }
    if (level > 0 && !push_below<T, false>(core, op, pointer, static_cast<T>(new_frame)))
        return core.fault_exit(op);
    core.set<T>(reg_ebp * 4, static_cast<T>(new_frame));
    commit_stack<false>(core, pointer - bytes);
    return next(core, op);
}

template<class T, bool Flat>
void leave_op(Core& core, const Op* op) {
    uint32_t pointer = core.registers[reg_ebp];
    T value;
    if (!pop_above<T, Flat>(core, op, pointer, value))
        return core.fault_exit(op);
    commit_stack<Flat>(core, pointer);
    core.set<T>(reg_ebp * 4, value);
    return next(core, op);
}

// A 32-bit push of a segment register writes its low half only and moves ESP by 4 (P6).
template<class T>
void push_segment_op(Core& core, const Op* op) {
    uint32_t pointer = core.registers[reg_esp] - static_cast<uint32_t>(sizeof(T)) + 2;
    if (!push_below<uint16_t, false>(core, op, pointer, core.segment[op->detail].selector))
        return core.fault_exit(op);
    commit_stack<false>(core, pointer);
    return next(core, op);
}

// Ends its block: the mode may be another one, and POP SS holds interrupts back.
template<class T>
void pop_segment_op(Core& core, const Op* op) {
    uint32_t pointer = core.registers[reg_esp];
    uint16_t selector;
    core.current = op;
    if (!pop_above<uint16_t, false>(core, op, pointer, selector))
        return core.fault_exit(op);
    pointer += static_cast<uint32_t>(sizeof(T)) - 2;
    const uint32_t mask = core.stack_mask;
    if (!core.load_segment(op->detail, selector))
        return core.fault_exit(op);
    uint32_t& esp = core.registers[reg_esp];
    esp = (esp & ~mask) | (pointer & mask);
    if (op->detail == seg_ss) {
        core.interrupt_shadow = core.trap_shadow = true;
        core.request_attention();
    }
    return next(core, op);
}

// In virtual-8086 mode with IOPL below 3, PUSHF and POPF are the monitor's, or with CR4.VME and 16 bits work on
// VIF and show IOPL = 3 (SDM vol. 3, 20.3.2).
template<class T>
bool flags_refused(Core& core) {
    return core.v86() && core.iopl() < 3 && (sizeof(T) == 4 || (core.mmu.cr4 & Mmu::cr4_vme) == 0);
}

template<class T>
void push_flags_op(Core& core, const Op* op) {
    if (flags_refused<T>(core)) {
        core.raise_protection();
        return core.fault_exit(op);
    }
    uint32_t pointer = core.registers[reg_esp];
    uint32_t value = core.flags.value() & ~(eflags::vm | eflags::rf);
    if (core.v86() && core.iopl() < 3)
        value = (value & ~eflags::iif) | eflags::iopl | ((value & eflags::vif) != 0 ? eflags::iif : 0);
    if (!push_below<T, false>(core, op, pointer, static_cast<T>(value)))
        return core.fault_exit(op);
    commit_stack<false>(core, pointer);
    return next(core, op);
}

// Ends its block. IF needs CPL <= IOPL, IOPL needs CPL 0; VM, VIF and VIP are never changed, RF is cleared (SDM
// vol. 2, POPF).
template<class T>
void pop_flags_op(Core& core, const Op* op) {
    if (flags_refused<T>(core)) {
        core.raise_protection();
        return core.fault_exit(op);
    }
    uint32_t pointer = core.registers[reg_esp];
    T value;
    if (!pop_above<T, false>(core, op, pointer, value))
        return core.fault_exit(op);
    uint32_t image = uint32_t{value} & ~(eflags::rf | eflags::vif);
    uint32_t changeable = eflags::arithmetic | eflags::tf | eflags::df | eflags::nt | eflags::rf;
    if (core.v86() && core.iopl() < 3) {
        if (!core.virtual_flags_allowed(image))
            return core.fault_exit(op);
        image |= core.virtual_interrupt_flag(image);
        changeable |= eflags::vif;
    }
    if constexpr (sizeof(T) == 4)
        changeable |= eflags::ac | eflags::id;
    if (core.privilege <= core.iopl())
        changeable |= eflags::iif;
    if (core.privilege == 0)
        changeable |= eflags::iopl;
    commit_stack<false>(core, pointer);
    core.set_flags(image, changeable);
    return next(core, op);
}

} // namespace

Handler push_handler(unsigned size, PushSource source, bool flat) {
    return by_wide_size(size, [&]<class T>() -> Handler {
        switch (source) {
        case PushSource::reg:
            return flat ? push_op<T, PushSource::reg, true> : push_op<T, PushSource::reg, false>;
        case PushSource::immediate:
            return flat ? push_op<T, PushSource::immediate, true> : push_op<T, PushSource::immediate, false>;
        default:
            return flat ? push_op<T, PushSource::memory, true> : push_op<T, PushSource::memory, false>;
        }
    });
}
Handler pop_handler(unsigned size, bool memory, bool flat) {
    return by_wide_size(size, [&]<class T>() -> Handler {
        if (memory)
            return flat ? pop_op<T, true, true> : pop_op<T, true, false>;
        return flat ? pop_op<T, false, true> : pop_op<T, false, false>;
    });
}
Handler push_all_handler(unsigned size) {
    return by_wide_size(size, []<class T>() -> Handler { return push_all_op<T>; });
}
Handler pop_all_handler(unsigned size) {
    return by_wide_size(size, []<class T>() -> Handler { return pop_all_op<T>; });
}
Handler enter_handler(unsigned size) {
    return by_wide_size(size, []<class T>() -> Handler { return enter_op<T>; });
}
Handler leave_handler(unsigned size, bool flat) {
    return by_wide_size(size,
                        [&]<class T>() -> Handler { return flat ? leave_op<T, true> : leave_op<T, false>; });
}
Handler push_segment_handler(unsigned size) {
    return by_wide_size(size, []<class T>() -> Handler { return push_segment_op<T>; });
}
Handler pop_segment_handler(unsigned size) {
    return by_wide_size(size, []<class T>() -> Handler { return pop_segment_op<T>; });
}
Handler push_flags_handler(unsigned size) {
    return by_wide_size(size, []<class T>() -> Handler { return push_flags_op<T>; });
}
Handler pop_flags_handler(unsigned size) {
    return by_wide_size(size, []<class T>() -> Handler { return pop_flags_op<T>; });
}

} // namespace fixpoint::models
