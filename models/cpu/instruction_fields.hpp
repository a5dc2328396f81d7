// An instruction's fields as the opcode maps need them, between Zydis and the handlers.
#pragma once

#include "models/cpu/cpuid.hpp"
#include "models/cpu/decoder.hpp"
#include "models/cpu/handlers.hpp"

namespace fixpoint::models {

struct InstructionFields {
    uint8_t opcode;
    bool has_modrm, memory; // memory: ModRM names memory, not a register
    uint8_t reg, rm;        // of ModRM
    uint8_t modrm;
    bool prefixed;     // 66, F2 or F3, which the maps of SSE read as part of the opcode
    unsigned wide;     // log2 of the operand size: 1 or 2
    bool wide_address; // 32-bit
    bool flat; // see memory_access.hpp; also right for the stack and, without override, string operands
    bool flat_stack;
    bool flat_string;
    bool lock;
    uint32_t immediate, second_immediate;
    unsigned immediate_bytes;
    uint32_t displacement; // as encoded, also that of MOV's memory offsets
    Op* op;
    Cost* cost;
    Decoded* decoded;
    const CpuParameters* parameters;

    [[nodiscard]] unsigned size() const { return (opcode & 1) != 0 ? wide : 0; } // by the opcode's lowest bit

    // Byte offset of a register operand in Core::registers.
    [[nodiscard]] static uint8_t offset(unsigned number, unsigned size_log2) {
        const bool high_byte = size_log2 == 0 && number >= 4;
        return static_cast<uint8_t>(high_byte ? (number - 4) * 4 + 1 : number * 4);
    }
    void set_reg(unsigned size_log2) const { op->reg = offset(reg, size_log2); }
    void set_rm(unsigned size_log2) const { op->rm = offset(rm, size_log2); }

    void costs(uint32_t micro_ops, uint32_t extra_cycles = 0) const { *cost = {micro_ops, extra_cycles}; }
    void ends() const { decoded->ends_block = true; }
    void branches() const {
        decoded->ends_block = true;
        decoded->relative = true;
    }
    [[nodiscard]] Handler undefined() const;
    // Instructions that came with a feature are undefined without it.
    [[nodiscard]] bool lacks(uint32_t feature_bit) const {
        return (cpu_features(*parameters) & feature_bit) == 0;
    }
};

// The handler of an instruction of the one-byte map and of the map after 0F; also sets the Op's operands and
// the cost.
Handler decode_one_byte(const InstructionFields& f);
Handler decode_two_byte(const InstructionFields& f);
Handler decode_x87(const InstructionFields& f);       // D8-DF
Handler decode_x87_state(const InstructionFields& f); // 0F AE: FXSAVE, FXRSTOR
Handler decode_mmx(const InstructionFields& f);       // after 0F; nullptr: no instruction of MMX

} // namespace fixpoint::models
