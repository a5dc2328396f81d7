#include "tests/native/x87_instruction_generator.hpp"

#include <cstring>
#include <initializer_list>
#include <iterator>

namespace fixpoint::native {

namespace {

template<class T>
void put(uint8_t* to, T value) {
    std::memcpy(to, &value, sizeof(T));
}

void append(std::vector<uint8_t>& code, std::initializer_list<uint8_t> bytes) {
    code.insert(code.end(), bytes);
}

constexpr uint16_t all_masked = 0x3F;

} // namespace

// ---- Operands

// A register's contents: all classes of numbers, the unsupported ones too, and exponents where things happen.
void X87InstructionGenerator::put_number(uint8_t* to) {
    constexpr uint16_t exponents[] = {0,      0,      1,      2,      0x3C00, 0x3F80, 0x3FFE,
                                      0x3FFF, 0x3FFF, 0x4000, 0x400E, 0x401E, 0x403D, 0x403E,
                                      0x403F, 0x43FF, 0x7FFD, 0x7FFE, 0x7FFF, 0x7FFF};
    constexpr uint64_t integer_bit = uint64_t{1} << 63;
    constexpr uint64_t significands[] = {integer_bit,
                                         integer_bit | 1,
                                         integer_bit >> 1,
                                         ~uint64_t{0},
                                         3 * (integer_bit >> 1),
                                         integer_bit | 1u << 10,
                                         integer_bit | 0x400,
                                         integer_bit | uint64_t{1} << 39,
                                         0,
                                         1};
    const uint16_t sign = below(2) != 0 ? 0x8000 : 0;
    const auto exponent =
        static_cast<uint16_t>(below(4) == 0 ? below(0x8000) : exponents[below(std::size(exponents))]);
    uint64_t significand = below(2) != 0 ? significands[below(std::size(significands))] : random_();
    if (below(8) != 0 && exponent != 0)
        significand |= integer_bit;
    if (exponent == 0 && below(4) != 0)
        significand &= ~integer_bit;
    put(to, significand);
    put(to + 8, static_cast<uint16_t>(sign | exponent));
}

// A slot of 16 bytes that is a number in one format or another.
void X87InstructionGenerator::put_operand(uint8_t* to) {
    put(to, random_());
    put(to + 8, random_());
    switch (below(5)) {
    case 0:
        put_number(to);
        break;
    case 1: { // single precision
        constexpr uint32_t edges[] = {0,           1,           0x007F'FFFF, 0x0080'0000,
                                      0x3F80'0000, 0x7F7F'FFFF, 0x7F80'0000, 0x7F80'0001,
                                      0x7FC0'0000, 0x4B00'0000, 0x3F00'0000};
        for (size_t i = 0; i < 4; ++i)
            put(to + 4 * i, edges[below(std::size(edges))] | (below(2) << 31));
        break;
    }
    case 2: { // double precision
        constexpr uint64_t edges[] = {0,
                                      1,
                                      0x000F'FFFF'FFFF'FFFF,
                                      0x0010'0000'0000'0000,
                                      0x3FF0'0000'0000'0000,
                                      0x7FEF'FFFF'FFFF'FFFF,
                                      0x7FF0'0000'0000'0000,
                                      0x7FF0'0000'0000'0001,
                                      0x7FF8'0000'0000'0000,
                                      0x4330'0000'0000'0000};
        for (size_t i = 0; i < 2; ++i)
            put(to + 8 * i, edges[below(std::size(edges))] | (uint64_t{below(2)} << 63));
        break;
    }
    case 3: // small integers
        for (size_t i = 0; i < 4; ++i)
            put(to + 4 * i, below(64) - 32);
        break;
    default:
        break;
    }
}

uint16_t X87InstructionGenerator::control_word(bool masked) {
    const uint32_t modes = below(3) == 0 ? 0x0300 : word() & 0x1F00;
    return static_cast<uint16_t>(modes | 0x40 | (masked ? all_masked : below(64)));
}

void X87InstructionGenerator::put_environment(uint8_t* to, bool masked) {
    const uint32_t flags = masked ? below(128) : 0;
    const uint32_t condition = word() & 0x4700, top = below(8) << 11;
    uint32_t tags = 0;
    for (size_t i = 0; i < 8; ++i)
        tags |= (below(6) == 0 ? 3u : 0u) << (2 * i);
    if (below(4) == 0)
        tags = word() & 0xFFFF;
    put<uint32_t>(to, 0xFFFF'0000u | control_word(masked));
    put<uint32_t>(to + 4, 0xFFFF'0000u | flags | condition | top);
    put<uint32_t>(to + 8, 0xFFFF'0000u | tags);
    put<uint32_t>(to + 12, word());
    put<uint32_t>(to + 16, (word() & 0x7FF'0000) | 0x23);
    put<uint32_t>(to + 20, word());
    put<uint32_t>(to + 24, 0xFFFF'002B);
}

void X87InstructionGenerator::put_initial_state(std::span<uint8_t> page, bool masked) {
    uint8_t* state = page.data() + initial_image;
    put_environment(state, masked);
    for (size_t i = 0; i < 8; ++i)
        put_number(state + 28 + 10 * i);
}

void X87InstructionGenerator::put_moderate_state(std::span<uint8_t> page) {
    constexpr uint64_t integer_bit = uint64_t{1} << 63;
    constexpr uint16_t below_an_eighth = 0x3FFB, infinite = 0x7FFF;
    put_initial_state(page, true);
    put<uint16_t>(page.data() + initial_image,
                  0x037F); // to the nearest, the one rounding that others promise
    for (size_t i = 0; i < 2; ++i) {
        uint8_t* number = page.data() + initial_image + 28 + 10 * i;
        const auto sign = static_cast<uint16_t>(below(4) == 0 ? 0x8000 : 0);
        uint64_t significand = random_() | integer_bit;
        auto exponent = static_cast<uint16_t>(below_an_eighth - below(16));
        if (below(16) == 0) {
            constexpr uint64_t special[] = {0, integer_bit, integer_bit | 1, 3 * (integer_bit >> 1)};
            significand = special[below(std::size(special))];
            exponent = significand == 0 ? 0 : infinite;
        }
        put(number, significand);
        put(number + 8, static_cast<uint16_t>(sign | exponent));
    }
}

void X87InstructionGenerator::fill(std::span<uint8_t> page) {
    for (uint32_t slot = 0; slot < operand_bytes; slot += 16)
        put_operand(page.data() + slot);
    put_environment(page.data() + image, true);
    for (size_t i = 0; i < 8; ++i)
        put_number(page.data() + image + 28 + 10 * i);
    for (size_t i = 0; i < 16; ++i)
        put(page.data() + control_words + 2 * i, control_word(true));
    put_environment(page.data() + environment, true);
    for (size_t i = 0; i < 16; ++i) {
        uint8_t* decimal = page.data() + decimals + 16 * i;
        for (size_t j = 0; j < 9; ++j)
            decimal[j] = static_cast<uint8_t>(below(4) == 0 ? 0 : below(10) | below(10) << 4);
        decimal[9] = static_cast<uint8_t>(below(2) << 7);
    }
    uint8_t* extended = page.data() + extended_image;
    std::memset(extended, 0, 512);
    put(extended, control_word(true));
    put(extended + 2, static_cast<uint16_t>(word() & 0x7F7F));
    put(extended + 4, static_cast<uint8_t>(word()));
    put<uint32_t>(extended + 24, 0x1F80); // MXCSR, for hosts with SSE
    for (size_t i = 0; i < 8; ++i)
        put_number(extended + 32 + 16 * i);
}

// ---- Instructions

void X87InstructionGenerator::memory_operand(Code& code, unsigned reg, uint32_t offset) const {
    code.push_back(static_cast<uint8_t>(reg << 3 | 5));
    const uint32_t address = data_ + offset;
    for (size_t i = 0; i < 4; ++i)
        code.push_back(static_cast<uint8_t>(address >> (8 * i)));
}

void X87InstructionGenerator::arithmetic(Code& code) {
    constexpr uint8_t opcodes[] = {0xD8, 0xDA, 0xDC, 0xDE};
    code.push_back(opcodes[below(4)]);
    memory_operand(code, below(8), operand_offset());
}

void X87InstructionGenerator::transfer(Code& code) {
    struct Form {
        uint8_t opcode, reg;
    };
    constexpr Form forms[] = {{0xD9, 0}, {0xD9, 2}, {0xD9, 3}, {0xDB, 0}, {0xDB, 2}, {0xDB, 3},
                              {0xDB, 5}, {0xDB, 7}, {0xDD, 0}, {0xDD, 2}, {0xDD, 3}, {0xDF, 0},
                              {0xDF, 2}, {0xDF, 3}, {0xDF, 5}, {0xDF, 6}, {0xDF, 7}};
    if (below(20) == 0) {
        code.push_back(0xDF); // FBLD
        return memory_operand(code, 4, decimals + below(16) * 16);
    }
    const Form form = forms[below(std::size(forms))];
    code.push_back(form.opcode);
    memory_operand(code, form.reg, operand_offset());
}

// Of all encodings with a register those that are defined, but the transcendental ones and FPREM, whose partial
// remainders differ between processors.
void X87InstructionGenerator::registers(Code& code) {
    for (;;) {
        const uint32_t opcode = 0xD8 + below(8), modrm = 0xC0 + below(64), reg = modrm >> 3 & 7;
        bool defined = true;
        switch (opcode) {
        case 0xD9:
            if (modrm >= 0xF0)
                defined = modrm == 0xF4 || modrm == 0xF6 || modrm == 0xF7 || modrm == 0xFA || modrm == 0xFC ||
                          modrm == 0xFD;
            else
                defined = reg < 2 || reg == 3 || modrm == 0xD0 || modrm == 0xE0 || modrm == 0xE1 ||
                          modrm == 0xE4 || modrm == 0xE5 || (modrm >= 0xE8 && modrm <= 0xEE);
            break;
        case 0xDA:
            defined = reg < 4 || modrm == 0xE9;
            break;
        case 0xDB:
            defined = reg < 4 || reg == 5 || reg == 6;
            break;
        case 0xDD:
            defined = reg < 6;
            break;
        case 0xDE:
            defined = reg != 3 || modrm == 0xD9;
            break;
        case 0xDF:
            defined = reg < 4 || modrm == 0xE0 || reg == 5 || reg == 6;
            break;
        default:
            break;
        }
        if (defined)
            return append(code, {static_cast<uint8_t>(opcode), static_cast<uint8_t>(modrm)});
    }
}

void X87InstructionGenerator::control(Code& code, bool& pointers_known) {
    if (below(4) == 0)
        code.push_back(0x66);
    const bool narrow = !code.empty() && code.back() == 0x66;
    switch (below(12)) {
    case 0:
        code.push_back(0xD9);
        return memory_operand(code, 5, control_words + below(16) * 2);
    case 1:
        code.push_back(0xD9);
        return memory_operand(code, 7, operand_offset());
    case 2:
        code.push_back(0xDD);
        return memory_operand(code, 7, operand_offset());
    case 3:
        code.push_back(0xD9);
        return memory_operand(code, 6, save_area);
    case 4:
        code.push_back(0xDD);
        return memory_operand(code, 6, save_area);
    case 5:
        if (narrow)
            break;
        code.push_back(0xD9);
        return memory_operand(code, 4, environment);
    case 6:
        if (narrow)
            break;
        code.push_back(0xDD);
        return memory_operand(code, 4, image);
    case 7:
        return append(code, {0xDB, 0xE2});
    case 8:
        if (below(4) == 0)
            return append(code, {0xDB, 0xE3});
        return append(code, {0xDF, 0xE0});
    case 9:
        if (narrow)
            break;
        append(code, {0x0F, 0xAE});
        return memory_operand(code, 0, extended_area);
    case 10:
        if (narrow || below(4) != 0)
            break;
        pointers_known = false;
        append(code, {0x0F, 0xAE});
        return memory_operand(code, 1, extended_image);
    default:
        break;
    }
    code.push_back(0x9B);
}

void X87InstructionGenerator::mmx(Code& code) {
    constexpr uint8_t opcodes[] = {0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A,
                                   0x6B, 0x6E, 0x6F, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x7E,
                                   0x7F, 0xD1, 0xD2, 0xD3, 0xD5, 0xD8, 0xD9, 0xDB, 0xDC, 0xDD, 0xDF,
                                   0xE1, 0xE2, 0xE5, 0xE8, 0xE9, 0xEB, 0xEC, 0xED, 0xEF, 0xF1, 0xF2,
                                   0xF3, 0xF5, 0xF8, 0xF9, 0xFA, 0xFC, 0xFD, 0xFE};
    const uint8_t opcode = opcodes[below(std::size(opcodes))];
    append(code, {0x0F, opcode});
    constexpr uint8_t emms = 0x77, first_shift = 0x71, last_shift = 0x73, quadwords = 0x73, movd = 0x7E;
    if (opcode == emms)
        return;
    if (opcode >= first_shift && opcode <= last_shift) {
        const uint32_t operation = opcode == quadwords ? 2 + below(2) * 4 : 2 + below(3) * 2;
        const uint32_t count = below(8) == 0 ? below(256) : below(70);
        return append(code,
                      {static_cast<uint8_t>(0xC0 | operation << 3 | below(8)), static_cast<uint8_t>(count)});
    }
    if (below(2) != 0)
        return memory_operand(code, below(8), operand_offset());
    constexpr uint32_t stack_pointer = 4;
    uint32_t rm = below(8);
    if (opcode == movd && rm == stack_pointer)
        rm = 0;
    code.push_back(static_cast<uint8_t>(0xC0 | below(8) << 3 | rm));
}

std::vector<X87InstructionGenerator::Code> X87InstructionGenerator::sequence(unsigned count,
                                                                             bool& pointers_known) {
    std::vector<Code> all;
    for (unsigned i = 0; i < count; ++i) {
        Code code;
        const uint32_t kind = below(16);
        if (kind < 4)
            arithmetic(code);
        else if (kind < 8)
            transfer(code);
        else if (kind < 12)
            registers(code);
        else if (kind < 14)
            control(code, pointers_known);
        else
            mmx(code);
        if (count > 1)
            append(code, {0xD9, 0xF7, 0xD9, 0xF6});
        all.push_back(std::move(code));
    }
    return all;
}

X87InstructionGenerator::Code X87InstructionGenerator::function() {
    constexpr uint8_t functions[] = {0xF0, 0xF1, 0xF2, 0xF3, 0xF5, 0xF8, 0xF9, 0xFB, 0xFE, 0xFF};
    return {0xD9, functions[below(std::size(functions))]};
}

X87InstructionGenerator::Code X87InstructionGenerator::prologue() const {
    Code code{0xDD};
    memory_operand(code, 4, initial_image);
    return code;
}

X87InstructionGenerator::Code X87InstructionGenerator::epilogue() const {
    Code code{0x0F, 0xAE};
    memory_operand(code, 0, final_extended);
    code.push_back(0xD9);
    memory_operand(code, 6, final_environment);
    append(code, {0xDB, 0xE3});
    return code;
}

} // namespace fixpoint::native
