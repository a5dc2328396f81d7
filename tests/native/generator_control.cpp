// Branches, near and far.
#include "tests/native/instruction_generator.hpp"

#include <iterator>

namespace fixpoint::native {

using namespace models;
using namespace models::eflags;

// A conditional branch or LOOP over one instruction.
void InstructionGenerator::jump_over() {
    Chunk outer = std::move(chunk_);
    chunk_ = Chunk{};
    const uint32_t undefined_before = state_.undefined;
    skippable_ = true;
    plain_instruction();
    skippable_ = false;
    const Chunk inner = std::move(chunk_);
    chunk_ = std::move(outer);
    const uint32_t undefined_after = state_.undefined;
    state_.undefined = undefined_before; // as the branch finds it
    const auto distance = static_cast<uint32_t>(inner.bytes.size());
    const unsigned size = chance(6) ? wide_size() : (code32() ? dword_size : word_size);
    begin(size);
    switch (below(3)) {
    case 0:
        opcode({0x70 | below(16), distance});
        effect(all, 0);
        break;
    case 1:
        opcode({0x0F, 0x80 | below(16)});
        immediate(bytes_of(size), distance);
        effect(all, 0);
        break;
    default: { // LOOPNE LOOPE LOOP JCXZ, by CX or ECX
        const uint32_t which = 0xE0 | below(4);
        if (chance(4))
            prefix(0x67);
        opcode({which, distance});
        if (which < 0xE2)
            effect(zf, 0);
        if (which != 0xE3)
            forget(reg_ecx);
    }
    }
    if (chance(8))
        prefix(chance(2) ? 0x2E : 0x3E); // a hint on later processors
    end();
    state_.undefined = undefined_after;
    chunk_.bytes.insert(chunk_.bytes.end(), inner.bytes.begin(), inner.bytes.end());
    chunk_.effects.insert(chunk_.effects.end(), inner.effects.begin(), inner.effects.end());
}

void InstructionGenerator::call_near() {
    const unsigned size = chance(4) ? wide_size() : (code32() ? dword_size : word_size);
    const bool release = chance(3);
    constexpr uint32_t short_jump_bytes = 2;
    const uint32_t prefix_bytes = (size == dword_size) != code32() ? 1 : 0,
                   return_bytes = prefix_bytes + (release ? 3 : 1);
    begin(size);
    byte(0xE8);
    immediate(bytes_of(size), short_jump_bytes);
    end();
    begin(dword_size, false);
    opcode({0xEB, return_bytes});
    steady_ = true;
    end();
    begin(size);
    byte(release ? 0xC2 : 0xC3);
    if (release)
        immediate(2, below(8) * 4);
    steady_ = true;
    end();
}

// JMP through a register or memory, or RET to a pushed address.
void InstructionGenerator::jump_indirect() {
    const unsigned size = chance(4) ? wide_size() : (code32() ? dword_size : word_size);
    const uint32_t base = table_[state_.code].base;
    begin(size);
    if (chance(3)) {
        byte(0x68);
        const Place place = place_holder(size);
        end();
        begin(size);
        byte(0xC3);
        end();
        return point(place, base);
    }
    const unsigned reg = destination(size);
    const bool call = chance(3);
    if (chance(3)) { // through memory
        const Descriptor* segment = table_.find(state_.selector[seg_ds]);
        const uint32_t target = pick_offset(segment, 4, true);
        const auto direct = [&](unsigned field) {
            if (!code32())
                prefix(0x67);
            byte(field << 3 | 5);
            immediate(4, target);
        };
        byte(0xC7);
        direct(0);
        const Place place = place_holder(size);
        end();
        begin(size);
        byte(0xFF);
        direct(call ? 2 : 4);
        end();
        return point(place, base);
    }
    byte(0xB8 | reg);
    const Place place = place_holder(size);
    end();
    forget(reg);
    begin(size);
    opcode({0xFF, 0xC0u | (call ? 2u : 4u) << 3 | reg});
    end();
    point(place, base);
}

// A store into an instruction that follows at once or after some others: its immediate, its opcode, or both.
void InstructionGenerator::modify_code() {
    const Descriptor* data = table_.find(state_.selector[seg_ds]);
    if (data == nullptr || !data->allows(code_area.begin - data->base, code_area.bytes, true)) {
        skipped_ = true;
        return;
    }
    constexpr uint32_t with_immediate[] = {0x05, 0x0D, 0x25, 0x2D, 0x35, 0x3D, 0xA9, 0xB8, 0xBA, 0x68};
    const auto any = [&] { return with_immediate[below(std::size(with_immediate))]; };
    const uint32_t immediate_bytes = bytes_of(code32() ? dword_size : word_size), kind = below(3);
    const unsigned size = kind == 0  ? byte_size
                          : code32() ? wide_size()
                                     : word_size; // not beyond the instruction
    begin(size);
    if (!code32())
        prefix(0x67);
    byte(0xC6 | wide_bit(size));
    byte(5);
    const Place place = place_holder(dword_size);
    immediate(bytes_of(size), any() | word() << 8);
    end();
    for (uint32_t i = below(4); i > 0; --i)
        plain_instruction();
    begin(dword_size, false);
    byte(any());
    immediate(immediate_bytes, word());
    steady_ = true;
    const bool overwrites_opcode = kind == 0 || chance(2);
    effect(0, 0, af); // whatever it becomes
    forget(reg_eax);
    forget(reg_edx);
    const auto target =
        static_cast<uint16_t>(chunk_.bytes.size() + now_.prefixes.size() + (overwrites_opcode ? 0 : 1));
    chunk_.fixups.push_back({place.at, place.bytes, target, data->base});
    end();
}

uint16_t InstructionGenerator::push_place(unsigned size) {
    begin(size);
    byte(0x68);
    const Place place = place_holder(size);
    end();
    return place.at;
}

// JMP, CALL, RET and IRET to another (or the same) code segment of the same level.
void InstructionGenerator::far_transfer() {
    const auto target = static_cast<uint8_t>(LocalTable::code_first + below(LocalTable::code_count));
    const uint32_t base = table_[target].base;
    const uint16_t selector = LocalTable::selector(target);
    const unsigned size = wide_size();
    switch (below(4)) {
    case 0: // direct
        if (chance(2)) {
            zero_below_stack();
            begin(size);
            byte(0x9A);
        } else {
            begin(size);
            byte(0xEA);
        }
        {
            const Place place = place_holder(size);
            immediate(2, selector);
            end();
            point(place, base);
        }
        break;
    case 1: { // through memory
        const uint32_t at = pick_offset(table_.find(state_.selector[seg_ds]), 6, true);
        const auto direct = [&](unsigned field, uint32_t offset) {
            if (!code32())
                prefix(0x67);
            byte(field << 3 | 5);
            immediate(4, offset);
        };
        begin(size);
        byte(0xC7);
        direct(0, at);
        const Place place = place_holder(size);
        end();
        begin(word_size);
        byte(0xC7);
        direct(0, at + bytes_of(size));
        immediate(2, selector);
        end();
        const bool call = chance(2);
        if (call)
            zero_below_stack();
        begin(size);
        byte(0xFF);
        direct(call ? 3 : 5, at);
        end();
        point(place, base);
        break;
    }
    case 2: { // RETF
        push_immediate(size, selector | word() << 16);
        const uint16_t at = push_place(size);
        begin(size);
        const bool release = chance(2);
        byte(release ? 0xCA : 0xCB);
        if (release)
            immediate(2, below(16) * 2);
        end();
        point({at, static_cast<uint16_t>(bytes_of(size))}, base);
        break;
    }
    default: { // IRET; NT would ask for a task switch
        state_.checks_alignment = state_.steps = true;
        push_immediate(dword_size, (word() & (all | df | (chance(4) ? ac : 0))) | iif);
        begin(dword_size);
        byte(0x9D);
        end();
        push_immediate(size, (word() & (all | df | iopl | id)) | (chance(4) ? ac : 0) | (chance(8) ? tf : 0));
        push_immediate(size, selector);
        const uint16_t at = push_place(size);
        begin(size);
        byte(0xCF);
        end();
        effect(0, all);
        point({at, static_cast<uint16_t>(bytes_of(size))}, base);
    }
    }
    state_.code = target;
    state_.selector[seg_cs] = selector;
}

// Far transfers that no selector of this kind allows.
void InstructionGenerator::far_transfer_fault() {
    const unsigned size = wide_size();
    uint16_t selector = any_selector();
    if (const Descriptor* found = table_.find(selector);
        found != nullptr && found->kind == Descriptor::Kind::code && found->present)
        selector = LocalTable::selector(LocalTable::code_absent);
    switch (below(3)) {
    case 0:
        begin(size);
        byte(chance(2) ? 0x9A : 0xEA);
        immediate(bytes_of(size), interesting());
        immediate(2, selector);
        break;
    case 1:
        push_immediate(size, selector);
        push_immediate(size, interesting());
        begin(size);
        byte(0xCB);
        break;
    default: // to a good segment, beyond its limit
        push_immediate(dword_size, LocalTable::selector(below(LocalTable::code_count)));
        push_immediate(dword_size, code_area.bytes * 4 + word() % 0x7000'0000u);
        begin(dword_size);
        byte(0xCB);
    }
    end();
}

} // namespace fixpoint::native
