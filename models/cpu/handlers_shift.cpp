// Shifts, rotates, bit tests and scans, byte swap.
//
// Counts are taken modulo 32 (SDM vol. 2); a count of 0 changes no flags. OF is defined for counts of 1 only;
// here it follows the same formula for every count, as on the P6.
#include "models/cpu/handler_support.hpp"

namespace fixpoint::models {

namespace {

enum : unsigned { op_rol, op_ror, op_rcl, op_rcr, op_shl, op_shr, op_sal, op_sar };

template<class T>
constexpr bool top_bit(T value) {
    return (value >> (bits_of<T> - 1)) != 0;
}

// `count`: 1 to 31.
template<unsigned Operation, class T>
[[gnu::always_inline]] inline T shift(Flags& flags, T a, unsigned count) {
    constexpr unsigned bits = bits_of<T>;
    const uint64_t wide = a;
    if constexpr (Operation == op_shl || Operation == op_sal) {
        const uint64_t shifted = wide << count;
        const T result = static_cast<T>(shifted);
        const bool carry = (shifted >> bits & 1) != 0;
        flags.set_result<T>(result, carry, top_bit(result) != carry, false);
        return result;
    } else if constexpr (Operation == op_shr) {
        const T result = static_cast<T>(wide >> count);
        const bool carry = (wide >> (count - 1) & 1) != 0;
        // For a count of 1: the old top bit.
        flags.set_result<T>(result, carry, top_bit(result) != ((result >> (bits - 2) & 1) != 0), false);
        return result;
    } else if constexpr (Operation == op_sar) {
        const int64_t extended = static_cast<int32_t>(sign_extend(a));
        const T result = static_cast<T>(extended >> count);
        flags.set_result<T>(result, (extended >> (count - 1) & 1) != 0, false, false);
        return result;
    } else if constexpr (Operation == op_rol || Operation == op_ror) {
        const unsigned by = count % bits;
        const unsigned left = Operation == op_rol ? by : (bits - by) % bits;
        const T result = static_cast<T>((wide << left) | (wide >> (bits - left)));
        if constexpr (Operation == op_rol)
            flags.change_carry_overflow((result & 1) != 0, top_bit(result) != ((result & 1) != 0));
        else
            flags.change_carry_overflow(top_bit(result),
                                        top_bit(result) != ((result >> (bits - 2) & 1) != 0));
        return result;
    } else { // through carry: a rotation of bits + 1 bits
        const unsigned by = count % (bits + 1);
        uint64_t value = wide | uint64_t{flags.cf()} << bits;
        const unsigned left = Operation == op_rcl ? by : (bits + 1 - by) % (bits + 1);
        const uint64_t mask = (uint64_t{1} << (bits + 1)) - 1;
        value = ((value << left) | (value >> (bits + 1 - left))) & mask;
        const T result = static_cast<T>(value);
        const bool carry = (value >> bits & 1) != 0;
        if constexpr (Operation == op_rcl)
            flags.change_carry_overflow(carry, top_bit(result) != carry);
        else
            flags.change_carry_overflow(carry, top_bit(result) != ((result >> (bits - 2) & 1) != 0));
        return result;
    }
}

template<unsigned Operation, class T, bool Memory, bool Flat, bool ByCl>
void shift_op(Core& core, const Op* op) {
    const unsigned count = (ByCl ? core.get<uint8_t>(reg_ecx * 4) : op->immediate) & 31u;
    uint8_t* place = modify_rm<T, Memory, Flat>(core, op);
    if (place == nullptr)
        return core.fault_exit(op);
    if (count != 0)
        finish_modify<T>(core, place, shift<Operation, T>(core.flags, value_at<T>(place), count));
    else if constexpr (Memory)
        finish_modify<T>(core, place, value_at<T>(place));
    return next(core, op);
}

// With 16 bits, counts above 16 are undefined; the P6 shifts the concatenation dest:source:dest.
template<bool Right, class T, bool Memory, bool ByCl>
void double_shift_op(Core& core, const Op* op) {
    constexpr unsigned bits = bits_of<T>;
    const unsigned count = (ByCl ? core.get<uint8_t>(reg_ecx * 4) : op->immediate) & 31u;
    uint8_t* place = modify_rm<T, Memory>(core, op);
    if (place == nullptr)
        return core.fault_exit(op);
    const T a = value_at<T>(place), b = core.get<T>(op->reg);
    T result = a;
    if (count != 0) {
        bool carry;
        if constexpr (Right) {
            const uint64_t value =
                bits == 32 ? uint64_t{b} << 32 | a : uint64_t{a} << 32 | uint64_t{b} << 16 | uint64_t{a};
            result = static_cast<T>(value >> count);
            carry = (value >> (count - 1) & 1) != 0;
        } else {
            constexpr unsigned width = bits == 32 ? 64 : 48;
            const uint64_t value =
                bits == 32 ? uint64_t{a} << 32 | b : uint64_t{a} << 32 | uint64_t{b} << 16 | uint64_t{a};
            result = static_cast<T>(value >> (width - bits - count));
            carry = (value >> (width - count) & 1) != 0;
        }
        // For counts above 1 undefined; as after a shift of that direction (docs/undefined-flags.csv).
        const bool overflow = top_bit(result) != (Right ? (result >> (bits - 2) & 1) != 0 : carry);
        core.flags.set_result<T>(result, carry, overflow, false);
    }
    finish_modify<T>(core, place, result);
    return next(core, op);
}

enum : unsigned { op_bt, op_bts, op_btr, op_btc };

// With a register as bit number, the memory operand is a bit string that the number reaches into, in either
// direction. ZF stays, the others are undefined and stay.
template<unsigned Operation, class T, Form F>
void bit_op(Core& core, const Op* op) {
    constexpr bool memory = F == Form::mem_reg || F == Form::mem_imm;
    constexpr bool by_register = F == Form::mem_reg || F == Form::reg_reg;
    const T number = by_register ? core.get<T>(op->reg) : static_cast<T>(op->immediate);
    const T bit = static_cast<T>(T{1} << (number & (bits_of<T> - 1)));
    if constexpr (memory) {
        uint32_t offset = effective_address<false>(core, op);
        if constexpr (by_register) {
            const auto words =
                static_cast<int32_t>(static_cast<std::make_signed_t<T>>(number)) >> (sizeof(T) == 2 ? 4 : 5);
            offset =
                (offset + static_cast<uint32_t>(words) * static_cast<uint32_t>(sizeof(T))) & op->address_mask;
        }
        T value;
        if constexpr (Operation == op_bt) {
            if (!load_at<T, false>(core, op, offset, value))
                return core.fault_exit(op);
            core.flags.change_carry((value & bit) != 0);
        } else {
            uint8_t* place = modify_at<T, false>(core, op, offset);
            if (place == nullptr)
                return core.fault_exit(op);
            value = value_at<T>(place);
            core.flags.change_carry((value & bit) != 0);
            finish_modify<T>(core, place,
                             static_cast<T>(Operation == op_bts   ? value | bit
                                            : Operation == op_btr ? value & ~bit
                                                                  : value ^ bit));
        }
    } else {
        const T value = core.get<T>(op->rm);
        core.flags.change_carry((value & bit) != 0);
        if constexpr (Operation != op_bt)
            core.set<T>(op->rm, static_cast<T>(Operation == op_bts   ? value | bit
                                               : Operation == op_btr ? value & ~bit
                                                                     : value ^ bit));
    }
    return next(core, op);
}

// Of zero: ZF = 1 and the destination stays (undefined by the manual, so on every P6). Other flags are
// undefined: kept for zero, else those of the result (docs/undefined-flags.csv).
template<bool Reverse, class T, bool Memory>
void bit_scan_op(Core& core, const Op* op) {
    T value;
    if (!read_rm<T, Memory>(core, op, value))
        return core.fault_exit(op);
    if (value != 0) {
        const auto number = static_cast<T>(Reverse ? 31 - __builtin_clz(value) : __builtin_ctz(value));
        core.set<T>(op->reg, number);
        core.flags.set_logic<T>(number);
    }
    core.flags.change_zero(value == 0);
    return next(core, op);
}

void byte_swap_op(Core& core, const Op* op) {
    core.set<uint32_t>(op->rm, __builtin_bswap32(core.get<uint32_t>(op->rm)));
    return next(core, op);
}

} // namespace

Handler shift_handler(unsigned operation, unsigned size, bool memory, bool flat, bool by_cl) {
    return by_value<8>(operation, [&]<unsigned N>() {
        return by_size(size, [&]<class T>() -> Handler {
            if (!memory)
                return by_cl ? shift_op<N, T, false, true, true> : shift_op<N, T, false, true, false>;
            if (flat)
                return by_cl ? shift_op<N, T, true, true, true> : shift_op<N, T, true, true, false>;
            return by_cl ? shift_op<N, T, true, false, true> : shift_op<N, T, true, false, false>;
        });
    });
}

Handler double_shift_handler(bool right, unsigned size, bool memory, bool by_cl) {
    return by_wide_size(size, [&]<class T>() -> Handler {
        return by_value<8>((right ? 1u : 0u) | (memory ? 2u : 0u) | (by_cl ? 4u : 0u),
                           []<unsigned N>() -> Handler {
                               return double_shift_op<(N & 1) != 0, T, (N & 2) != 0, (N & 4) != 0>;
                           });
    });
}

Handler bit_handler(unsigned operation, unsigned size, Form form) {
    return by_value<4>(operation, [&]<unsigned N>() {
        return by_wide_size(size, [&]<class T>() -> Handler {
            switch (form) {
            case Form::reg_reg:
                return bit_op<N, T, Form::reg_reg>;
            case Form::reg_imm:
                return bit_op<N, T, Form::reg_imm>;
            case Form::mem_imm:
                return bit_op<N, T, Form::mem_imm>;
            default:
                return bit_op<N, T, Form::mem_reg>;
            }
        });
    });
}

Handler bit_scan_handler(bool reverse, unsigned size, bool memory) {
    return by_wide_size(size, [&]<class T>() -> Handler {
        if (memory)
            return reverse ? bit_scan_op<true, T, true> : bit_scan_op<false, T, true>;
        return reverse ? bit_scan_op<true, T, false> : bit_scan_op<false, T, false>;
    });
}

Handler byte_swap_handler() {
    return byte_swap_op;
}

} // namespace fixpoint::models
