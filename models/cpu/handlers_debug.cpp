// MOV with debug registers, and the Op that observes instructions.
#include "models/cpu/handler_support.hpp"

namespace fixpoint::models {

namespace {

// DR4 and DR5 are DR6 and DR7 unless CR4.DE reserves them (SDM vol. 3, 17.2.2).
template<bool ToRegister>
void debug_register_op(Core& core, const Op* op) {
    const bool alias = op->detail == 4 || op->detail == 5;
    core.current = op;
    if (alias && (core.mmu.cr4 & Mmu::cr4_de) != 0) {
        core.raise(vector::invalid_opcode);
        return core.fault_exit(op);
    }
    if (core.privilege != 0) {
        core.raise_protection();
        return core.fault_exit(op);
    }
    if ((core.debug[7] & dr7::general_detect) != 0) {
        core.debug[6] |= dr6::general_detect;
        core.raise(vector::debug);
        return core.fault_exit(op);
    }
    const unsigned index = alias ? op->detail + 2u : op->detail;
    if constexpr (ToRegister) {
        core.set<uint32_t>(op->rm, core.debug[index]);
    } else {
        const auto value = core.get<uint32_t>(op->rm);
        core.debug[index] = index == 6   ? (value & dr6::writable) | dr6::always_set
                            : index == 7 ? (value & dr7::writable) | dr7::always_set
                                         : value;
        core.update_breakpoints();
    }
    return next(core, op);
}

void observe_op(Core& core, const Op* op) {
    if (!core.observe_next(op))
        return core.leave_block(op);
    return next(core, op);
}

} // namespace

Handler debug_register_handler(bool to_register) {
    return to_register ? debug_register_op<true> : debug_register_op<false>;
}
Handler observe_handler() {
    return observe_op;
}

} // namespace fixpoint::models
