// Encoding: prefixes, ModRM, SIB, displacements, and the pieces that several instructions share.
#include "tests/native/instruction_generator.hpp"

#include <algorithm>
#include <iterator>

namespace fixpoint::native {

using namespace models;

namespace {

constexpr uint8_t operand_size_prefix = 0x66, address_size_prefix = 0x67, lock_prefix = 0xF0;

// Opcodes behind 0F before which REP means nothing, now as on a P6: CMOVcc, Jcc, SETcc, bit tests, double shifts, and
// others that no later extension took.
bool ignores_repetition(uint8_t second) {
    constexpr uint8_t others[] = {0x02, 0x03, 0x1F, 0xA0, 0xA1, 0xA3, 0xA4, 0xA5, 0xA8,
                                  0xA9, 0xAB, 0xAC, 0xAD, 0xAF, 0xB0, 0xB1, 0xB2, 0xB3,
                                  0xB4, 0xB5, 0xB6, 0xB7, 0xBE, 0xBF, 0xC0, 0xC1};
    constexpr uint8_t rows[] = {0x4, 0x8, 0x9};
    return std::ranges::find(rows, second >> 4) != std::end(rows) ||
           std::ranges::find(others, second) != std::end(others) || (second & 0xF8) == 0xC8;
}

} // namespace

void InstructionGenerator::begin(unsigned size, bool sized) {
    now_ = Encoding{};
    steady_ = false;
    const bool needed = sized && size != byte_size && (size == dword_size) != code32();
    if (needed || (size == byte_size && chance(24))) // without effect on bytes
        prefix(operand_size_prefix);
}

// REP where it means nothing, and prefixes twice. Not before LOOPE and LOOPNE: some processors (AMD's) take REP for
// their condition.
void InstructionGenerator::idle_prefixes() {
    constexpr uint8_t two_byte = 0x0F, nop = 0x90;
    constexpr size_t longest = 15;
    const uint8_t opcode = now_.rest.front();
    const bool string = (opcode >= 0xA4 && opcode <= 0xA7) || (opcode >= 0xAA && opcode <= 0xAF) ||
                        (opcode >= 0x6C && opcode <= 0x6F);
    if (steady_)
        return;
    const bool loop = (opcode & 0xFE) == 0xE0;
    const bool ignored =
        opcode == two_byte ? ignores_repetition(now_.rest[1]) : !string && !loop && opcode != nop;
    if (ignored && chance(40))
        prefix(static_cast<uint8_t>(0xF2 | below(2)));
    if (!now_.prefixes.empty() && chance(40))
        prefix(now_.prefixes.front());
    if (now_.prefixes.size() + now_.rest.size() > longest)
        now_.prefixes.pop_back();
}

void InstructionGenerator::end() {
    idle_prefixes();
    std::shuffle(now_.prefixes.begin(), now_.prefixes.end(), random_);
    chunk_.bytes.insert(chunk_.bytes.end(), now_.prefixes.begin(), now_.prefixes.end());
    chunk_.bytes.insert(chunk_.bytes.end(), now_.rest.begin(), now_.rest.end());
    now_ = Encoding{};
}

void InstructionGenerator::effect(uint32_t reads, uint32_t defines, uint32_t undefines) {
    if ((state_.undefined & reads) != 0)
        skipped_ = true;
    chunk_.effects.push_back({reads, defines, undefines, skippable_});
    state_.undefined = (state_.undefined & ~(skippable_ ? 0 : defines)) | undefines;
}

void InstructionGenerator::lock(bool memory_destination) {
    if (memory_destination ? chance(20) : chance(400))
        prefix(lock_prefix);
}

uint8_t InstructionGenerator::pick_segment(uint8_t usual) {
    if (!chance(6))
        return usual;
    const auto other = static_cast<uint8_t>(below(6));
    prefix(segment_prefixes[other]);
    return other;
}

bool InstructionGenerator::operand(unsigned reg, unsigned size, Access access) {
    if (chance(2)) {
        memory_operand(reg, bytes_of(size), access);
        return true;
    }
    if (chance(40))
        prefix(segment_prefixes[below(6)]); // without effect on a register
    register_operand(reg, access == Access::read ? below(8) : destination(size));
    return false;
}

void InstructionGenerator::memory_operand(unsigned reg, uint32_t bytes, Access access) {
    // 16-bit addresses are of use where the segment starts near the areas.
    const Descriptor* data = table_.find(state_.selector[seg_ds]);
    const bool near = data != nullptr && data->base + 0x1'0000 > data_begin && data->base < data_end;
    // AMD's processors wrap the second part of 80 bits around at 64 KB if the address has 16 bits, and only that.
    constexpr uint32_t extended_bytes = 10;
    const bool narrow = bytes != extended_bytes && (near ? chance(2) : chance(24));
    if (narrow == code32())
        prefix(address_size_prefix);
    if (narrow)
        narrow_memory(reg, bytes, access);
    else
        wide_memory(reg, bytes, access);
}

// SDM vol. 2, table 2-1.
void InstructionGenerator::narrow_memory(unsigned reg, uint32_t bytes, Access access) {
    struct Form {
        unsigned base, index;
    };
    constexpr unsigned none = 8;
    constexpr Form forms[8] = {{reg_ebx, reg_esi}, {reg_ebx, reg_edi}, {reg_ebp, reg_esi}, {reg_ebp, reg_edi},
                               {reg_esi, none},    {reg_edi, none},    {reg_ebp, none},    {reg_ebx, none}};
    const auto known = [&](unsigned r) { return r == none || state_.known[r]; };
    const unsigned rm = below(8);
    const Form& form = forms[rm];
    if ((!known(form.base) || !known(form.index)) && !(wild_ && chance(16))) {
        const uint8_t segment = pick_segment(seg_ds);
        byte(reg << 3 | 6);
        return immediate(2,
                         pick_offset(table_.find(state_.selector[segment]), bytes, access == Access::write));
    }
    const uint8_t segment = pick_segment(form.base == reg_ebp ? seg_ss : seg_ds);
    const uint32_t target =
        pick_offset(table_.find(state_.selector[segment]), bytes, access == Access::write);
    const uint32_t sum = state_.value[form.base] + (form.index == none ? 0 : state_.value[form.index]);
    const uint32_t displacement = target - sum;
    const auto short_form = static_cast<uint16_t>(displacement + 0x80) < 0x100;
    if (short_form || chance(6)) {
        byte(0x40 | reg << 3 | rm);
        return byte(displacement);
    }
    if (rm != 6 && chance(8))
        return byte(reg << 3 | rm);
    byte(0x80 | reg << 3 | rm);
    immediate(2, displacement);
}

// SDM vol. 2, tables 2-2 and 2-3.
void InstructionGenerator::wide_memory(unsigned reg, uint32_t bytes, Access access) {
    const auto target_in = [&](uint8_t segment) {
        return pick_offset(table_.find(state_.selector[segment]), bytes, access == Access::write);
    };
    std::array<unsigned, 8> known{};
    unsigned count = 0;
    for (unsigned i = 0; i < 8; ++i)
        if (state_.known[i])
            known[count++] = i;
    const uint32_t kind = below(10);
    if (kind == 0 && !chance(4)) { // ESP + disp8
        pick_segment(seg_ss);
        byte(0x44 | reg << 3);
        byte(below(4) << 6 | 4 << 3 | reg_esp);
        return byte(word() & 0x3F);
    }
    if (wild_ && kind == 1 && chance(4)) { // any registers
        pick_segment(seg_ds);
        byte(0x04 | reg << 3 | 0x80);
        byte(word());
        return immediate(4, interesting());
    }
    if (count == 0 || kind < 4) {
        const uint8_t segment = pick_segment(seg_ds);
        const uint32_t target = target_in(segment);
        if (count != 0 && kind == 3) { // an index without a base
            const unsigned index = known[below(count)], scale = below(4);
            byte(0x04 | reg << 3);
            byte(scale << 6 | index << 3 | 5);
            return immediate(4, target - (state_.value[index] << scale));
        }
        byte(reg << 3 | 5);
        return immediate(4, target);
    }
    const unsigned base = known[below(count)];
    const uint8_t segment = pick_segment(base == reg_ebp ? seg_ss : seg_ds);
    const bool indexed = chance(2);
    const unsigned index = known[below(count)], scale = below(4);
    const uint32_t sum = state_.value[base] + (indexed ? state_.value[index] << scale : 0);
    const auto form = [&](unsigned mod) {
        byte(mod << 6 | reg << 3 | (indexed ? 4 : base));
        if (indexed)
            byte(scale << 6 | index << 3 | base);
    };
    const uint32_t displacement = target_in(segment) - sum;
    const bool straight = !indexed || state_.value[index] < 256;
    if (base != reg_ebp && straight && chance(5))
        return form(0);
    if (displacement + 0x80 < 0x100 || (straight && chance(3))) {
        form(1);
        return byte(displacement);
    }
    form(2);
    immediate(4, displacement);
}

InstructionGenerator::Place InstructionGenerator::place_holder(unsigned size) {
    const auto at = static_cast<uint16_t>(chunk_.bytes.size() + now_.prefixes.size() + now_.rest.size());
    immediate(bytes_of(size), 0);
    steady_ = true;
    return {at, static_cast<uint16_t>(bytes_of(size))};
}

// `from` will hold the offset of what follows now.
void InstructionGenerator::point(Place from, uint32_t base) {
    chunk_.fixups.push_back({from.at, from.bytes, static_cast<uint16_t>(chunk_.bytes.size()), base});
}

void InstructionGenerator::move_immediate(unsigned reg, uint32_t value) {
    begin(dword_size);
    byte(0xB8 | reg);
    immediate(4, value);
    end();
    forget(reg);
}

void InstructionGenerator::push_immediate(unsigned size, uint32_t value) {
    begin(size);
    byte(0x68);
    immediate(bytes_of(size), value);
    end();
}

// PUSH 0 and ADD SP, 4: the doubleword below the stack's top is zero.
void InstructionGenerator::zero_below_stack() {
    push_immediate(dword_size, 0);
    begin(word_size);
    opcode({0x83, 0xC4, 4});
    end();
    effect(0, all);
}

} // namespace fixpoint::native
