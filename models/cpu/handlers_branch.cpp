// Near branches and the ends of blocks.
//
// Targets of direct branches are relative to the block's start: EIP is that start until a block ends.
#include "models/cpu/handler_support.hpp"

namespace fixpoint::models {

namespace {

// A 16-bit operand size truncates EIP.
template<class T>
[[gnu::always_inline]] inline uint32_t direct_target(const Core& core, const Op* op) {
    return static_cast<T>(core.eip + op->immediate);
}

// Ends the block at `target`; beyond CS's limit it faults with the branch's own EIP.
[[gnu::always_inline]] inline bool beyond_limit(Core& core, uint32_t target) {
    if (target <= core.code_limit) [[likely]]
        return false;
    core.raise_protection();
    return true;
}

template<unsigned Code, class T>
void conditional_jump_op(Core& core, const Op* op) {
    const bool taken = condition<Code>(core.flags);
    const uint32_t target = taken ? direct_target<T>(core, op) : core.eip + op->next_offset;
    if (target > core.code_limit && taken) [[unlikely]] { // not taken: the next instruction's fault
        core.raise_protection();
        return core.fault_exit(op);
    }
    if (!core.predictor.conditional(core.eip + op->eip_offset, taken))
        core.mispredicted();
    core.slot = taken ? 1 : 0;
    core.eip = target;
}

template<class T>
void jump_op(Core& core, const Op* op) {
    const uint32_t target = direct_target<T>(core, op);
    if (beyond_limit(core, target)) [[unlikely]]
        return core.fault_exit(op);
    core.slot = 1;
    core.eip = target;
}

template<class T, bool Flat>
void call_op(Core& core, const Op* op) {
    const uint32_t target = direct_target<T>(core, op);
    uint32_t pointer = core.registers[reg_esp];
    if (beyond_limit(core, target) ||
        !push_below<T, Flat>(core, op, pointer, static_cast<T>(core.eip + op->next_offset)))
        return core.fault_exit(op);
    commit_stack<Flat>(core, pointer);
    core.slot = 1;
    core.eip = target;
}

template<class T, bool Flat>
void return_op(Core& core, const Op* op) {
    uint32_t pointer = core.registers[reg_esp];
    T target;
    if (!pop_above<T, Flat>(core, op, pointer, target) || beyond_limit(core, target))
        return core.fault_exit(op);
    commit_stack<Flat>(core, pointer + op->immediate);
    core.slot = 1;
    core.eip = target;
}

template<Transfer Kind, class T, bool Memory, bool Flat>
void indirect_op(Core& core, const Op* op) {
    T target;
    if constexpr (Memory) {
        if (!load<T, Flat>(core, op, target))
            return core.fault_exit(op);
    } else {
        target = core.get<T>(op->rm);
    }
    if (beyond_limit(core, target))
        return core.fault_exit(op);
    if constexpr (Kind == Transfer::call) {
        uint32_t pointer = core.registers[reg_esp];
        if (!push_below<T, Flat>(core, op, pointer, static_cast<T>(core.eip + op->next_offset)))
            return core.fault_exit(op);
        commit_stack<Flat>(core, pointer);
    }
    if (!core.predictor.indirect(core.eip + op->eip_offset, target))
        core.mispredicted();
    core.slot = 1;
    core.eip = target;
}

// The count is in CX or ECX by the address size; the operand size truncates EIP. Flags stay.
template<uint8_t Opcode, class T>
void loop_op(Core& core, const Op* op) {
    const bool wide = op->address_mask != 0xFFFF;
    const uint32_t old = core.registers[reg_ecx] & op->address_mask;
    const uint32_t count = Opcode == 0xE3 ? old : (old - 1) & op->address_mask;
    bool taken;
    if constexpr (Opcode == 0xE3)
        taken = count == 0;
    else if constexpr (Opcode == 0xE2)
        taken = count != 0;
    else
        taken = count != 0 && core.flags.zf() == (Opcode == 0xE1);
    const uint32_t target = taken ? direct_target<T>(core, op) : core.eip + op->next_offset;
    if (taken && beyond_limit(core, target))
        return core.fault_exit(op);
    if (wide)
        core.registers[reg_ecx] = count;
    else
        core.set<uint16_t>(reg_ecx * 4, static_cast<uint16_t>(count));
    if (!core.predictor.conditional(core.eip + op->eip_offset, taken))
        core.mispredicted();
    core.slot = taken ? 1 : 0;
    core.eip = target;
}

void end_of_block_op(Core& core, const Op* op) {
    core.slot = 0;
    core.eip += op->eip_offset;
}
void leave_block_op(Core& core, const Op* op) {
    core.leave_block(op);
}

} // namespace

Handler conditional_jump_handler(unsigned code, unsigned size) {
    return by_value<16>(code, [&]<unsigned N>() {
        return by_wide_size(size, []<class T>() -> Handler { return conditional_jump_op<N, T>; });
    });
}
Handler jump_handler(unsigned size) {
    return by_wide_size(size, []<class T>() -> Handler { return jump_op<T>; });
}
Handler call_handler(unsigned size, bool flat) {
    return by_wide_size(size,
                        [&]<class T>() -> Handler { return flat ? call_op<T, true> : call_op<T, false>; });
}
Handler return_handler(unsigned size, bool flat) {
    return by_wide_size(
        size, [&]<class T>() -> Handler { return flat ? return_op<T, true> : return_op<T, false>; });
}
Handler indirect_handler(Transfer transfer, unsigned size, bool memory, bool flat) {
    return by_wide_size(size, [&]<class T>() -> Handler {
        return by_value<8>((transfer == Transfer::call ? 1u : 0u) | (memory ? 2u : 0u) | (flat ? 4u : 0u),
                           []<unsigned N>() -> Handler {
                               return indirect_op < (N & 1) != 0 ? Transfer::call : Transfer::jump, T,
                                      (N & 2) != 0, (N & 4) != 0 > ;
                           });
    });
}
Handler loop_handler(uint8_t opcode, unsigned size) {
    return by_wide_size(size, [&]<class T>() -> Handler {
        switch (opcode) {
        case 0xE0:
            return loop_op<0xE0, T>;
        case 0xE1:
            return loop_op<0xE1, T>;
        case 0xE2:
            return loop_op<0xE2, T>;
        default:
            return loop_op<0xE3, T>;
        }
    });
}
Handler end_of_block_handler() {
    return end_of_block_op;
}
Handler leave_block_handler() {
    return leave_block_op;
}

} // namespace fixpoint::models
