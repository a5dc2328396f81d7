// What always raises an exception: traps, privileged instructions, undefined opcodes.
#include "tests/native/instruction_generator.hpp"

#include <iterator>

namespace fixpoint::native {

using namespace models;
using namespace models::eflags;

void InstructionGenerator::trap() {
    begin(byte_size, false);
    switch (below(3)) {
    case 0:
        effect(of, 0);
        byte(0xCE);
        break;
    case 1:
        byte(0xCC);
        break;
    default: {
        constexpr uint32_t system_call = 0x80;
        const uint32_t number = word() & 0xFF;
        opcode({0xCD, number == system_call ? 3 : number});
    }
    }
    lock(false);
    end();
}

// Instructions that level 3 may not execute.
void InstructionGenerator::privileged() {
    begin(wide_size());
    switch (below(8)) {
    case 0: {
        constexpr uint32_t bytes[] = {0xF4, 0xFA, 0xFB, 0xEC, 0xED, 0xEE, 0xEF, 0x6C, 0x6D, 0x6E, 0x6F};
        byte(bytes[below(std::size(bytes))]);
        break;
    }
    case 1: {
        constexpr uint32_t bytes[] = {0xE4, 0xE5, 0xE6, 0xE7};
        opcode({bytes[below(4)], word()});
        break;
    }
    case 2: {
        constexpr uint32_t bytes[] = {0x06, 0x08, 0x09, 0x30, 0x32};
        opcode({0x0F, bytes[below(5)]});
        break;
    }
    case 3: { // MOV with CR0, CR2, CR3
        constexpr uint32_t registers[] = {0, 2, 3};
        opcode({0x0F, 0x20 | below(2) << 1, 0xC0 | registers[below(3)] << 3 | below(8)});
        break;
    }
    case 4: { // MOV with DR0-3, DR6, DR7
        constexpr uint32_t registers[] = {0, 1, 2, 3, 6, 7};
        opcode({0x0F, 0x21 | below(2) << 1, 0xC0 | registers[below(6)] << 3 | below(8)});
        break;
    }
    case 5: // LLDT LTR
        opcode({0x0F, 0x00});
        operand(2 + below(2), word_size, Access::read);
        break;
    case 6: // LGDT LIDT INVLPG
        opcode({0x0F, 0x01});
        memory_operand(chance(3) ? 7 : 2 + below(2), 6, Access::read);
        break;
    default: // LMSW
        opcode({0x0F, 0x01});
        operand(6, word_size, Access::read);
    }
    end();
}

void InstructionGenerator::undefined_opcode() {
    begin(wide_size());
    switch (below(7)) {
    case 0: {
        constexpr uint32_t bytes[] = {0x04, 0x0A, 0x0B, 0x0C, 0x24, 0x26, 0x27, 0x36, 0xA6, 0xA7, 0xAA};
        opcode({0x0F, bytes[below(std::size(bytes))], 0xC0});
        break;
    }
    case 1: // MOV to CS; segment registers that do not exist
        opcode({chance(2) ? 0x8Eu : 0x8Cu});
        register_operand(chance(2) ? 6 + below(2) : 6, below(8));
        break;
    case 2:
        byte(0x8E);
        register_operand(seg_cs, below(8));
        break;
    case 3: // LEA of a register
        byte(0x8D);
        register_operand(below(8), below(8));
        break;
    case 4: // FE /2-7, FF /7
        byte(0xFE);
        operand(2 + below(6), byte_size, Access::read);
        break;
    case 5:
        byte(0xFF);
        operand(7, dword_size, Access::read);
        break;
    default: // C6 /1-6, and CMPXCHG8B of a register
        if (chance(2)) {
            byte(0xC6);
            operand(1 + below(6), byte_size, Access::read);
            byte(0);
        } else {
            opcode({0x0F, 0xC7});
            register_operand(1, below(8));
        }
    }
    end();
}

// Of 14 to 18 bytes, by prefixes: more than 15 are a #GP (SDM vol. 2, 2.1; vol. 3, 6.15).
void InstructionGenerator::long_instruction() {
    begin(dword_size);
    switch (below(4)) {
    case 0: {
        const unsigned reg = destination(dword_size);
        byte(0xB8 | reg);
        immediate(4, word());
        forget(reg);
        break;
    }
    case 1:
        effect(all, all & ~cf);
        byte(0x40 | destination(dword_size));
        break;
    case 2:
        opcode({0x0F, 0xC8 | destination(dword_size)}); // BSWAP
        break;
    default:
        effect(0, all);
        byte(0x3D); // CMP
        immediate(4, word());
    }
    const size_t length = 14 + below(5);
    while (now_.prefixes.size() + now_.rest.size() < length)
        prefix(segment_prefixes[below(6)]); // without effect on a register
    steady_ = true;
    end();
}

} // namespace fixpoint::native
