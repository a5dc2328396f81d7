// Segment registers and descriptors; BOUND.
#include "tests/native/instruction_generator.hpp"

namespace fixpoint::native {

using namespace models;
using namespace models::eflags;

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

} // namespace fixpoint::native
