// Which encodings exist: LOCK, undefined opcodes and forms, prefixes up to 15 bytes, coprocessor availability
// (SDM vol. 2, 2.1 and appendix A; vol. 3, 6.15 on #UD, #NM and #GP).
#include "tests/differential/classes/classes.hpp"

namespace differential {
namespace {

// Opcodes of the first byte 0F that no P6 defines (SDM vol. 2, table A-3, without what came later).
constexpr uint8_t undefined_0f[] = {0x04, 0x0A, 0x0C, 0x24, 0x25, 0x26, 0x27, 0x36, 0x39,
                                    0x3B, 0x3C, 0x3D, 0x3E, 0x3F, 0xA6, 0xA7, 0xFF};

void lock(Builder& b) {
    struct Form {
        const char* name;
        uint8_t opcode[2];
        uint8_t bytes, reg;
        bool immediate;
    };
    static constexpr Form forms[] = {{"add", {0x01}, 1, eax, false},
                                     {"mov", {0x89}, 1, eax, false},
                                     {"xchg", {0x87}, 1, edx, false},
                                     {"cmp", {0x39}, 1, eax, false},
                                     {"inc", {0xFF}, 1, 0, false},
                                     {"push", {0xFF}, 1, 6, false},
                                     {"not", {0xF7}, 1, 2, false},
                                     {"neg", {0xF7}, 1, 3, false},
                                     {"bts", {0x0F, 0xBA}, 2, 5, true},
                                     {"bt", {0x0F, 0xBA}, 2, 4, true},
                                     {"cmpxchg", {0x0F, 0xB1}, 2, ebx, false},
                                     {"xadd", {0x0F, 0xC1}, 2, ecx, false},
                                     {"cmpxchg8b", {0x0F, 0xC7}, 2, 1, false},
                                     {"or_imm", {0x83}, 1, 1, true},
                                     {"cmp_imm", {0x83}, 1, 7, true},
                                     {"lea", {0x8D}, 1, eax, false},
                                     {"movzx", {0x0F, 0xB6}, 2, eax, false}};
    const Form& form = b.random.pick_from(forms);
    b.instruction("lock_" + std::string{form.name});
    b.byte(0xF0);
    for (unsigned i = 0; i < form.bytes; ++i)
        b.byte(form.opcode[i]);
    if (b.random.one_in(3)) {
        b.feature("form:register");
        b.registers(form.reg, esi);
    } else {
        b.memory(form.reg, b.data_offset());
    }
    if (form.immediate)
        b.byte(b.random.below(8));
    b.instruction("cmp_registers"); // bit tests leave flags undefined
    b.bytes({0x39, 0xC0});
}

// Groups with members or register forms that do not exist.
void undefined_form(Builder& b) {
    struct Group {
        uint8_t opcode[2];
        uint8_t bytes;
        uint8_t reg;
        bool by_register;
    };
    static constexpr Group groups[] = {
        {{0xFF}, 1, 7, false},       {{0xFE}, 1, 2, false},       {{0xFE}, 1, 7, true},
        {{0xFF}, 1, 3, true},        {{0xFF}, 1, 5, true},        {{0x8D}, 1, 0, true},
        {{0x62}, 1, 0, true},        {{0xC4}, 1, 0, true},        {{0xC5}, 1, 0, true},
        {{0x0F, 0xB2}, 2, 0, true},  {{0x0F, 0xB4}, 2, 0, true},  {{0x0F, 0x00}, 2, 6, false},
        {{0x0F, 0x00}, 2, 7, true},  {{0x0F, 0x01}, 2, 5, false}, {{0x0F, 0x01}, 2, 2, true},
        {{0x0F, 0x01}, 2, 3, true},  {{0x0F, 0xBA}, 2, 0, false}, {{0x0F, 0xBA}, 2, 3, true},
        {{0x0F, 0xC7}, 2, 0, false}, {{0x0F, 0xC7}, 2, 1, true},  {{0x8C}, 1, 6, false},
        {{0x8C}, 1, 7, true},        {{0x8E}, 1, 1, true},        {{0x8E}, 1, 6, false},
        {{0x8E}, 1, 7, true},        {{0xC6}, 1, 1, true},        {{0xC7}, 1, 5, false},
        {{0x8F}, 1, 3, false}};
    const Group& group = b.random.pick_from(groups);
    b.instruction("undefined_form");
    for (unsigned i = 0; i < group.bytes; ++i)
        b.byte(group.opcode[i]);
    if (group.by_register)
        b.registers(group.reg, esi);
    else
        b.memory(group.reg, b.data_offset());
    b.immediate(4, 0);
}

void undefined_opcode(Builder& b) {
    b.instruction("undefined_0f");
    b.bytes({0x0F, b.random.pick_from(undefined_0f)});
    b.registers(b.random.below(8), b.random.below(8));
    b.immediate(4, 0);
}

// A NOP with so many prefixes: more than 15 bytes are #GP.
void long_instruction(Builder& b) {
    b.instruction("prefixes");
    for (unsigned count = 10 + b.random.below(6); count != 0; --count)
        b.byte(b.random.pick({0x26u, 0x2Eu, 0x36u, 0x3Eu, 0x64u, 0x65u, 0x66u, 0x67u, 0xF2u}));
    b.byte(0x40); // INC
}

void coprocessor(Builder& b) {
    b.feature("coprocessor");
    b.result.state.cr0 |= b.random.word() & (cr0::monitor | cr0::emulation | cr0::task_switched);
    switch (b.random.below(3)) {
    case 0:
        b.instruction("fwait");
        b.byte(0x9B);
        return;
    case 1:
        b.instruction("fnop");
        b.bytes({0xD9, 0xD0});
        return;
    default:
        b.instruction("fnstsw");
        b.bytes({0xDF, 0xE0});
    }
}

} // namespace

void encodings(Builder& b) {
    b.begin_anywhere();
    b.result.state.general[esp] &= 0xFFFF; // SP at its place also where a form pushes
    switch (b.random.below(6)) {
    case 0:
    case 1:
        lock(b);
        break;
    case 2:
    case 3:
        undefined_form(b);
        break;
    case 4:
        undefined_opcode(b);
        break;
    default:
        if (b.random.one_in(2))
            long_instruction(b);
        else
            coprocessor(b);
    }
    b.invalid_opcode();
}

} // namespace differential
