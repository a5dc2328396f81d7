#include "tests/cpu/instruction_generator.hpp"

namespace fixpoint::models {

using namespace eflags;

void InstructionGenerator::instruction() {
    switch (below(20)) {
    case 0:
    case 1:
    case 2:
    case 3:
        return alu();
    case 4:
    case 5:
    case 6:
        return shift();
    case 7:
        return double_shift();
    case 8:
    case 9:
        return multiply_divide();
    case 10:
    case 11:
        return bits();
    case 12:
    case 13:
        return moves();
    case 14:
        return stack();
    case 15:
        return strings();
    case 16:
        return decimal();
    case 17:
        return exchange();
    case 18:
        return branch();
    default:
        return single_byte();
    }
}

void InstructionGenerator::alu() {
    const uint32_t operation = below(8);
    const bool with_carry = operation == 2 || operation == 3,
               logic = operation == 1 || operation == 4 || operation == 6;
    const unsigned size = size_with_prefix();
    const uint32_t kind = below(6);
    if (kind < 4)
        flags(with_carry ? cf : 0, all, logic ? af : 0);
    switch (kind) {
    case 0: // r/m, r
        byte(operation << 3 | wide_bit(size));
        return operand(size, below(8));
    case 1: // r, r/m
        byte(operation << 3 | 2 | wide_bit(size));
        return operand(size, destination(size), false, true);
    case 2: // accumulator, immediate
        byte(operation << 3 | 4 | wide_bit(size));
        return immediate(bytes_of(size), interesting());
    case 3: { // r/m, immediate
        const bool short_form = size != 0 && below(2) == 0;
        byte(size == 0 ? 0x80 : short_form ? 0x83 : 0x81);
        operand(size, operation);
        return immediate(short_form ? 1 : bytes_of(size), interesting());
    }
    case 4: // TEST
        flags(0, all, af);
        if (below(2) == 0) {
            byte(0x84 | wide_bit(size));
            return operand(size, below(8), false, true);
        }
        byte(0xF6 | wide_bit(size));
        operand(size, 0, false, true);
        return immediate(bytes_of(size), interesting());
    default: { // INC DEC NOT NEG
        const uint32_t which = below(4);
        if (which < 2) {
            flags(0, all & ~cf);
            byte(0xFE | wide_bit(size));
        } else {
            flags(0, which == 3 ? all : 0);
            byte(0xF6 | wide_bit(size));
        }
        return operand(size, which);
    }
    }
}

void InstructionGenerator::shift() {
    const uint32_t operation = below(8);
    const bool rotate = operation < 4, through_carry = operation == 2 || operation == 3;
    const unsigned size = size_with_prefix();
    const uint32_t kept =
        rotate ? 0 : all; // a count of 0 keeps the old flags: only defined ones may be there
    const uint32_t kind = below(3);
    if (kind == 0) { // by 1
        flags(through_carry ? cf : 0, rotate ? cf | of : all, rotate ? 0 : af);
        byte(0xD0 | wide_bit(size));
        return operand(size, operation);
    }
    const uint32_t large = static_cast<uint32_t>(8 * bytes_of(size));
    if (kind == 1) { // by an immediate
        const uint32_t count = word() & 0x3F, masked = count & 31;
        if (masked == 0)
            flags(0, 0);
        else
            flags(through_carry ? cf : 0, rotate ? cf : all,
                  (masked == 1 ? 0 : of) | (rotate ? 0 : af) |
                      (!rotate && operation != 7 && masked >= large ? cf : 0));
        byte(0xC0 | wide_bit(size));
        operand(size, operation);
        return byte(count);
    }
    // by CL: an unknown count
    flags((through_carry ? cf : 0) | kept, 0,
          of | (rotate ? 0 : af | (operation != 7 && size != 2 ? cf : 0)));
    byte(0xD2 | wide_bit(size));
    operand(size, operation);
}

void InstructionGenerator::double_shift() {
    const unsigned size = size_with_prefix(false);
    const uint32_t right = below(2) * 8;
    const uint32_t count = below(size == 1 ? 17 : 32);
    if (count != 0)
        flags(0, all, af | (count == 1 ? 0 : of));
    byte(0x0F);
    byte(0xA4 | right);
    operand(size, below(8));
    byte(count);
}

void InstructionGenerator::multiply_divide() {
    const uint32_t kind = below(4);
    const uint32_t others = sf | zf | af | pf;
    if (kind == 0) {
        const unsigned size = size_with_prefix();
        flags(0, cf | of, others);
        byte(0xF6 | wide_bit(size));
        return operand(size, 4 + below(2), false, true);
    }
    if (kind == 1) { // may fault: the test looks at what the model says
        const unsigned size = size_with_prefix();
        flags(0, 0, all);
        byte(0xF6 | wide_bit(size));
        return operand(size, 6 + below(2), false, true);
    }
    const unsigned size = size_with_prefix(false);
    flags(0, cf | of, others);
    if (kind == 2) {
        byte(0x0F);
        byte(0xAF);
        return operand(size, destination(size), false, true);
    }
    const bool short_form = below(2) == 0;
    byte(short_form ? 0x6B : 0x69);
    operand(size, destination(size), false, true);
    immediate(short_form ? 1 : bytes_of(size), interesting());
}

void InstructionGenerator::bits() {
    const unsigned size = size_with_prefix(false);
    switch (below(4)) {
    case 0: // BSF BSR: nothing is defined for a zero source but ZF, and the destination stays on every
        // processor
        flags(0, zf, cf | of | sf | af | pf);
        byte(0x0F);
        byte(0xBC | below(2));
        return operand(size, destination(size), false, true);
    case 1: // BT BTS BTR BTC by an immediate
        flags(0, cf, of | sf | af | pf);
        byte(0x0F);
        byte(0xBA);
        operand(size, 4 + below(4));
        return byte(word());
    case 2: // by EBX, small: memory stays near
        flags(0, cf, of | sf | af | pf);
        byte(0x0F);
        byte(0xA3 | below(4) << 3);
        return operand(size, 3);
    default: // BSWAP
        if (size == 1)
            code_.pop_back();
        flags(0, 0);
        byte(0x0F);
        byte(0xC8 | destination(2));
    }
}

void InstructionGenerator::moves() {
    switch (below(7)) {
    case 0: {
        const unsigned size = size_with_prefix();
        byte(0x88 | wide_bit(size));
        return operand(size, below(8));
    }
    case 1: {
        const unsigned size = size_with_prefix();
        byte(0x8A | wide_bit(size));
        return operand(size, destination(size), false, true);
    }
    case 2: {
        const unsigned size = size_with_prefix();
        byte(0xC6 | wide_bit(size));
        operand(size, 0);
        return immediate(bytes_of(size), interesting());
    }
    case 3: { // MOVZX MOVSX
        const unsigned size = size_with_prefix(false);
        byte(0x0F);
        byte(0xB6 | below(2) << 3 | below(2));
        return operand(size, destination(size), false, true);
    }
    case 4: { // CMOVcc
        const unsigned size = size_with_prefix(false);
        flags(all, 0);
        byte(0x0F);
        byte(0x40 | below(16));
        return operand(size, destination(size), false, true);
    }
    case 5: // SETcc
        flags(all, 0);
        byte(0x0F);
        byte(0x90 | below(16));
        return operand(0, 0);
    default: // LEA, with 16- and 32-bit addresses
        if (below(3) == 0) {
            byte(0x67);
            byte(0x8D);
            byte(0x80 | destination(2) << 3 | below(8));
            return immediate(2, word());
        }
        byte(0x8D);
        return operand(2, destination(2), true);
    }
}

void InstructionGenerator::stack() {
    const unsigned size = below(5) == 0 ? 1 : 2;
    if (size == 1)
        byte(0x66);
    switch (below(9)) {
    case 0:
        return byte(0x50 | below(8));
    case 1:
        return byte(0x58 | destination(2));
    case 2:
        byte(0x68);
        return immediate(bytes_of(size), word());
    case 3:
        byte(0x6A);
        return byte(word());
    case 4:
        byte(0xFF);
        return operand(size, 6, false, true);
    case 5:
        byte(0x8F);
        return operand(size, 0);
    case 6:
        return byte(0x60); // PUSHA
    case 7:                // PUSHF, and back into a register
        flags(all, 0);
        byte(0x9C);
        if (size == 1)
            byte(0x66);
        return byte(0x58 | destination(2));
    default: // ENTER with a small frame; EBP is put back by POP from its place: LEAVE
        byte(0xC8);
        immediate(2, below(64));
        byte(0);
        if (size == 1)
            byte(0x66);
        return byte(0xC9);
    }
}

void InstructionGenerator::strings() {
    const bool repeated = below(2) == 0;
    const uint32_t opcodes[] = {0xA4, 0xA6, 0xAA, 0xAC, 0xAE};
    const uint32_t opcode = opcodes[below(5)];
    const bool compares = opcode == 0xA6 || opcode == 0xAE;
    byte(0xBE); // mov esi, mov edi, mov ecx
    immediate(4, NativeProcessor::data + 0x600 + below(0x400));
    byte(0xBF);
    immediate(4, NativeProcessor::data + 0x600 + below(0x400));
    const uint32_t count = below(80);
    byte(0xB9);
    immediate(4, count);
    const unsigned size = size_with_prefix();
    if (repeated)
        byte(compares ? 0xF2 | below(2) : 0xF3);
    if (compares && !(repeated && count == 0))
        flags(0, all);
    byte(opcode | wide_bit(size));
}

void InstructionGenerator::decimal() {
    switch (below(6)) {
    case 0:
    case 1:
        flags(af | cf, all, of);
        return byte(0x27 | below(2) << 3); // DAA DAS
    case 2:
    case 3:
        flags(af | cf, af | cf, of | sf | zf | pf);
        return byte(0x37 | below(2) << 3); // AAA AAS
    case 4:
        flags(0, sf | zf | pf, of | af | cf);
        byte(0xD4);
        return byte(1 + below(255));
    default:
        flags(0, sf | zf | pf, of | af | cf);
        byte(0xD5);
        return byte(word());
    }
}

void InstructionGenerator::exchange() {
    switch (below(4)) {
    case 0: {
        const unsigned size = size_with_prefix();
        byte(0x86 | wide_bit(size));
        return operand(size, destination(size));
    }
    case 1: {
        const unsigned size = size_with_prefix();
        flags(0, all);
        byte(0x0F);
        byte(0xC0 | wide_bit(size));
        return operand(size, destination(size));
    }
    case 2: {
        const unsigned size = size_with_prefix();
        flags(0, all);
        byte(0x0F);
        byte(0xB0 | wide_bit(size));
        return operand(size, below(8));
    }
    default:
        flags(0, zf);
        byte(0x0F);
        byte(0xC7);
        return operand(2, 1, true);
    }
}

void InstructionGenerator::branch() {
    switch (below(5)) {
    case 0: // Jcc over LEA reg, [ESI]: two bytes that change a register and no flag
        flags(all, 0);
        byte(0x70 | below(16));
        byte(2);
        byte(0x8D);
        return byte(destination(2) << 3 | 6);
    case 1: // CALL and take the return address away
        byte(0xE8);
        immediate(4, 0);
        return byte(0x58 | destination(2));
    case 2: // CALL to a RET 4 that is jumped over: push; call +2; jmp +3; ret 4
        byte(0x50);
        byte(0xE8);
        immediate(4, 2);
        byte(0xEB);
        byte(3);
        byte(0xC2);
        return immediate(2, 4);
    case 3: // LOOPcc, JECXZ
        flags(zf, 0);
        byte(0xE0 | below(4));
        byte(2);
        byte(0x8D);
        return byte(destination(2) << 3 | 7);
    default: { // an indirect jump to the next instruction: call +0; pop edx; add edx, 6; jmp edx
        flags(0, all);
        byte(0xE8);
        immediate(4, 0);
        byte(0x5A);
        byte(0x83);
        byte(0xC2);
        byte(6);
        byte(0xFF);
        return byte(0xE2);
    }
    }
}

void InstructionGenerator::single_byte() {
    switch (below(9)) {
    case 0:
        byte(0x66);
        [[fallthrough]];
    case 1:
        return byte(0x98 | below(2));
    case 2:
        flags(cf, cf);
        return byte(0xF5);
    case 3:
        flags(0, cf);
        return byte(0xF8 | below(2));
    case 4:
        return byte(0xFC | below(2));
    case 5:
        flags(all & ~of, 0);
        return byte(0x9F);
    case 6:
        flags(0, all & ~of);
        return byte(0x9E);
    case 7: // INC, DEC of a register; MOV immediate
        if (below(2) == 0) {
            flags(0, all & ~cf);
            return byte(0x40 | below(2) << 3 | destination(2));
        }
        byte(0xB8 | destination(2));
        return immediate(4, interesting());
    default: // SALC
        flags(cf, 0);
        return byte(0xD6);
    }
}

} // namespace fixpoint::models
