// Random x87 and MMX instructions, with operands of every class of number and near the formats' edges. Memory operands
// are absolute addresses in one page of data.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace fixpoint::native {

class X87InstructionGenerator {
public:
    // The page: operands, where FXSAVE and FSAVE write, and what FRSTOR, FLDCW, FLDENV, FBLD and FXRSTOR load.
    static constexpr uint32_t operand_bytes = 0x600, extended_area = 0x600, initial_image = 0x800,
                              image = 0x880, control_words = 0x900, environment = 0x940,
                              final_extended = 0xA00, final_environment = 0xC00, save_area = 0xC40,
                              decimals = 0xCC0, extended_image = 0xE00;

    X87InstructionGenerator(uint64_t seed, uint32_t data_address) : random_{seed}, data_{data_address} {}

    void fill(std::span<uint8_t> page); // all but the initial image
    // The state that FRSTOR makes before a sequence. `masked`: no exception is unmasked, else none is pending.
    void put_initial_state(std::span<uint8_t> page, bool masked);
    using Code = std::vector<uint8_t>;
    // No transcendental instructions; if several, each with FINCSTP and FDECSTP behind it, which clear C1.
    // `pointers_known` becomes false if FXRSTOR, which on some processors leaves the last instruction's pointers alone,
    // is among them.
    [[nodiscard]] std::vector<Code> sequence(unsigned count, bool& pointers_known);
    // Operands of magnitudes below 1/8, zeros, infinities, NaNs and empty registers.
    void put_moderate_state(std::span<uint8_t> page);
    [[nodiscard]] Code function();       // a transcendental one, FPREM or FPREM1
    [[nodiscard]] Code prologue() const; // FRSTOR of the initial state
    [[nodiscard]] Code epilogue() const; // FXSAVE, FNSTENV and FNINIT

    [[nodiscard]] uint32_t below(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }
    [[nodiscard]] uint32_t word() { return static_cast<uint32_t>(random_() >> 32); }

private:
    void memory_operand(Code& code, unsigned reg, uint32_t offset) const;
    void arithmetic(Code& code);
    void transfer(Code& code);
    void registers(Code& code);
    void control(Code& code, bool& pointers_known);
    void mmx(Code& code);
    void put_number(uint8_t* to);
    void put_operand(uint8_t* to);
    void put_environment(uint8_t* to, bool masked);
    [[nodiscard]] uint16_t control_word(bool masked);
    [[nodiscard]] uint32_t operand_offset() {
        return below(operand_bytes / 16 - 1) * 16 + (below(4) == 0 ? below(16) : 0);
    }

    std::mt19937_64 random_;
    uint32_t data_;
};

} // namespace fixpoint::native
