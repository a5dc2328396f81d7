// The arithmetic flags, kept lazily: an instruction stores its result and its vector of carries, and the
// flags are worked out where they are read.
//
// carries: bit 31 carry out of the top bit (CF), bit 30 carry into it (OF = 31 xor 30), bit 3 carry out of
// bit 3 (AF), bits 8-15 are exclusive-ored into the byte that parity is taken of and bit 0 into the sign:
// with these two, any combination that POPF or SAHF can load has a representation.
#pragma once

#include <cstdint>
#include <type_traits>

namespace fixpoint::models {

namespace eflags {
inline constexpr uint32_t cf = 1u << 0, pf = 1u << 2, af = 1u << 4, zf = 1u << 6, sf = 1u << 7, tf = 1u << 8,
                          iif = 1u << 9, df = 1u << 10, of = 1u << 11, iopl = 3u << 12, nt = 1u << 14,
                          rf = 1u << 16, vm = 1u << 17, ac = 1u << 18, vif = 1u << 19, vip = 1u << 20,
                          id = 1u << 21;
inline constexpr uint32_t arithmetic = cf | pf | af | zf | sf | of;
inline constexpr uint32_t defined =
    arithmetic | tf | iif | df | iopl | nt | rf | vm | ac | vif | vip | id; // what a flags image may set
inline constexpr uint32_t always_set = 1u << 1;
} // namespace eflags

template<class T>
constexpr uint32_t sign_extend(T value) {
    return static_cast<uint32_t>(static_cast<int32_t>(static_cast<std::make_signed_t<T>>(value)));
}

struct Flags {
    uint32_t result = 1;
    uint32_t carries = 0;
    uint32_t system = eflags::always_set; // everything but the arithmetic flags

    [[nodiscard]] bool cf() const { return (carries >> 31) != 0; }
    [[nodiscard]] bool of() const { return (((carries >> 31) ^ (carries >> 30)) & 1u) != 0; }
    [[nodiscard]] bool af() const { return (carries & 8u) != 0; }
    [[nodiscard]] bool zf() const { return result == 0; }
    [[nodiscard]] bool sf() const { return (((result >> 31) ^ carries) & 1u) != 0; }
    [[nodiscard]] bool pf() const {
        const uint32_t byte = (result ^ (carries >> 8)) & 0xFFu;
        return (0x9669u >> ((byte ^ (byte >> 4)) & 0xFu) & 1u) != 0; // bit n: n has an even number of ones
    }
    // SF differs from OF.
    [[nodiscard]] bool less() const {
        return (((result >> 31) ^ carries ^ (carries >> 31) ^ (carries >> 30)) & 1u) != 0;
    }

    template<class T>
    void set_carry_vector(uint32_t vector, T value) {
        constexpr unsigned bits = sizeof(T) * 8;
        result = sign_extend(value);
        carries = ((vector << (32 - bits)) & 0xC000'0000u) | (vector & 8u);
    }
    template<class T>
    void set_logic(T value) {
        result = sign_extend(value);
        carries = 0;
    }
    // a + b (+ carry) = sum
    template<class T>
    void set_add(T a, T b, T sum) {
        const uint32_t x = a, y = b, r = sum;
        set_carry_vector<T>((x & y) | ((x | y) & ~r), sum);
    }
    // a - b (- borrow) = difference
    template<class T>
    void set_subtract(T a, T b, T difference) {
        const uint32_t x = a, y = b, r = difference;
        set_carry_vector<T>((~x & y) | ((~x | y) & r), difference);
    }
    template<class T>
    void set_result(T value, bool carry, bool overflow, bool auxiliary) {
        result = sign_extend(value);
        set_carry_overflow(carry, overflow, auxiliary);
    }
    // Leaves SF, ZF and PF: for results that the carries' correction bits do not touch.
    void set_carry_overflow(bool carry, bool overflow, bool auxiliary) {
        carries = (static_cast<uint32_t>(carry) << 31) | (static_cast<uint32_t>(carry != overflow) << 30) |
                  (static_cast<uint32_t>(auxiliary) << 3);
    }
    // CF alone, or CF and OF; all others stay.
    void change_carry(bool carry) { change_carry_overflow(carry, of()); }
    void change_carry_overflow(bool carry, bool overflow) {
        carries = (carries & 0x3FFF'FFFFu) | (static_cast<uint32_t>(carry) << 31) |
                  (static_cast<uint32_t>(carry != overflow) << 30);
    }
    void change_zero(bool zero) { // all others stay
        const uint32_t rest = arithmetic() & ~eflags::zf;
        set_arithmetic(rest | (zero ? eflags::zf : 0));
    }

    [[nodiscard]] uint32_t arithmetic() const {
        return (cf() ? eflags::cf : 0) | (pf() ? eflags::pf : 0) | (af() ? eflags::af : 0) |
               (zf() ? eflags::zf : 0) | (sf() ? eflags::sf : 0) | (of() ? eflags::of : 0);
    }
    void set_arithmetic(uint32_t value) {
        const bool zero = (value & eflags::zf) != 0, parity = (value & eflags::pf) != 0;
        result = zero ? 0 : 1;
        set_carry_overflow((value & eflags::cf) != 0, (value & eflags::of) != 0, (value & eflags::af) != 0);
        carries |= (parity == zero ? 0u : 1u << 8) | ((value & eflags::sf) != 0 ? 1u : 0u);
    }
    [[nodiscard]] uint32_t value() const { return system | arithmetic(); }
    void set_value(uint32_t value) {
        system = (value & ~eflags::arithmetic) | eflags::always_set;
        set_arithmetic(value);
    }
};

// The condition of Jcc, SETcc and CMOVcc by the low four bits of the opcode.
template<unsigned Code>
constexpr bool condition(const Flags& flags) {
    bool holds = false;
    if constexpr (Code / 2 == 0)
        holds = flags.of();
    else if constexpr (Code / 2 == 1)
        holds = flags.cf();
    else if constexpr (Code / 2 == 2)
        holds = flags.zf();
    else if constexpr (Code / 2 == 3)
        holds = flags.cf() || flags.zf();
    else if constexpr (Code / 2 == 4)
        holds = flags.sf();
    else if constexpr (Code / 2 == 5)
        holds = flags.pf();
    else if constexpr (Code / 2 == 6)
        holds = flags.less();
    else
        holds = flags.zf() || flags.less();
    return holds != ((Code & 1) != 0);
}

} // namespace fixpoint::models
