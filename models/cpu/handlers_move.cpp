// Data movement and the flag instructions.
#include "models/cpu/handler_support.hpp"

namespace fixpoint::models {

namespace {

template<class T, Form F, bool Flat>
void move_op(Core& core, const Op* op) {
    if constexpr (F == Form::reg_reg) {
        core.set<T>(op->reg, core.get<T>(op->rm));
    } else if constexpr (F == Form::reg_imm) {
        core.set<T>(op->reg, static_cast<T>(op->immediate));
    } else if constexpr (F == Form::reg_mem) {
        T value;
        if (!load<T, Flat>(core, op, value))
            return core.fault_exit(op);
        core.set<T>(op->reg, value);
    } else {
        const T value = F == Form::mem_imm ? static_cast<T>(op->immediate) : core.get<T>(op->reg);
        if (!store<T, Flat>(core, op, value))
            return core.fault_exit(op);
    }
    return next(core, op);
}

template<bool Signed, class From, class To, bool Memory, bool Flat>
void extend_op(Core& core, const Op* op) {
    From value;
    if constexpr (Memory) {
        if (!load<From, Flat>(core, op, value))
            return core.fault_exit(op);
    } else {
        value = core.get<From>(op->rm);
    }
    core.set<To>(op->reg, Signed ? static_cast<To>(sign_extend(value)) : To{value});
    return next(core, op);
}

template<class T, bool WideAddress>
void lea_op(Core& core, const Op* op) {
    core.set<T>(op->reg, static_cast<T>(effective_address<WideAddress>(core, op)));
    return next(core, op);
}

template<class T, bool Memory>
void exchange_op(Core& core, const Op* op) {
    uint8_t* place = modify_rm<T, Memory>(core, op);
    if (place == nullptr)
        return core.fault_exit(op);
    const T old = value_at<T>(place), value = core.get<T>(op->reg);
    core.set<T>(op->reg, old);
    finish_modify<T>(core, place, value);
    return next(core, op);
}

// The source is read, and faults, whether the condition holds or not.
template<unsigned Code, class T, bool Memory, bool Flat>
void conditional_move_op(Core& core, const Op* op) {
    T value;
    if constexpr (Memory) {
        if (!load<T, Flat>(core, op, value))
            return core.fault_exit(op);
    } else {
        value = core.get<T>(op->rm);
    }
    if (condition<Code>(core.flags))
        core.set<T>(op->reg, value);
    return next(core, op);
}

template<unsigned Code, bool Memory, bool Flat>
void set_condition_op(Core& core, const Op* op) {
    const auto value = static_cast<uint8_t>(condition<Code>(core.flags) ? 1 : 0);
    if constexpr (Memory) {
        if (!store<uint8_t, Flat>(core, op, value))
            return core.fault_exit(op);
    } else {
        core.set<uint8_t>(op->rm, value);
    }
    return next(core, op);
}

template<class T, bool ToDx>
void convert_op(Core& core, const Op* op) {
    if constexpr (ToDx) {
        const T value = core.get<T>(reg_eax * 4);
        core.set<T>(reg_edx * 4, static_cast<T>(value >> (bits_of<T> - 1) != 0 ? ~T{0} : T{0}));
    } else if constexpr (sizeof(T) == 2) {
        core.set<uint16_t>(reg_eax * 4, static_cast<uint16_t>(sign_extend(core.get<uint8_t>(reg_eax * 4))));
    } else {
        core.set<uint32_t>(reg_eax * 4, sign_extend(core.get<uint16_t>(reg_eax * 4)));
    }
    return next(core, op);
}

void translate_byte_op(Core& core, const Op* op) {
    uint8_t value;
    const uint32_t offset = (core.registers[reg_ebx] + core.get<uint8_t>(reg_eax * 4)) & op->address_mask;
    if (!load_at<uint8_t, false>(core, op, offset, value))
        return core.fault_exit(op);
    core.set<uint8_t>(reg_eax * 4, value);
    return next(core, op);
}

template<uint8_t Opcode>
void flag_op(Core& core, const Op* op) {
    if constexpr (Opcode == 0xF5)
        core.flags.change_carry(!core.flags.cf());
    else if constexpr (Opcode == 0xF8)
        core.flags.change_carry(false);
    else if constexpr (Opcode == 0xF9)
        core.flags.change_carry(true);
    else if constexpr (Opcode == 0xFC)
        core.flags.system &= ~eflags::df;
    else if constexpr (Opcode == 0xFD)
        core.flags.system |= eflags::df;
    else if constexpr (Opcode == 0x9F)
        core.set<uint8_t>(reg_eax * 4 + 1,
                          static_cast<uint8_t>((core.flags.arithmetic() & ~eflags::of) | eflags::always_set));
    else if constexpr (Opcode == 0x9E)
        core.flags.set_arithmetic((core.get<uint8_t>(reg_eax * 4 + 1) & ~eflags::of) |
                                  (core.flags.of() ? eflags::of : 0));
    else
        core.set<uint8_t>(reg_eax * 4, core.flags.cf() ? 0xFF : 0);
    return next(core, op);
}

void nop_op(Core& core, const Op* op) {
    return next(core, op);
}

} // namespace

Handler move_handler(unsigned size, Form form, bool flat) {
    return by_size(size, [&]<class T>() -> Handler {
        switch (form) {
        case Form::reg_reg:
            return move_op<T, Form::reg_reg, true>;
        case Form::reg_imm:
            return move_op<T, Form::reg_imm, true>;
        case Form::reg_mem:
            return flat ? move_op<T, Form::reg_mem, true> : move_op<T, Form::reg_mem, false>;
        case Form::mem_reg:
            return flat ? move_op<T, Form::mem_reg, true> : move_op<T, Form::mem_reg, false>;
        default:
            return flat ? move_op<T, Form::mem_imm, true> : move_op<T, Form::mem_imm, false>;
        }
    });
}

Handler extend_handler(bool is_signed, unsigned from, unsigned to, bool memory, bool flat) {
    return by_wide_size(to, [&]<class To>() -> Handler {
        const auto pick = [&]<class From>() -> Handler {
            if (!memory)
                return is_signed ? extend_op<true, From, To, false, true>
                                 : extend_op<false, From, To, false, true>;
            if (flat)
                return is_signed ? extend_op<true, From, To, true, true>
                                 : extend_op<false, From, To, true, true>;
            return is_signed ? extend_op<true, From, To, true, false>
                             : extend_op<false, From, To, true, false>;
        };
        return from == 0 ? pick.template operator()<uint8_t>() : pick.template operator()<uint16_t>();
    });
}

Handler lea_handler(unsigned size, bool wide_address) {
    return by_wide_size(
        size, [&]<class T>() -> Handler { return wide_address ? lea_op<T, true> : lea_op<T, false>; });
}
Handler exchange_handler(unsigned size, bool memory) {
    return by_size(
        size, [&]<class T>() -> Handler { return memory ? exchange_op<T, true> : exchange_op<T, false>; });
}
Handler conditional_move_handler(unsigned code, unsigned size, bool memory, bool flat) {
    return by_value<16>(code, [&]<unsigned N>() {
        return by_wide_size(size, [&]<class T>() -> Handler {
            if (!memory)
                return conditional_move_op<N, T, false, true>;
            return flat ? conditional_move_op<N, T, true, true> : conditional_move_op<N, T, true, false>;
        });
    });
}
Handler set_condition_handler(unsigned code, bool memory, bool flat) {
    return by_value<16>(code, [&]<unsigned N>() -> Handler {
        if (!memory)
            return set_condition_op<N, false, true>;
        return flat ? set_condition_op<N, true, true> : set_condition_op<N, true, false>;
    });
}
Handler convert_handler(bool to_dx, unsigned size) {
    return by_wide_size(
        size, [&]<class T>() -> Handler { return to_dx ? convert_op<T, true> : convert_op<T, false>; });
}
Handler translate_byte_handler() {
    return translate_byte_op;
}

Handler flag_handler(uint8_t opcode) {
    switch (opcode) {
    case 0xF5:
        return flag_op<0xF5>;
    case 0xF8:
        return flag_op<0xF8>;
    case 0xF9:
        return flag_op<0xF9>;
    case 0xFC:
        return flag_op<0xFC>;
    case 0xFD:
        return flag_op<0xFD>;
    case 0x9F:
        return flag_op<0x9F>;
    case 0x9E:
        return flag_op<0x9E>;
    default:
        return flag_op<0xD6>;
    }
}
Handler nop_handler() {
    return nop_op;
}

} // namespace fixpoint::models
