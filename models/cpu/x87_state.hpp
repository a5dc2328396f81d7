// The x87's registers (SDM vol. 1, 8.1): eight data registers used as a stack, control, status and tag words, and where
// the last instruction and its operand were. The MMX registers are the significands of the data registers.
//
// Whether a register is empty is all that the processor keeps of the tag word; the rest follows from the contents when
// the tag word is stored (SDM vol. 1, 8.1.7). TOP is kept beside the status word.
#pragma once

#include "models/float80/float80.hpp"

#include <array>
#include <cstdint>

namespace fixpoint::models {

namespace x87_status { // SDM vol. 1, figure 8-4; bits 0-5 are float_exception's
inline constexpr uint16_t stack_fault = 1u << 6, summary = 1u << 7, c0 = 1u << 8, c1 = 1u << 9, c2 = 1u << 10,
                          c3 = 1u << 14, busy = 1u << 15;
inline constexpr uint16_t condition = c0 | c1 | c2 | c3;
inline constexpr unsigned top_shift = 11;
} // namespace x87_status

namespace x87_control { // SDM vol. 1, figure 8-6; bits 0-5 mask float_exception's
inline constexpr uint16_t always_set = 1u << 6, writable = 0x1F3F, after_reset = 0x0040, after_finit = 0x037F;
inline constexpr unsigned precision_shift = 8, rounding_shift = 10;
} // namespace x87_control

struct X87State {
    std::array<Float80, 8> registers{}; // R0-R7
    uint16_t control = x87_control::after_reset;
    uint16_t status = 0;     // without TOP
    uint8_t top = 0;         // the register that is ST(0)
    uint8_t occupied = 0xFF; // bit n: Rn is not empty
    uint16_t opcode = 0;     // 11 bits: the low ones of the first byte, then ModRM
    uint16_t code_selector = 0, data_selector = 0;
    uint32_t instruction_pointer = 0, operand_pointer = 0;

    bool operator==(const X87State&) const = default;

    // ---- The stack
    [[nodiscard]] unsigned physical(unsigned index) const { return (top + index) & 7u; }
    [[nodiscard]] const Float80& st(unsigned index) const { return registers[physical(index)]; }
    [[nodiscard]] bool empty(unsigned index) const { return (occupied >> physical(index) & 1) == 0; }
    void set(unsigned index, const Float80& value) {
        registers[physical(index)] = value;
        occupied = static_cast<uint8_t>(occupied | 1u << physical(index));
    }
    void free(unsigned index) { occupied = static_cast<uint8_t>(occupied & ~(1u << physical(index))); }
    void rotate(int by) { top = static_cast<uint8_t>((top + static_cast<unsigned>(by)) & 7u); }
    void push(const Float80& value) {
        rotate(-1);
        set(0, value);
    }
    void pop() {
        free(0);
        rotate(1);
    }

    // ---- The words as instructions store and load them
    [[nodiscard]] uint16_t status_word() const {
        return static_cast<uint16_t>(status | top << x87_status::top_shift);
    }
    void set_status_word(uint16_t word) {
        constexpr uint16_t top_mask = 7u << x87_status::top_shift;
        top = static_cast<uint8_t>((word & top_mask) >> x87_status::top_shift);
        status = static_cast<uint16_t>(word & ~top_mask);
        summarise();
    }
    void set_control(uint16_t word) {
        control = static_cast<uint16_t>((word & x87_control::writable) | x87_control::always_set);
        summarise();
    }
    // ES, and B with it (SDM vol. 1, 8.1.3.3): is an exception pending that is not masked?
    void summarise() {
        constexpr uint16_t bits = x87_status::summary | x87_status::busy;
        const bool pending = (status & ~control & float_exception::all) != 0;
        status = static_cast<uint16_t>(pending ? status | bits : status & ~bits);
    }
    [[nodiscard]] uint16_t tag_word() const {
        unsigned word = 0;
        for (unsigned i = 0; i < 8; ++i)
            word |= tag(i) << (2 * i);
        return static_cast<uint16_t>(word);
    }
    void set_tag_word(uint16_t word) {
        unsigned bits = 0;
        for (unsigned i = 0; i < 8; ++i)
            bits |= (word >> (2 * i) & 3u) != tag_empty ? 1u << i : 0u;
        occupied = static_cast<uint8_t>(bits);
    }
    void finit() { // the data registers keep their contents
        control = x87_control::after_finit;
        status = 0;
        top = occupied = 0;
        opcode = code_selector = data_selector = 0;
        instruction_pointer = operand_pointer = 0;
    }

    // ---- MMX: any use of its registers makes all of them valid and TOP 0 (SDM vol. 3, 12.2)
    void enter_mmx() {
        top = 0;
        occupied = 0xFF;
    }
    [[nodiscard]] uint64_t mmx(unsigned index) const { return registers[index].significand; }
    void set_mmx(unsigned index, uint64_t value) { registers[index] = {value, 0xFFFF}; }

private:
    enum : unsigned { tag_valid = 0, tag_zero = 1, tag_special = 2, tag_empty = 3 };

    [[nodiscard]] unsigned tag(unsigned number) const {
        if ((occupied >> number & 1) == 0)
            return tag_empty;
        const Float80& value = registers[number];
        const unsigned exponent = value.sign_exponent & 0x7FFFu;
        if (exponent == 0 && value.significand == 0)
            return tag_zero;
        const bool normal = exponent != 0 && exponent != 0x7FFF && value.significand >> 63 != 0;
        return normal ? tag_valid : tag_special;
    }
};

} // namespace fixpoint::models
