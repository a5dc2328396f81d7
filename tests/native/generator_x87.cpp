// x87 and MMX: values of every format from memory, an operation or two, and the result back to memory, where the
// comparison sees it. Their own narrower tests look at the whole state (x87_native_test.cpp); here they
// meet segments, faults, alignment checks and steps.
//
// Left out: the environment in memory (FNSTENV, FNSAVE, FXSAVE), whose instruction and operand pointers differ between
// makers, and transcendental functions.
#include "tests/native/instruction_generator.hpp"

#include <iterator>

namespace fixpoint::native {

using namespace models;
using namespace models::eflags;

namespace {

struct MemoryForm {
    uint8_t opcode, field;
    uint32_t bytes;
};

} // namespace

void InstructionGenerator::x87_memory(uint32_t opcode_byte, unsigned field, uint32_t bytes, Access access) {
    begin(dword_size, false);
    byte(opcode_byte);
    memory_operand(field, bytes, access);
    end();
}

void InstructionGenerator::x87_load() {
    constexpr MemoryForm loads[] = {{0xD9, 0, 4}, {0xDD, 0, 8}, {0xDB, 5, 10}, {0xDF, 0, 2},
                                    {0xDB, 0, 4}, {0xDF, 5, 8}, {0xDF, 4, 10}};
    if (chance(4)) { // FLD1 FLDL2T FLDL2E FLDPI FLDLG2 FLDLN2 FLDZ
        begin(dword_size, false);
        opcode({0xD9, 0xE8 + below(7)});
        return end();
    }
    const MemoryForm& form = loads[below(std::size(loads))];
    x87_memory(form.opcode, form.field, form.bytes, Access::read);
}

void InstructionGenerator::x87_operation() {
    begin(dword_size, false);
    switch (below(6)) {
    case 0: // FADD FMUL FSUB FSUBR FDIV FDIVR, with a register or memory of each format
    {
        constexpr uint32_t fields[] = {0, 1, 4, 5, 6, 7};
        constexpr MemoryForm forms[] = {{0xD8, 0, 4}, {0xDC, 0, 8}, {0xDA, 0, 4}, {0xDE, 0, 2}};
        const uint32_t field = fields[below(6)];
        if (chance(2)) {
            opcode({chance(2) ? 0xD8u : 0xDCu, 0xC0 | field << 3 | below(8)});
            break;
        }
        const MemoryForm& form = forms[below(4)];
        return x87_memory(form.opcode, field, form.bytes, Access::read);
    }
    case 1: { // FCHS FABS FSQRT FRNDINT FSCALE FXCH FNCLEX
        constexpr uint32_t operations[][2] = {{0xD9, 0xE0}, {0xD9, 0xE1}, {0xD9, 0xFA}, {0xD9, 0xFC},
                                              {0xD9, 0xFD}, {0xD9, 0xC9}, {0xDB, 0xE2}};
        const auto& chosen = operations[below(std::size(operations))];
        opcode({chosen[0], chosen[1]});
        break;
    }
    case 2: // FCOMI FUCOMI: all flags but AF and SF, which are cleared with OF
        opcode({0xDB, (chance(2) ? 0xF0u : 0xE8u) | below(8)});
        effect(0, zf | pf | cf, of | sf | af);
        break;
    case 3: // FCMOVcc
        effect(all, 0);
        opcode({0xDA | below(2), 0xC0 | below(4) << 3 | below(8)});
        break;
    case 4: { // the control word, sometimes with exceptions unmasked
        const uint32_t at = pick_offset(table_.find(state_.selector[seg_ds]), 2, true);
        // Unmasked invalid operands, overflow and underflow keep a store from storing; whether it then still faults
        // is the processor's affair. An unmasked denormal operand stops a load before it pushes (SDM vol. 1, 8.5.2), but
        // not on AMD's processors.
        constexpr uint32_t all_masked = 0x7F, always_masked = 0x5B, precision_and_rounding = 0xF00;
        const uint32_t control = (word() & precision_and_rounding) | always_masked |
                                 (chance(8) ? word() & all_masked : all_masked);
        const auto direct = [&](unsigned field) {
            if (!code32())
                prefix(0x67);
            byte(field << 3 | 5);
            immediate(4, at);
        };
        begin(word_size);
        byte(0xC7);
        direct(0);
        immediate(2, control);
        end();
        begin(dword_size, false);
        byte(0xD9);
        direct(5);
        break;
    }
    default: // the status word without condition codes (AMD's FCOMI leaves C1 as it was): FNSTSW AX, AND AX
        if (state_.steps) { // which a step would show: FNCLEX
            opcode({0xDB, 0xE2});
            break;
        }
        opcode({0xDF, 0xE0});
        end();
        forget(reg_eax);
        begin(word_size);
        byte(0x25);
        immediate(2, 0xB8FF);
        effect(0, all, af);
    }
    end();
}

void InstructionGenerator::x87() {
    const uint32_t loads = 1 + below(2), operations = below(4);
    for (uint32_t i = 0; i < loads; ++i)
        x87_load();
    for (uint32_t i = 0; i < operations; ++i)
        x87_operation();
    constexpr MemoryForm stores[] = {{0xD9, 3, 4}, {0xDD, 3, 8}, {0xDB, 7, 10}, {0xDB, 7, 10},
                                     {0xDF, 3, 2}, {0xDB, 3, 4}, {0xDF, 7, 8},  {0xDF, 6, 10}};
    for (uint32_t i = 0; i < loads; ++i) {
        const MemoryForm& form = stores[below(std::size(stores))];
        x87_memory(form.opcode, form.field, form.bytes, Access::write);
    }
}

void InstructionGenerator::mmx() {
    // PUNPCK, PCMPGT, PACK, PCMPEQ, PSRL, PMUL, PSUB, PAND, PADD...: register, register or memory.
    constexpr uint8_t operations[] = {0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A,
                                      0x6B, 0x74, 0x75, 0x76, 0xD1, 0xD2, 0xD3, 0xD5, 0xD8, 0xD9, 0xDB,
                                      0xDC, 0xDD, 0xDF, 0xE1, 0xE2, 0xE5, 0xE8, 0xE9, 0xEB, 0xEC, 0xED,
                                      0xEF, 0xF1, 0xF2, 0xF3, 0xF5, 0xF8, 0xF9, 0xFA, 0xFC, 0xFD, 0xFE};
    const uint32_t target = below(8);
    const auto with_memory = [&](uint32_t code, uint32_t reg, uint32_t bytes, Access access) {
        begin(dword_size, false);
        opcode({0x0F, code});
        memory_operand(reg, bytes, access);
        end();
    };
    with_memory(0x6F, target, 8, Access::read); // MOVQ
    for (uint32_t i = below(4); i > 0; --i) {
        const uint32_t operation = operations[below(std::size(operations))];
        if (chance(2)) {
            // An unpacking of low halves reads 32 bits (SDM vol. 2, PUNPCKL); P6 and later differ in how much they
            // touch: it is left to registers.
            const bool low = operation >= 0x60 && operation <= 0x62;
            if (!low) {
                with_memory(operation, target, 8, Access::read);
                continue;
            }
        }
        begin(dword_size, false);
        opcode({0x0F, operation, 0xC0 | target << 3 | below(8)});
        end();
    }
    with_memory(0x7F, target, 8, Access::write);
    begin(dword_size, false);
    opcode({0x0F, 0x77}); // EMMS
    end();
}

} // namespace fixpoint::native
