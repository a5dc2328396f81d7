// Branches, far transfers, segment registers, and what always faults.
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
    begin(byte_size, false);
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

uint16_t InstructionGenerator::any_selector() {
    switch (below(10)) {
    case 0:
        return 0; // null; IRET may make another null selector, with a level, 0
    case 1:
        return LocalTable::selector(LocalTable::entries + below(8), below(4)); // beyond the table
    case 2:
        return LocalTable::selector(chance(2) ? LocalTable::code_absent : LocalTable::data_absent);
    case 3:
        return LocalTable::selector(below(LocalTable::code_count), below(4));
    case 4:
        return LocalTable::selector(below(LocalTable::entries), below(4));
    default:
        return LocalTable::selector(LocalTable::flat_first +
                                    below(LocalTable::entries - LocalTable::flat_first));
    }
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

void InstructionGenerator::push_segment() {
    const unsigned size = wide_size();
    if (size == dword_size)
        zero_below_stack();
    begin(size);
    switch (const unsigned which = below(6)) {
    case seg_fs:
        opcode({0x0F, 0xA0});
        break;
    case seg_gs:
        opcode({0x0F, 0xA8});
        break;
    default:
        byte(0x06 | which << 3);
    }
    end();
}

// MOV or POP to a segment register.
void InstructionGenerator::load_segment() {
    constexpr std::array<uint8_t, 5> loadable{seg_es, seg_ss, seg_ds, seg_fs, seg_gs};
    const uint8_t index = loadable[below(5)];
    uint16_t selector = any_selector();
    if (index == seg_ss && !chance(8)) // its limits hold where the stack is
        selector = LocalTable::selector(LocalTable::flat_first + below(2));
    const unsigned size = wide_size();
    if (chance(2)) {
        push_immediate(size, selector);
        begin(size);
        if (index >= seg_fs)
            opcode({0x0F, index == seg_fs ? 0xA1u : 0xA9u});
        else
            byte(0x07u | static_cast<uint32_t>(index) << 3);
    } else {
        move_immediate(reg_eax, selector | word() << 16);
        begin(size);
        opcode({0x8E, 0xC0u | static_cast<uint32_t>(index) << 3});
    }
    lock(false);
    end();
    state_.selector[index] = selector;
}

// LES LDS LSS LFS LGS
void InstructionGenerator::load_far_pointer() {
    constexpr std::array<uint8_t, 5> loadable{seg_es, seg_ss, seg_ds, seg_fs, seg_gs};
    const uint8_t index = loadable[below(5)];
    const unsigned size = wide_size(), reg = destination(size);
    const uint16_t selector =
        index == seg_ss ? LocalTable::selector(LocalTable::flat_first + below(2)) : any_selector();
    const uint32_t at = pick_offset(table_.find(state_.selector[seg_ds]), 6, true);
    const auto direct = [&](unsigned field, uint32_t offset) {
        if (!code32())
            prefix(0x67);
        byte(field << 3 | 5);
        immediate(4, offset);
    };
    begin(word_size);
    byte(0xC7);
    direct(0, at + bytes_of(size));
    immediate(2, selector);
    end();
    begin(size);
    switch (index) {
    case seg_es:
        byte(0xC4);
        break;
    case seg_ds:
        byte(0xC5);
        break;
    case seg_ss:
        opcode({0x0F, 0xB2});
        break;
    default:
        opcode({0x0F, index == seg_fs ? 0xB4u : 0xB5u});
    }
    direct(reg, at);
    end();
    state_.selector[index] = selector;
}

void InstructionGenerator::store_segment() {
    const unsigned size = wide_size();
    begin(size);
    byte(0x8C);
    const unsigned index = below(6);
    if (chance(2))
        register_operand(index, destination(size));
    else
        memory_operand(index, 2, Access::write);
    end();
}

// LAR LSL VERR VERW ARPL
void InstructionGenerator::query_segment() {
    const unsigned reg = destination(dword_size), size = wide_size();
    move_immediate(reg, any_selector() | word() << 16);
    begin(size);
    effect(0, zf);
    switch (below(3)) {
    case 0: {
        // LAR leaves bits 16-19 of a doubleword undefined: they are cleared.
        const unsigned target = destination(size);
        const bool rights = !state_.steps && chance(2);
        opcode({0x0F, rights ? 0x02u : 0x03u});
        register_operand(target, reg);
        if (!rights || size == word_size)
            break;
        end();
        begin(dword_size);
        effect(0, all, af);
        byte(0x81);
        register_operand(4, target); // AND
        immediate(4, 0xFFF0'FFFF);
        break;
    }
    case 1:
        opcode({0x0F, 0x00});
        register_operand(4 + below(2), reg);
        break;
    default:
        byte(0x63);
        if (chance(2))
            register_operand(reg, destination(word_size));
        else
            memory_operand(reg, 2, Access::write);
    }
    end();
}

void InstructionGenerator::bound() {
    const unsigned size = wide_size();
    begin(size);
    byte(0x62);
    const unsigned reg = below(8);
    memory_operand(reg, 2 * bytes_of(size), Access::read);
    end();
}

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

} // namespace fixpoint::native
