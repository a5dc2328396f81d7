// Integer arithmetic and logic.
#include "models/cpu/handler_support.hpp"

#include <limits>

namespace fixpoint::models {

namespace {

enum : unsigned { op_add, op_or, op_adc, op_sbb, op_and, op_sub, op_xor, op_cmp };

template<unsigned Operation, class T>
[[gnu::always_inline]] inline T alu(Flags& flags, T a, T b) {
    T result;
    if constexpr (Operation == op_add || Operation == op_adc) {
        result = static_cast<T>(a + b + (Operation == op_adc && flags.cf() ? 1 : 0));
        flags.set_add<T>(a, b, result);
    } else if constexpr (Operation == op_sub || Operation == op_cmp || Operation == op_sbb) {
        result = static_cast<T>(a - b - (Operation == op_sbb && flags.cf() ? 1 : 0));
        flags.set_subtract<T>(a, b, result);
    } else {
        result = static_cast<T>(Operation == op_or ? a | b : Operation == op_and ? a & b : a ^ b);
        flags.set_logic<T>(result);
    }
    return result;
}

template<unsigned Operation, class T, Form F, bool Flat>
void alu_op(Core& core, const Op* op) {
    constexpr bool to_memory = F == Form::mem_reg || F == Form::mem_imm;
    constexpr bool immediate = F == Form::reg_imm || F == Form::mem_imm;
    if constexpr (to_memory && Operation != op_cmp) {
        uint8_t* place = modify<T, Flat>(core, op);
        if (place == nullptr)
            return core.fault_exit(op);
        const T b = immediate ? static_cast<T>(op->immediate) : core.get<T>(op->reg);
        finish_modify<T>(core, place, alu<Operation, T>(core.flags, value_at<T>(place), b));
    } else {
        T a, b;
        if constexpr (to_memory) {
            if (!load<T, Flat>(core, op, a))
                return core.fault_exit(op);
        } else {
            a = core.get<T>(op->reg);
        }
        if constexpr (F == Form::reg_mem) {
            if (!load<T, Flat>(core, op, b))
                return core.fault_exit(op);
        } else if constexpr (immediate) {
            b = static_cast<T>(op->immediate);
        } else {
            b = core.get<T>(F == Form::mem_reg ? op->reg : op->rm);
        }
        const T result = alu<Operation, T>(core.flags, a, b);
        if constexpr (Operation != op_cmp)
            core.set<T>(op->reg, result);
    }
    return next(core, op);
}

template<class T, Form F, bool Flat>
void test_op(Core& core, const Op* op) {
    T a;
    if constexpr (F == Form::mem_reg || F == Form::mem_imm) {
        if (!load<T, Flat>(core, op, a))
            return core.fault_exit(op);
    } else {
        a = core.get<T>(op->rm);
    }
    const T b =
        F == Form::reg_imm || F == Form::mem_imm ? static_cast<T>(op->immediate) : core.get<T>(op->reg);
    core.flags.set_logic<T>(static_cast<T>(a & b));
    return next(core, op);
}

enum : unsigned { op_inc, op_dec, op_not, op_neg };

template<unsigned Operation, class T, bool Memory, bool Flat>
void unary_op(Core& core, const Op* op) {
    uint8_t* place = modify_rm<T, Memory, Flat>(core, op);
    if (place == nullptr)
        return core.fault_exit(op);
    const T a = value_at<T>(place);
    T result;
    if constexpr (Operation == op_not) {
        result = static_cast<T>(~a);
    } else if constexpr (Operation == op_neg) {
        result = static_cast<T>(0 - a);
        core.flags.set_subtract<T>(0, a, result);
    } else { // CF stays
        const bool carry = core.flags.cf();
        result = static_cast<T>(Operation == op_inc ? a + 1 : a - 1);
        if constexpr (Operation == op_inc)
            core.flags.set_add<T>(a, 1, result);
        else
            core.flags.set_subtract<T>(a, 1, result);
        core.flags.change_carry(carry);
    }
    finish_modify<T>(core, place, result);
    return next(core, op);
}

template<class T>
using Double =
    std::conditional_t<sizeof(T) == 1, uint16_t, std::conditional_t<sizeof(T) == 2, uint32_t, uint64_t>>;

// The double-width accumulator: AX, DX:AX, EDX:EAX.
template<class T>
Double<T> accumulator(const Core& core) {
    if constexpr (sizeof(T) == 1)
        return core.get<uint16_t>(reg_eax * 4);
    else
        return static_cast<Double<T>>(
            core.get<T>(reg_eax * 4) |
            static_cast<Double<T>>(Double<T>{core.get<T>(reg_edx * 4)} << bits_of<T>));
}
template<class T>
void set_accumulator(Core& core, T low, T high) {
    core.set<T>(reg_eax * 4, low);
    core.set<T>(sizeof(T) == 1 ? reg_eax * 4 + 1 : reg_edx * 4, high);
}

// SF, ZF, AF and PF are undefined after a multiplication; here they follow the low half as on the P6.
template<class T, bool Signed, bool Memory>
void multiply_op(Core& core, const Op* op) {
    using SignedDouble = std::make_signed_t<Double<T>>;
    using SignedT = std::make_signed_t<T>;
    T b;
    if (!read_rm<T, Memory>(core, op, b))
        return core.fault_exit(op);
    const T a = core.get<T>(reg_eax * 4);
    Double<T> product;
    if constexpr (Signed)
        product = static_cast<Double<T>>(static_cast<SignedDouble>(static_cast<SignedT>(a)) *
                                         static_cast<SignedDouble>(static_cast<SignedT>(b)));
    else
        product = static_cast<Double<T>>(Double<T>{a} * Double<T>{b});
    const T low = static_cast<T>(product), high = static_cast<T>(product >> bits_of<T>);
    set_accumulator<T>(core, low, high);
    const T expected = Signed && (low >> (bits_of<T> - 1)) != 0 ? static_cast<T>(~T{0}) : T{0};
    core.flags.set_result<T>(low, high != expected, high != expected, false);
    return next(core, op);
}

// The flags are undefined after a division: left alone.
template<class T, bool Signed, bool Memory>
void divide_op(Core& core, const Op* op) {
    using SignedDouble = std::make_signed_t<Double<T>>;
    using SignedT = std::make_signed_t<T>;
    T divisor;
    if (!read_rm<T, Memory>(core, op, divisor))
        return core.fault_exit(op);
    const Double<T> dividend = accumulator<T>(core);
    bool overflow = divisor == 0;
    T quotient = 0, remainder = 0;
    if constexpr (Signed) {
        const auto n = static_cast<SignedDouble>(dividend);
        const auto d = static_cast<SignedDouble>(static_cast<int32_t>(sign_extend(divisor)));
        // The most negative dividend by -1 has no quotient, and would trap on the host.
        overflow =
            overflow || (d == -1 && dividend == static_cast<Double<T>>(Double<T>{1} << (bits_of<T> * 2 - 1)));
        if (!overflow) {
            const auto q = static_cast<SignedDouble>(n / d);
            overflow = q < std::numeric_limits<SignedT>::min() || q > std::numeric_limits<SignedT>::max();
            quotient = static_cast<T>(q);
            remainder = static_cast<T>(n % d);
        }
    } else if (!overflow) {
        const Double<T> q = static_cast<Double<T>>(dividend / divisor);
        overflow = (q >> bits_of<T>) != 0;
        quotient = static_cast<T>(q);
        remainder = static_cast<T>(dividend % divisor);
    }
    if (overflow) {
        core.raise(vector::divide_error);
        return core.fault_exit(op);
    }
    set_accumulator<T>(core, quotient, remainder);
    return next(core, op);
}

template<class T, bool Memory, bool Flat, bool Immediate>
void imul_op(Core& core, const Op* op) {
    T b;
    if constexpr (Memory) {
        if (!load<T, Flat>(core, op, b))
            return core.fault_exit(op);
    } else {
        b = core.get<T>(op->rm);
    }
    const T a = Immediate ? static_cast<T>(op->immediate) : core.get<T>(op->reg);
    const int64_t product =
        int64_t{static_cast<std::make_signed_t<T>>(a)} * int64_t{static_cast<std::make_signed_t<T>>(b)};
    const T low = static_cast<T>(product);
    const bool overflow = product != int64_t{static_cast<std::make_signed_t<T>>(low)};
    core.set<T>(op->reg, low);
    core.flags.set_result<T>(low, overflow, overflow, false);
    return next(core, op);
}

// SDM vol. 2, DAA and DAS. OF is undefined.
template<bool Subtract>
void decimal_adjust_op(Core& core, const Op* op) {
    const auto old = core.get<uint8_t>(0);
    const bool old_carry = core.flags.cf();
    uint8_t al = old;
    bool carry = false, auxiliary = false;
    if ((old & 0xF) > 9 || core.flags.af()) {
        carry = old_carry || (Subtract ? old < 6 : old > 0xF9);
        al = static_cast<uint8_t>(Subtract ? al - 6 : al + 6);
        auxiliary = true;
    }
    if (old > 0x99 || old_carry) {
        al = static_cast<uint8_t>(Subtract ? al - 0x60 : al + 0x60);
        carry = true;
    }
    core.set<uint8_t>(0, al);
    core.flags.set_result<uint8_t>(al, carry, false, auxiliary);
    return next(core, op);
}
template<bool Subtract>
void ascii_adjust_op(Core& core, const Op* op) {
    auto ax = core.get<uint16_t>(0);
    const bool adjust = (ax & 0xF) > 9 || core.flags.af();
    if (adjust)
        ax = static_cast<uint16_t>(Subtract ? ax - 0x106 : ax + 0x106);
    ax &= 0xFF0F;
    core.set<uint16_t>(0, ax);
    core.flags.set_result<uint8_t>(static_cast<uint8_t>(ax), adjust, false, adjust);
    return next(core, op);
}
void ascii_multiply_op(Core& core, const Op* op) {
    const auto base = static_cast<uint8_t>(op->immediate);
    if (base == 0) {
        core.raise(vector::divide_error);
        return core.fault_exit(op);
    }
    const auto al = core.get<uint8_t>(0);
    core.set<uint8_t>(1, static_cast<uint8_t>(al / base));
    core.set<uint8_t>(0, static_cast<uint8_t>(al % base));
    core.flags.set_logic<uint8_t>(static_cast<uint8_t>(al % base));
    return next(core, op);
}
void ascii_divide_op(Core& core, const Op* op) {
    const auto al = static_cast<uint8_t>(core.get<uint8_t>(0) + core.get<uint8_t>(1) * op->immediate);
    core.set<uint16_t>(0, al);
    core.flags.set_logic<uint8_t>(al);
    return next(core, op);
}

template<class T, bool Memory>
void exchange_add_op(Core& core, const Op* op) {
    uint8_t* place = modify_rm<T, Memory>(core, op);
    if (place == nullptr)
        return core.fault_exit(op);
    const T old = value_at<T>(place);
    const T sum = alu<op_add, T>(core.flags, old, core.get<T>(op->reg));
    core.set<T>(op->reg, old);
    finish_modify<T>(core, place, sum); // last: XADD of a register with itself leaves the sum
    return next(core, op);
}

// The destination is written in either case (SDM vol. 2, CMPXCHG).
template<class T, bool Memory>
void compare_exchange_op(Core& core, const Op* op) {
    uint8_t* place = modify_rm<T, Memory>(core, op);
    if (place == nullptr)
        return core.fault_exit(op);
    const T old = value_at<T>(place), expected = core.get<T>(reg_eax * 4);
    alu<op_cmp, T>(core.flags, expected, old);
    const T written = expected == old ? core.get<T>(op->reg) : old;
    if (expected != old)
        core.set<T>(reg_eax * 4, old);
    if (Memory || expected == old)
        finish_modify<T>(core, place, written);
    return next(core, op);
}

void compare_exchange8_op(Core& core, const Op* op) {
    const uint32_t offset = effective_address<false>(core, op);
    uint32_t linear = 0, low = 0, high = 0;
    core.current = op;
    if (!core.segment_address(op->segment, offset, 8, true, linear) ||
        !core.probe_write(linear, 8, core.user()) || !read_linear<uint32_t>(core, op, linear, low) ||
        !read_linear<uint32_t>(core, op, linear + 4, high))
        return core.fault_exit(op);
    const bool equal = low == core.registers[reg_eax] && high == core.registers[reg_edx];
    const uint32_t new_low = equal ? core.registers[reg_ebx] : low,
                   new_high = equal ? core.registers[reg_ecx] : high;
    if (!write_linear<uint32_t>(core, op, linear, new_low) ||
        !write_linear<uint32_t>(core, op, linear + 4, new_high))
        return core.fault_exit(op);
    if (!equal) {
        core.registers[reg_eax] = low;
        core.registers[reg_edx] = high;
    }
    core.flags.change_zero(equal);
    return next(core, op);
}

} // namespace

Handler alu_handler(unsigned operation, unsigned size, Form form, bool flat) {
    return by_value<8>(operation, [&]<unsigned N>() {
        return by_size(size, [&]<class T>() -> Handler {
            switch (form) {
            case Form::reg_reg:
                return alu_op<N, T, Form::reg_reg, true>;
            case Form::reg_imm:
                return alu_op<N, T, Form::reg_imm, true>;
            case Form::reg_mem:
                return flat ? alu_op<N, T, Form::reg_mem, true> : alu_op<N, T, Form::reg_mem, false>;
            case Form::mem_reg:
                return flat ? alu_op<N, T, Form::mem_reg, true> : alu_op<N, T, Form::mem_reg, false>;
            default:
                return flat ? alu_op<N, T, Form::mem_imm, true> : alu_op<N, T, Form::mem_imm, false>;
            }
        });
    });
}

Handler test_handler(unsigned size, Form form, bool flat) {
    return by_size(size, [&]<class T>() -> Handler {
        switch (form) {
        case Form::reg_reg:
            return test_op<T, Form::reg_reg, true>;
        case Form::reg_imm:
            return test_op<T, Form::reg_imm, true>;
        case Form::mem_imm:
            return flat ? test_op<T, Form::mem_imm, true> : test_op<T, Form::mem_imm, false>;
        default:
            return flat ? test_op<T, Form::mem_reg, true> : test_op<T, Form::mem_reg, false>;
        }
    });
}

Handler unary_handler(unsigned operation, unsigned size, bool memory, bool flat) {
    return by_value<4>(operation, [&]<unsigned N>() {
        return by_size(size, [&]<class T>() -> Handler {
            if (!memory)
                return unary_op<N, T, false, true>;
            return flat ? unary_op<N, T, true, true> : unary_op<N, T, true, false>;
        });
    });
}

Handler multiply_handler(unsigned operation, unsigned size, bool memory) {
    return by_size(size, [&]<class T>() -> Handler {
        switch (operation) {
        case 4:
            return memory ? multiply_op<T, false, true> : multiply_op<T, false, false>;
        case 5:
            return memory ? multiply_op<T, true, true> : multiply_op<T, true, false>;
        case 6:
            return memory ? divide_op<T, false, true> : divide_op<T, false, false>;
        default:
            return memory ? divide_op<T, true, true> : divide_op<T, true, false>;
        }
    });
}

Handler imul_handler(unsigned size, bool memory, bool flat, bool immediate) {
    return by_wide_size(size, [&]<class T>() -> Handler {
        if (!memory)
            return immediate ? imul_op<T, false, true, true> : imul_op<T, false, true, false>;
        if (flat)
            return immediate ? imul_op<T, true, true, true> : imul_op<T, true, true, false>;
        return immediate ? imul_op<T, true, false, true> : imul_op<T, true, false, false>;
    });
}

Handler decimal_handler(uint8_t opcode) {
    switch (opcode) {
    case 0x27:
        return decimal_adjust_op<false>;
    case 0x2F:
        return decimal_adjust_op<true>;
    case 0x37:
        return ascii_adjust_op<false>;
    case 0x3F:
        return ascii_adjust_op<true>;
    case 0xD4:
        return ascii_multiply_op;
    default:
        return ascii_divide_op;
    }
}

Handler exchange_add_handler(unsigned size, bool memory) {
    return by_size(size, [&]<class T>() -> Handler {
        return memory ? exchange_add_op<T, true> : exchange_add_op<T, false>;
    });
}
Handler compare_exchange_handler(unsigned size, bool memory) {
    return by_size(size, [&]<class T>() -> Handler {
        return memory ? compare_exchange_op<T, true> : compare_exchange_op<T, false>;
    });
}
Handler compare_exchange8_handler() {
    return compare_exchange8_op;
}

} // namespace fixpoint::models
