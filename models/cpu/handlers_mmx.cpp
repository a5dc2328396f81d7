// MMX (SDM vol. 1, chapter 9): 64-bit registers that are the significands of the x87's data registers.
//
// Every instruction makes all x87 registers valid and TOP 0; what it writes gets an exponent of ones. EMMS makes them
// empty (SDM vol. 3, 12.2).
#include "models/cpu/handlers_x87.hpp"
#include "models/cpu/x87_unit.hpp"

#include <algorithm>
#include <limits>

namespace fixpoint::models {

namespace {

template<class T>
inline constexpr unsigned lanes = 8 / sizeof(T);

template<class T>
T lane(uint64_t value, unsigned index) {
    return static_cast<T>(value >> (index * bits_of<T>));
}
template<class T>
uint64_t in_lane(T value, unsigned index) {
    return uint64_t{static_cast<std::make_unsigned_t<T>>(value)} << (index * bits_of<T>);
}

// Calls f(a, b) for each lane.
template<class T, class F>
uint64_t each_lane(uint64_t a, uint64_t b, F f) {
    uint64_t result = 0;
    for (unsigned i = 0; i < lanes<T>; ++i)
        result |= in_lane<T>(static_cast<T>(f(int64_t{lane<T>(a, i)}, int64_t{lane<T>(b, i)})), i);
    return result;
}
template<class To>
To saturated(int64_t value) {
    return static_cast<To>(
        std::clamp<int64_t>(value, std::numeric_limits<To>::min(), std::numeric_limits<To>::max()));
}

template<class T>
uint64_t add_lanes(uint64_t a, uint64_t b) {
    return each_lane<T>(a, b, [](int64_t x, int64_t y) { return x + y; });
}
template<class T>
uint64_t add_saturating(uint64_t a, uint64_t b) {
    return each_lane<T>(a, b, [](int64_t x, int64_t y) { return saturated<T>(x + y); });
}
template<class T>
uint64_t subtract_lanes(uint64_t a, uint64_t b) {
    return each_lane<T>(a, b, [](int64_t x, int64_t y) { return x - y; });
}
template<class T>
uint64_t subtract_saturating(uint64_t a, uint64_t b) {
    return each_lane<T>(a, b, [](int64_t x, int64_t y) { return saturated<T>(x - y); });
}
template<class T>
uint64_t equal_lanes(uint64_t a, uint64_t b) {
    return each_lane<T>(a, b, [](int64_t x, int64_t y) { return x == y ? -1 : 0; });
}
template<class T>
uint64_t greater_lanes(uint64_t a, uint64_t b) {
    return each_lane<T>(a, b, [](int64_t x, int64_t y) { return x > y ? -1 : 0; });
}
uint64_t multiply_low(uint64_t a, uint64_t b) {
    return each_lane<int16_t>(a, b, [](int64_t x, int64_t y) { return x * y; });
}
uint64_t multiply_high(uint64_t a, uint64_t b) {
    return each_lane<int16_t>(a, b, [](int64_t x, int64_t y) { return x * y >> 16; });
}
uint64_t multiply_add(uint64_t a, uint64_t b) {
    uint64_t result = 0;
    for (unsigned i = 0; i < 2; ++i) {
        const int64_t low = int64_t{lane<int16_t>(a, 2 * i)} * lane<int16_t>(b, 2 * i);
        const int64_t high = int64_t{lane<int16_t>(a, 2 * i + 1)} * lane<int16_t>(b, 2 * i + 1);
        result |= in_lane<int32_t>(static_cast<int32_t>(low + high), i);
    }
    return result;
}

// The destination's elements below the source's, narrowed.
template<class From, class To>
uint64_t pack(uint64_t a, uint64_t b) {
    uint64_t result = 0;
    for (unsigned i = 0; i < lanes<From>; ++i) {
        result |= in_lane<To>(saturated<To>(lane<From>(a, i)), i);
        result |= in_lane<To>(saturated<To>(lane<From>(b, i)), i + lanes<From>);
    }
    return result;
}
// Elements of the low or high halves, in turn.
template<class T, bool High>
uint64_t unpack(uint64_t a, uint64_t b) {
    uint64_t result = 0;
    for (unsigned i = 0; i < lanes<T> / 2; ++i) {
        const unsigned from = i + (High ? lanes<T> / 2 : 0);
        result |= in_lane<T>(lane<T>(a, from), 2 * i) | in_lane<T>(lane<T>(b, from), 2 * i + 1);
    }
    return result;
}

// Counts beyond the width give zeros, of arithmetic shifts copies of the sign.
template<class T>
uint64_t shift_left(uint64_t a, uint64_t count) {
    if (count >= bits_of<T>)
        return 0;
    uint64_t result = 0;
    for (unsigned i = 0; i < lanes<T>; ++i)
        result |= in_lane<T>(static_cast<T>(uint64_t{lane<T>(a, i)} << count), i);
    return result;
}
template<class T>
uint64_t shift_right(uint64_t a, uint64_t count) {
    if (count >= bits_of<T>)
        return 0;
    uint64_t result = 0;
    for (unsigned i = 0; i < lanes<T>; ++i)
        result |= in_lane<T>(static_cast<T>(lane<T>(a, i) >> count), i);
    return result;
}
template<class T>
uint64_t shift_right_signed(uint64_t a, uint64_t count) {
    const auto by = static_cast<unsigned>(std::min<uint64_t>(count, bits_of<T> - 1));
    return each_lane<T>(a, 0, [by](int64_t x, int64_t) { return x >> by; });
}

// By the byte after 0F. Of the conversions and interleavings the name gives the elements read.
template<unsigned Opcode>
uint64_t compute(uint64_t a, uint64_t b) {
    switch (Opcode) {
    case 0x60:
        return unpack<uint8_t, false>(a, b);
    case 0x61:
        return unpack<uint16_t, false>(a, b);
    case 0x62:
        return unpack<uint32_t, false>(a, b);
    case 0x63:
        return pack<int16_t, int8_t>(a, b);
    case 0x64:
        return greater_lanes<int8_t>(a, b);
    case 0x65:
        return greater_lanes<int16_t>(a, b);
    case 0x66:
        return greater_lanes<int32_t>(a, b);
    case 0x67:
        return pack<int16_t, uint8_t>(a, b);
    case 0x68:
        return unpack<uint8_t, true>(a, b);
    case 0x69:
        return unpack<uint16_t, true>(a, b);
    case 0x6A:
        return unpack<uint32_t, true>(a, b);
    case 0x6B:
        return pack<int32_t, int16_t>(a, b);
    case 0x6F:
        return b;
    case 0x74:
        return equal_lanes<int8_t>(a, b);
    case 0x75:
        return equal_lanes<int16_t>(a, b);
    case 0x76:
        return equal_lanes<int32_t>(a, b);
    case 0xD1:
        return shift_right<uint16_t>(a, b);
    case 0xD2:
        return shift_right<uint32_t>(a, b);
    case 0xD3:
        return shift_right<uint64_t>(a, b);
    case 0xD5:
        return multiply_low(a, b);
    case 0xD8:
        return subtract_saturating<uint8_t>(a, b);
    case 0xD9:
        return subtract_saturating<uint16_t>(a, b);
    case 0xDB:
        return a & b;
    case 0xDC:
        return add_saturating<uint8_t>(a, b);
    case 0xDD:
        return add_saturating<uint16_t>(a, b);
    case 0xDF:
        return ~a & b;
    case 0xE1:
        return shift_right_signed<int16_t>(a, b);
    case 0xE2:
        return shift_right_signed<int32_t>(a, b);
    case 0xE5:
        return multiply_high(a, b);
    case 0xE8:
        return subtract_saturating<int8_t>(a, b);
    case 0xE9:
        return subtract_saturating<int16_t>(a, b);
    case 0xEB:
        return a | b;
    case 0xEC:
        return add_saturating<int8_t>(a, b);
    case 0xED:
        return add_saturating<int16_t>(a, b);
    case 0xEF:
        return a ^ b;
    case 0xF1:
        return shift_left<uint16_t>(a, b);
    case 0xF2:
        return shift_left<uint32_t>(a, b);
    case 0xF3:
        return shift_left<uint64_t>(a, b);
    case 0xF5:
        return multiply_add(a, b);
    case 0xF8:
        return subtract_lanes<uint8_t>(a, b);
    case 0xF9:
        return subtract_lanes<uint16_t>(a, b);
    case 0xFA:
        return subtract_lanes<uint32_t>(a, b);
    case 0xFC:
        return add_lanes<uint8_t>(a, b);
    case 0xFD:
        return add_lanes<uint16_t>(a, b);
    default:
        return add_lanes<uint32_t>(a, b);
    }
}

// PUNPCKL reads 32 bits of memory.
constexpr bool reads_half(unsigned opcode) {
    return opcode >= 0x60 && opcode <= 0x62;
}

template<unsigned Opcode, bool Memory>
void compute_op(Core& core, const Op* op) {
    if (!mmx_ready(core, op))
        return;
    X87State& x87 = core.x87;
    uint64_t source = 0;
    if constexpr (Memory) {
        using Raw = std::conditional_t<reads_half(Opcode), uint32_t, uint64_t>;
        Raw raw;
        if (!x87_load<Raw, false>(core, op, effective_address<false>(core, op), raw))
            return core.fault_exit(op);
        source = raw;
    } else {
        source = x87.mmx(op->rm);
    }
    x87.enter_mmx();
    x87.set_mmx(op->reg, compute<Opcode>(x87.mmx(op->reg), source));
    return next(core, op);
}

// MOVD and MOVQ out of an MMX register; MOVD into one.
template<class T, bool Memory>
void store_op(Core& core, const Op* op) {
    if (!mmx_ready(core, op))
        return;
    X87State& x87 = core.x87;
    const auto value = static_cast<T>(x87.mmx(op->reg));
    if constexpr (Memory) {
        if (!x87_store<T, false>(core, op, effective_address<false>(core, op), value))
            return core.fault_exit(op);
    } else if constexpr (sizeof(T) == 4) {
        core.registers[op->rm] = value;
    } else {
        x87.set_mmx(op->rm, value);
    }
    x87.enter_mmx();
    return next(core, op);
}
template<bool Memory>
void load_doubleword_op(Core& core, const Op* op) {
    if (!mmx_ready(core, op))
        return;
    uint32_t value = 0;
    if constexpr (Memory) {
        if (!x87_load<uint32_t, false>(core, op, effective_address<false>(core, op), value))
            return core.fault_exit(op);
    } else {
        value = core.registers[op->rm];
    }
    core.x87.enter_mmx();
    core.x87.set_mmx(op->reg, value);
    return next(core, op);
}

// 71-73: the opcode of the same shift by a register follows from the width and ModRM.reg.
template<unsigned Opcode>
void shift_op(Core& core, const Op* op) {
    if (!mmx_ready(core, op))
        return;
    core.x87.enter_mmx();
    core.x87.set_mmx(op->rm, compute<Opcode>(core.x87.mmx(op->rm), op->immediate & 0xFF));
    return next(core, op);
}

void empty_op(Core& core, const Op* op) {
    if (!mmx_ready(core, op))
        return;
    core.x87.enter_mmx();
    core.x87.occupied = 0;
    return next(core, op);
}

// The instance for an opcode, of those that `compute` knows.
template<template<unsigned> class Pick, unsigned... Opcodes>
Handler pick(unsigned opcode) {
    Handler found = nullptr;
    ((Opcodes == opcode ? void(found = Pick<Opcodes>::handler()) : void()), ...);
    return found;
}
template<unsigned Opcode>
struct FromRegister {
    static Handler handler() { return compute_op<Opcode, false>; }
};
template<unsigned Opcode>
struct FromMemory {
    static Handler handler() { return compute_op<Opcode, true>; }
};
template<unsigned Opcode>
struct ByImmediate {
    static Handler handler() { return shift_op<Opcode>; }
};
template<template<unsigned> class Pick>
Handler pick_computation(unsigned opcode) {
    return pick<Pick, 0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x6B, 0x6F, 0x74,
                0x75, 0x76, 0xD1, 0xD2, 0xD3, 0xD5, 0xD8, 0xD9, 0xDB, 0xDC, 0xDD, 0xDF, 0xE1, 0xE2, 0xE5,
                0xE8, 0xE9, 0xEB, 0xEC, 0xED, 0xEF, 0xF1, 0xF2, 0xF3, 0xF5, 0xF8, 0xF9, 0xFA, 0xFC, 0xFD,
                0xFE>(opcode);
}

} // namespace

Handler mmx_handler(uint8_t opcode, bool memory) {
    switch (opcode) {
    case 0x6E:
        return memory ? load_doubleword_op<true> : load_doubleword_op<false>;
    case 0x7E:
        return memory ? store_op<uint32_t, true> : store_op<uint32_t, false>;
    case 0x7F:
        return memory ? store_op<uint64_t, true> : store_op<uint64_t, false>;
    default:
        return memory ? pick_computation<FromMemory>(opcode) : pick_computation<FromRegister>(opcode);
    }
}

Handler mmx_shift_handler(uint8_t opcode, unsigned operation) {
    constexpr unsigned right = 2, right_signed = 4, left = 6;
    const unsigned width = opcode & 3; // 1 words, 2 doublewords, 3 quadword
    const unsigned row = operation == right          ? 0xD0
                         : operation == right_signed ? 0xE0
                         : operation == left         ? 0xF0
                                                     : 0;
    return pick<ByImmediate, 0xD1, 0xD2, 0xD3, 0xE1, 0xE2, 0xF1, 0xF2, 0xF3>(row | width);
}

Handler mmx_empty_handler() {
    return empty_op;
}

} // namespace fixpoint::models
