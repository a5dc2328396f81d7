// Random IA-32 user instructions whose outcome the manual defines, for the differential test.
//
// EBP (a pointer into the data area) and EBX (a small index) are never written, so memory operands stay in
// the data area; ESP moves by pushes and pops only. A generator that reads a flag the sequence so far left
// undefined is skipped.
#pragma once

#include "models/cpu/flags.hpp"
#include "tests/cpu/native_processor.hpp"

#include <random>
#include <vector>

namespace fixpoint::models {

class InstructionGenerator {
public:
    explicit InstructionGenerator(uint64_t seed) : random_{seed} {}

    // A sequence of `count` instructions; undefined_flags() are those that it leaves undefined.
    std::vector<uint8_t> sequence(unsigned count) {
        code_.clear();
        undefined_ = 0;
        for (unsigned made = 0; made < count;) {
            const size_t before = code_.size();
            const uint32_t undefined_before = undefined_;
            skipped_ = false;
            instruction();
            if (skipped_) {
                code_.resize(before);
                undefined_ = undefined_before;
            } else {
                ++made;
            }
        }
        return code_;
    }
    [[nodiscard]] uint32_t undefined_flags() const { return undefined_; }

    NativeRegisters registers() {
        NativeRegisters r{};
        for (uint32_t& value : r.general)
            value = interesting();
        r.general[3] = below(64);                                          // EBX
        r.general[4] = NativeProcessor::stack_top - 0x400 - below(16) * 4; // ESP
        r.general[5] = NativeProcessor::data + 0x400 + below(0x400);       // EBP
        r.eflags = 0x202 | (word() & (eflags::arithmetic | eflags::df));
        return r;
    }
    uint32_t word() { return static_cast<uint32_t>(random_()); }
    uint32_t below(uint32_t limit) { return word() % limit; }

private:
    static constexpr uint32_t all = eflags::arithmetic;
    static constexpr uint32_t ebp = 5, esp = 4;

    // Values at the edges of the operand sizes are as likely as any other.
    uint32_t interesting() {
        constexpr uint32_t edges[] = {0,      1,      0x7F,        0x80,        0xFF, 0x7FFF,
                                      0x8000, 0xFFFF, 0x7FFF'FFFF, 0x8000'0000, ~0u};
        return below(2) == 0 ? word() : edges[below(11)] + below(3) - 1;
    }
    void byte(uint32_t value) { code_.push_back(static_cast<uint8_t>(value)); }
    void immediate(unsigned bytes, uint32_t value) {
        for (unsigned i = 0; i < bytes; ++i)
            byte(value >> (8 * i));
    }
    // What an instruction does to the flags.
    void flags(uint32_t reads, uint32_t defines, uint32_t leaves_undefined = 0) {
        if ((undefined_ & reads) != 0)
            skipped_ = true;
        undefined_ = (undefined_ & ~defines) | leaves_undefined;
    }
    // A register that may be written; size 0: one of AL CL DL AH CH DH.
    uint32_t destination(unsigned size) {
        constexpr uint32_t words[] = {0, 1, 2, 6, 7}, bytes[] = {0, 1, 2, 4, 5, 6};
        return size == 0 ? bytes[below(6)] : words[below(5)];
    }
    // ModRM with a destination register or memory as r/m.
    void operand(unsigned size, uint32_t reg, bool memory_only = false, bool read_only = false) {
        switch (below(memory_only ? 4 : 7)) {
        case 0:
            byte(reg << 3 | 5);
            immediate(4, NativeProcessor::data + below(0xF00));
            return;
        case 1:
            byte(0x40 | reg << 3 | ebp);
            byte(word());
            return;
        case 2:
            byte(0x80 | reg << 3 | ebp);
            immediate(4, below(0x200));
            return;
        case 3: // EBP + EBX * scale + disp8
            byte(0x44 | reg << 3);
            byte(below(4) << 6 | 3 << 3 | ebp);
            byte(word());
            return;
        default:
            byte(0xC0 | reg << 3 | (read_only ? below(8) : destination(size)));
        }
    }
    // Operand size: 0 bytes, 1 words (with prefix), 2 doublewords.
    unsigned size_with_prefix(bool allow_byte = true) {
        const unsigned size = allow_byte ? below(3) : 1 + below(2);
        if (size == 1)
            byte(0x66);
        return size;
    }
    static uint32_t wide_bit(unsigned size) { return size == 0 ? 0u : 1u; }
    static unsigned bytes_of(unsigned size) { return 1u << size; }

    void instruction();
    void alu();
    void shift();
    void double_shift();
    void multiply_divide();
    void bits();
    void moves();
    void stack();
    void strings();
    void decimal();
    void exchange();
    void branch();
    void single_byte();

    std::mt19937_64 random_;
    std::vector<uint8_t> code_;
    uint32_t undefined_ = 0;
    bool skipped_ = false;
};

} // namespace fixpoint::models
