// Arithmetic, logic, shifts, bits. Which flags an instruction leaves undefined: SDM vol. 1, appendix A, and the
// instructions' own pages in vol. 2.
#include "tests/native/instruction_generator.hpp"

namespace fixpoint::native {

using namespace models;
using namespace models::eflags;

void InstructionGenerator::alu() {
    const unsigned operation = below(8), size = any_size();
    enum : unsigned { op_or = 1, op_adc = 2, op_sbb = 3, op_and = 4, op_xor = 6, op_cmp = 7 };
    const bool with_carry = operation == op_adc || operation == op_sbb,
               logic = operation == op_or || operation == op_and || operation == op_xor;
    const Access written = operation == op_cmp ? Access::read : Access::write;
    const bool may_lock = operation != op_cmp;
    begin(size);
    effect(with_carry ? cf : 0, all, logic ? af : 0);
    switch (below(4)) {
    case 0: { // r/m, r
        byte(operation << 3 | wide_bit(size));
        lock(operand(below(8), size, written) && may_lock);
        break;
    }
    case 1: // r, r/m
        byte(operation << 3 | 2 | wide_bit(size));
        operand(destination(size), size, Access::read);
        lock(false);
        break;
    case 2: // accumulator, immediate
        byte(operation << 3 | 4 | wide_bit(size));
        immediate(bytes_of(size), interesting());
        forget(reg_eax);
        break;
    default: { // r/m, immediate; 82 is 80 once more
        const bool short_form = size != byte_size && chance(2);
        byte(size == byte_size ? (chance(4) ? 0x82 : 0x80) : short_form ? 0x83 : 0x81);
        lock(operand(operation, size, written) && may_lock);
        immediate(short_form ? 1 : bytes_of(size), interesting());
    }
    }
    end();
}

void InstructionGenerator::test() {
    const unsigned size = any_size();
    begin(size);
    effect(0, all, af);
    switch (below(3)) {
    case 0:
        byte(0x84 | wide_bit(size));
        operand(below(8), size, Access::read);
        break;
    case 1:
        byte(0xA8 | wide_bit(size));
        immediate(bytes_of(size), interesting());
        break;
    default: // F6 /1 is F6 /0 once more
        byte(0xF6 | wide_bit(size));
        operand(below(2), size, Access::read);
        immediate(bytes_of(size), interesting());
    }
    lock(false);
    end();
}

void InstructionGenerator::unary() {
    const unsigned which = below(4); // INC DEC NOT NEG
    if (which < 2 && chance(3)) {
        const unsigned size = wide_size(), reg = destination(size);
        begin(size);
        byte(0x40 | which << 3 | reg);
        end();
        return effect(0, all & ~cf);
    }
    const unsigned size = any_size();
    begin(size);
    effect(0, which < 2 ? all & ~cf : which == 3 ? all : 0);
    byte((which < 2 ? 0xFE : 0xF6) | wide_bit(size));
    lock(operand(which, size, Access::write));
    end();
}

void InstructionGenerator::shift() {
    const unsigned operation = below(8), size = any_size();
    enum : unsigned { op_rcl = 2, op_rcr = 3, op_sar = 7 };
    const bool rotate = operation < 4, through_carry = operation == op_rcl || operation == op_rcr;
    const uint32_t bits = 8 * bytes_of(size);
    begin(size);
    switch (below(3)) {
    case 0: // by 1
        effect(through_carry ? cf : 0, rotate ? cf | of : all, rotate ? 0 : af);
        byte(0xD0 | wide_bit(size));
        operand(operation, size, Access::write);
        break;
    case 1: { // by an immediate
        const uint32_t count = chance(4) ? word() & 0xFF : word() & 0x1F, masked = count & 31;
        if (masked != 0)
            effect(through_carry ? cf : 0, rotate ? cf : all & ~of,
                   (masked == 1 ? 0 : of) | (rotate ? 0 : af) |
                       (!rotate && operation != op_sar && masked >= bits ? cf : 0));
        if (masked == 1)
            effect(0, of);
        byte(0xC0 | wide_bit(size));
        operand(operation, size, Access::write);
        byte(count);
        break;
    }
    default: // by CL: an unknown count, which may be 0 and keep all flags
        effect(through_carry ? cf : 0, 0,
               of | (rotate ? 0 : af | (operation != op_sar && size != dword_size ? cf : 0)));
        byte(0xD2 | wide_bit(size));
        operand(operation, size, Access::write);
    }
    lock(false);
    end();
}

void InstructionGenerator::double_shift() {
    const unsigned size = wide_size(), right = below(2) * 8;
    begin(size);
    if (size == dword_size && chance(3)) { // by CL
        effect(0, 0, af | of);
        opcode({0x0F, 0xA5 | right});
        operand(below(8), size, Access::write);
        return end();
    }
    const uint32_t count = below(size == word_size ? 17 : 32);
    if (count != 0)
        effect(0, all & ~(of | af), af | (count == 1 ? 0 : of));
    if (count == 1)
        effect(0, of);
    opcode({0x0F, 0xA4 | right});
    operand(below(8), size, Access::write);
    byte(count | (chance(4) ? 0xE0 : 0));
    lock(false);
    end();
}

void InstructionGenerator::multiply_divide() {
    const unsigned size = any_size(), operation = 4 + below(4);
    const bool divide = operation >= 6;
    if (divide && chance(2)) { // a dividend that has a quotient more often than not
        begin(dword_size);
        byte(0x99); // CDQ
        end();
        if (size == byte_size) {
            begin(word_size);
            opcode({0x0F, 0xB6, 0xC0}); // MOVZX AX, AL
            end();
        }
    }
    begin(size);
    effect(0, divide ? 0 : cf | of, divide ? all : sf | zf | af | pf);
    byte(0xF6 | wide_bit(size));
    operand(operation, size, Access::read);
    lock(false);
    end();
    forget(reg_eax);
    forget(reg_edx);
}

void InstructionGenerator::imul() {
    const unsigned size = wide_size();
    begin(size);
    effect(0, cf | of, sf | zf | af | pf);
    if (chance(2)) {
        opcode({0x0F, 0xAF});
        operand(destination(size), size, Access::read);
    } else {
        const bool short_form = chance(2);
        byte(short_form ? 0x6B : 0x69);
        operand(destination(size), size, Access::read);
        immediate(short_form ? 1 : bytes_of(size), interesting());
    }
    lock(false);
    end();
}

void InstructionGenerator::bit_scan() {
    const unsigned size = wide_size();
    begin(size);
    effect(0, zf, cf | of | sf | af | pf);
    opcode({0x0F, 0xBC | below(2)});
    operand(destination(size), size, Access::read);
    end();
}

void InstructionGenerator::bit_test() {
    const unsigned size = wide_size(), operation = below(4); // BT BTS BTR BTC
    begin(size);
    effect(0, cf, of | sf | af | pf);
    const Access access = operation == 0 ? Access::read : Access::write;
    if (chance(2)) {
        opcode({0x0F, 0xBA});
        lock(operand(4 + operation, size, access) && operation != 0);
        byte(word());
        return end();
    }
    // Of a bit string in memory the number reaches up to 256 MB away: only small ones, or in a register operand any.
    opcode({0x0F, 0xA3 | operation << 3});
    unsigned number = 8;
    for (unsigned i = 0; i < 8; ++i)
        if (state_.known[i] && state_.value[i] < 256)
            number = i;
    if (number < 8 && chance(2)) {
        memory_operand(number, bytes_of(size), access);
        lock(operation != 0);
    } else if (wild_ && chance(8)) {
        memory_operand(below(8), bytes_of(size), access);
    } else {
        register_operand(below(8), destination(size));
    }
    end();
}

void InstructionGenerator::byte_swap() {
    begin(dword_size);
    opcode({0x0F, 0xC8 | destination(dword_size)});
    end();
}

void InstructionGenerator::decimal() {
    begin(byte_size, false);
    forget(reg_eax);
    const uint32_t subtract = below(2) << 3;
    switch (below(4)) {
    case 0: // DAA DAS
        effect(af | cf, all & ~of, of);
        byte(0x27 | subtract);
        break;
    case 1: // AAA AAS
        effect(af | cf, af | cf, of | sf | zf | pf);
        byte(0x37 | subtract);
        break;
    case 2: { // AAM: #DE for 0
        const uint32_t base = chance(3) ? 10 : word() & 0xFF;
        effect(0, sf | zf | pf, of | af | cf);
        opcode({0xD4, base});
        break;
    }
    default: // AAD
        effect(0, sf | zf | pf, of | af | cf);
        opcode({0xD5, chance(3) ? 10 : word() & 0xFF});
    }
    end();
}

void InstructionGenerator::exchange_and_add() {
    const unsigned size = any_size(), reg = destination(size);
    begin(size);
    effect(0, all);
    opcode({0x0F, 0xC0 | wide_bit(size)});
    lock(operand(reg, size, Access::write));
    end();
}

void InstructionGenerator::compare_exchange() {
    const unsigned size = any_size();
    begin(size);
    effect(0, all);
    opcode({0x0F, 0xB0 | wide_bit(size)});
    lock(operand(below(8), size, Access::write));
    end();
    forget(reg_eax);
}

void InstructionGenerator::compare_exchange8() {
    begin(dword_size, false);
    effect(0, zf);
    opcode({0x0F, 0xC7});
    memory_operand(1, 8, Access::write);
    lock(true);
    end();
    forget(reg_eax);
    forget(reg_edx);
}

} // namespace fixpoint::native
