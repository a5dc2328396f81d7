// Instructions on segment registers and selectors. Those that load a segment register end their block.
#include "models/cpu/handler_support.hpp"

namespace fixpoint::models {

namespace {

// To a register the selector is zero-extended to the operand size; to memory it is always 16 bits.
template<class T, bool Memory>
void move_from_segment_op(Core& core, const Op* op) {
    const uint16_t selector = core.segment[op->detail].selector;
    if constexpr (Memory) {
        if (!store<uint16_t, false>(core, op, selector))
            return core.fault_exit(op);
    } else {
        core.set<T>(op->rm, selector);
    }
    return next(core, op);
}

template<bool Memory>
void move_to_segment_op(Core& core, const Op* op) {
    uint16_t selector;
    core.current = op;
    if (!read_rm<uint16_t, Memory>(core, op, selector) || !core.load_segment(op->detail, selector))
        return core.fault_exit(op);
    if (op->detail == seg_ss) {
        core.interrupt_shadow = core.trap_shadow = true;
        core.request_attention();
    }
    return next(core, op);
}

template<class T>
void load_far_pointer_op(Core& core, const Op* op) {
    const uint32_t address = effective_address<false>(core, op);
    T offset;
    uint16_t selector;
    core.current = op;
    if (!load_at<T, false>(core, op, address, offset) ||
        !load_at<uint16_t, false>(core, op, (address + static_cast<uint32_t>(sizeof(T))) & op->address_mask,
                                  selector) ||
        !core.load_segment(op->detail, selector))
        return core.fault_exit(op);
    core.set<T>(op->reg, offset);
    return next(core, op);
}

bool load_local_table(Core& core, uint16_t selector) {
    constexpr unsigned ldt_type = 2;
    if ((selector & ~3u) == 0) {
        core.ldtr = SegmentState{};
        core.ldtr.selector = selector;
        return true;
    }
    Core::Descriptor descriptor{};
    if ((selector & 4) != 0)
        return core.raise_protection(selector & ~3u);
    if (!core.read_descriptor(selector, vector::general_protection, descriptor))
        return false;
    if (descriptor.type() != ldt_type)
        return core.raise_protection(selector & ~3u);
    if (!descriptor.present())
        return core.raise(vector::segment_not_present, selector & ~3u);
    core.ldtr = descriptor.segment();
    return true;
}

bool load_task_register(Core& core, uint16_t selector) {
    constexpr unsigned available16 = 1, available32 = 9;
    constexpr uint32_t busy = 1u << 9;
    Core::Descriptor descriptor{};
    uint32_t linear = 0;
    if ((selector & ~3u) == 0)
        return core.raise_protection();
    if ((selector & 4) != 0)
        return core.raise_protection(selector & ~3u);
    if (!core.read_descriptor(selector, vector::general_protection, descriptor))
        return false;
    if (descriptor.type() != available16 && descriptor.type() != available32)
        return core.raise_protection(selector & ~3u);
    if (!descriptor.present())
        return core.raise(vector::segment_not_present, selector & ~3u);
    descriptor.high |= busy;
    if (!core.find_descriptor(selector, linear) || !core.write_slow(linear + 4, 4, descriptor.high, false))
        return false;
    core.tr = descriptor.segment();
    return true;
}

enum : unsigned { op_sldt, op_str, op_lldt, op_ltr, op_verr, op_verw };

// A selector that VERR, VERW, LAR and LSL may look at. False without fault: ZF = 0.
bool visible(Core& core, uint16_t selector, Core::Descriptor& descriptor, bool& faulted) {
    faulted = false;
    uint32_t linear = 0;
    if ((selector & ~3u) == 0 || !core.find_descriptor(selector, linear))
        return false;
    descriptor.selector = selector;
    if (!core.read_system(linear, descriptor.low) || !core.read_system(linear + 4, descriptor.high)) {
        faulted = true;
        return false;
    }
    if (descriptor.code() && descriptor.conforming())
        return true;
    return descriptor.dpl() >= core.privilege && descriptor.dpl() >= (selector & 3u);
}

template<class T, bool Memory, unsigned Operation>
void group6_op(Core& core, const Op* op) {
    core.current = op;
    if (!core.protected_mode() || core.v86()) {
        core.raise(vector::invalid_opcode);
        return core.fault_exit(op);
    }
    if constexpr (Operation == op_sldt || Operation == op_str) {
        const uint16_t selector = Operation == op_sldt ? core.ldtr.selector : core.tr.selector;
        if constexpr (Memory) {
            if (!store<uint16_t, false>(core, op, selector))
                return core.fault_exit(op);
        } else {
            core.set<T>(op->rm, selector);
        }
    } else {
        if ((Operation == op_lldt || Operation == op_ltr) && core.privilege != 0) {
            core.raise_protection();
            return core.fault_exit(op);
        }
        uint16_t selector;
        if (!read_rm<uint16_t, Memory>(core, op, selector))
            return core.fault_exit(op);
        if constexpr (Operation == op_lldt || Operation == op_ltr) {
            if (!(Operation == op_lldt ? load_local_table(core, selector)
                                       : load_task_register(core, selector)))
                return core.fault_exit(op);
        } else {
            Core::Descriptor descriptor{};
            bool faulted = false;
            const bool seen = visible(core, selector, descriptor, faulted) && (descriptor.type() & 0x10) != 0;
            if (faulted)
                return core.fault_exit(op);
            const bool readable = !descriptor.code() || (descriptor.type() & 2) != 0;
            core.flags.change_zero(seen && (Operation == op_verr ? readable : descriptor.writable_data()));
        }
    }
    return next(core, op);
}

template<class T, bool Memory, bool Limit>
void load_access_rights_op(Core& core, const Op* op) {
    core.current = op;
    if (!core.protected_mode() || core.v86()) {
        core.raise(vector::invalid_opcode);
        return core.fault_exit(op);
    }
    uint16_t selector;
    if (!read_rm<uint16_t, Memory>(core, op, selector))
        return core.fault_exit(op);
    Core::Descriptor descriptor{};
    bool faulted = false;
    bool seen = visible(core, selector, descriptor, faulted);
    if (faulted)
        return core.fault_exit(op);
    // System descriptors: TSS and LDT for both, call and task gates for LAR only.
    constexpr uint32_t system_types = Limit ? 0x0A0Eu : 0x1A3Eu;
    if ((descriptor.type() & 0x10) == 0)
        seen = seen && (system_types >> descriptor.type() & 1) != 0;
    core.flags.change_zero(seen);
    if (seen)
        core.set<T>(op->reg,
                    static_cast<T>(Limit ? descriptor.segment().limit : descriptor.high & 0x00F0'FF00u));
    return next(core, op);
}

template<bool Memory>
void adjust_rpl_op(Core& core, const Op* op) {
    if (!core.protected_mode() || core.v86()) {
        core.raise(vector::invalid_opcode);
        return core.fault_exit(op);
    }
    uint16_t selector;
    if constexpr (Memory) {
        if (!load<uint16_t, false>(core, op, selector))
            return core.fault_exit(op);
    } else {
        selector = core.get<uint16_t>(op->rm);
    }
    const unsigned wanted = core.get<uint16_t>(op->reg) & 3u;
    const bool raised = (selector & 3u) < wanted;
    const auto adjusted = static_cast<uint16_t>((selector & ~3u) | wanted);
    // Only what changes is written (SDM vol. 2, ARPL, operation).
    if constexpr (Memory) {
        if (raised && !store<uint16_t, false>(core, op, adjusted))
            return core.fault_exit(op);
    } else if (raised) {
        core.set<uint16_t>(op->rm, adjusted);
    }
    core.flags.change_zero(raised);
    return next(core, op);
}

} // namespace

Handler move_from_segment_handler(unsigned size, bool memory) {
    return by_wide_size(size, [&]<class T>() -> Handler {
        return memory ? move_from_segment_op<T, true> : move_from_segment_op<T, false>;
    });
}
Handler move_to_segment_handler(bool memory) {
    return memory ? move_to_segment_op<true> : move_to_segment_op<false>;
}
Handler load_far_pointer_handler(unsigned size) {
    return by_wide_size(size, []<class T>() -> Handler { return load_far_pointer_op<T>; });
}
Handler group6_handler(unsigned operation, unsigned size, bool memory) {
    return by_value<6>(operation, [&]<unsigned N>() {
        return by_wide_size(size, [&]<class T>() -> Handler {
            return memory ? group6_op<T, true, N> : group6_op<T, false, N>;
        });
    });
}
Handler load_access_rights_handler(bool limit, unsigned size, bool memory) {
    return by_wide_size(size, [&]<class T>() -> Handler {
        if (memory)
            return limit ? load_access_rights_op<T, true, true> : load_access_rights_op<T, true, false>;
        return limit ? load_access_rights_op<T, false, true> : load_access_rights_op<T, false, false>;
    });
}
Handler adjust_rpl_handler(bool memory) {
    return memory ? adjust_rpl_op<true> : adjust_rpl_op<false>;
}

} // namespace fixpoint::models
