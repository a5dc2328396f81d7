// Data movement, flags, the stack, strings.
#include "tests/native/instruction_generator.hpp"

namespace fixpoint::native {

using namespace models;
using namespace models::eflags;

void InstructionGenerator::move() {
    const unsigned size = any_size();
    begin(size);
    switch (below(4)) {
    case 0:
        byte(0x88 | wide_bit(size));
        operand(below(8), size, Access::write);
        break;
    case 1:
        byte(0x8A | wide_bit(size));
        operand(destination(size), size, Access::read);
        break;
    case 2:
        byte(0xC6 | wide_bit(size));
        operand(0, size, Access::write);
        immediate(bytes_of(size), interesting());
        break;
    default: {
        const unsigned reg = destination(size);
        byte(size == byte_size ? 0xB0 | reg : 0xB8 | reg);
        immediate(bytes_of(size), interesting());
    }
    }
    lock(false);
    end();
}

// MOV between the accumulator and memory named by an offset alone.
void InstructionGenerator::move_offset() {
    const unsigned size = any_size();
    const bool store = chance(2), narrow = chance(2);
    begin(size);
    if (narrow == code32())
        prefix(0x67);
    const uint8_t segment = pick_segment(seg_ds);
    byte((store ? 0xA2 : 0xA0) | wide_bit(size));
    immediate(narrow ? 2 : 4, pick_offset(table_.find(state_.selector[segment]), bytes_of(size), store));
    end();
    if (!store)
        forget(reg_eax);
}

void InstructionGenerator::extend() {
    const unsigned size = wide_size(), from = below(2);
    begin(size);
    opcode({0x0F, 0xB6 | below(2) << 3 | from});
    operand(destination(size), from, Access::read);
    end();
}

void InstructionGenerator::conditional_move() {
    const unsigned size = wide_size();
    begin(size);
    effect(all, 0);
    opcode({0x0F, 0x40 | below(16)});
    operand(destination(size), size, Access::read);
    lock(false);
    end();
}

void InstructionGenerator::set_condition() {
    begin(byte_size);
    effect(all, 0);
    opcode({0x0F, 0x90 | below(16)});
    operand(below(8), byte_size, Access::write); // the register field means nothing
    end();
}

void InstructionGenerator::load_effective_address() {
    const unsigned size = wide_size();
    begin(size);
    byte(0x8D);
    const unsigned reg = destination(size);
    memory_operand(reg, 1, Access::none);
    lock(false);
    end();
}

void InstructionGenerator::exchange() {
    if (chance(4)) { // with the accumulator; 90 is NOP, F3 90 PAUSE
        const unsigned size = wide_size(), reg = destination(size);
        begin(size);
        byte(0x90 | reg);
        if (reg == 0 && chance(2))
            prefix(0xF3);
        end();
        return forget(reg_eax);
    }
    const unsigned size = any_size(), reg = destination(size);
    begin(size);
    byte(0x86 | wide_bit(size));
    lock(operand(reg, size, Access::write));
    end();
}

void InstructionGenerator::translate_byte() {
    begin(byte_size, false);
    const bool narrow = chance(2);
    if (narrow == code32())
        prefix(0x67);
    if (!wild_ && !state_.known[reg_ebx]) {
        skipped_ = true;
        return;
    }
    pick_segment(seg_ds);
    byte(0xD7);
    end();
    forget(reg_eax);
}

void InstructionGenerator::convert() {
    begin(wide_size());
    const uint32_t to_dx = below(2);
    byte(0x98 | to_dx);
    end();
    forget(to_dx != 0 ? reg_edx : reg_eax);
}

void InstructionGenerator::flag_instruction() {
    begin(byte_size, false);
    switch (below(7)) {
    case 0:
        effect(cf, cf);
        byte(0xF5); // CMC
        break;
    case 1:
        effect(0, cf);
        byte(0xF8 | below(2)); // CLC STC
        break;
    case 2:
        byte(0xFC | below(2)); // CLD STD
        break;
    case 3:
        effect(all & ~of, 0);
        byte(0x9F); // LAHF
        forget(reg_eax);
        break;
    case 4:
        effect(0, all & ~of);
        byte(0x9E); // SAHF
        break;
    case 5:
        effect(cf, 0);
        byte(0xD6); // SALC
        forget(reg_eax);
        break;
    default: // a REP prefix that means nothing
        prefix(static_cast<uint8_t>(0xF2 | below(2)));
        effect(0, all & ~cf);
        byte(0x40 | destination(dword_size));
    }
    lock(false);
    end();
}

// 0F 18-1F are hints: long NOPs whose operand is not accessed (SDM vol. 2, appendix A).
void InstructionGenerator::hint() {
    begin(wide_size());
    opcode({0x0F, chance(2) ? 0x1Fu : 0x18u});
    memory_operand(below(4), 4, Access::none);
    end();
}

void InstructionGenerator::push_pop() {
    const unsigned size =
        chance(4) ? (code32() ? word_size : dword_size) : (code32() ? dword_size : word_size);
    begin(size);
    switch (below(6)) {
    case 0:
        byte(0x50 | below(8));
        break;
    case 1:
        byte(0x58 | destination(size));
        break;
    case 2:
        byte(0x68);
        immediate(bytes_of(size), interesting());
        break;
    case 3:
        byte(0x6A);
        byte(word());
        break;
    case 4:
        byte(0xFF);
        operand(6, size, Access::read);
        break;
    default:
        byte(0x8F);
        operand(0, size, Access::write);
    }
    lock(false);
    end();
}

void InstructionGenerator::push_pop_all() {
    const bool push = !chance(3);
    begin(wide_size());
    byte(push ? 0x60 : 0x61);
    end();
    if (!push)
        state_.known = {};
}

void InstructionGenerator::push_flags() {
    begin(wide_size());
    effect(all, 0);
    byte(0x9C);
    end();
}

void InstructionGenerator::pop_flags() {
    const unsigned size = wide_size();
    const uint32_t system = (chance(4) ? ac : 0) | (chance(4) ? tf : 0) | (chance(16) ? nt : 0) |
                            (word() & (iif | iopl | id | rf));
    if (!chance(8))
        push_immediate(size, (word() & (all | df)) | system);
    state_.checks_alignment = state_.steps = true;
    begin(size);
    effect(0, all);
    byte(0x9D);
    end();
}

void InstructionGenerator::frame() {
    const unsigned size = wide_size();
    begin(size);
    if (chance(3)) {
        if (!wild_ && !state_.known[reg_ebp]) {
            skipped_ = true;
            return;
        }
        byte(0xC9);
        end();
        return forget(reg_ebp);
    }
    byte(0xC8);
    immediate(2, chance(8) ? word() & 0xFFFF : below(128));
    const bool copies = wild_ || state_.known[reg_ebp]; // frame pointers, from where EBP points to
    byte(chance(2) ? 0 : !copies ? 1 : chance(2) ? below(4) : word());
    end();
    forget(reg_ebp);
}

void InstructionGenerator::string() {
    constexpr uint32_t opcodes[] = {0xA4, 0xA6, 0xAA, 0xAC, 0xAE}; // MOVS CMPS STOS LODS SCAS
    const uint32_t which = opcodes[below(5)];
    const bool compares = which == 0xA6 || which == 0xAE,
               source = which == 0xA4 || which == 0xA6 || which == 0xAC, target = which != 0xAC,
               writes = which == 0xA4 || which == 0xAA;
    const unsigned size = any_size();
    const bool repeated = !chance(3), narrow = chance(4);
    const uint32_t half = narrow ? word() << 16 : 0; // 16-bit addresses ignore it
    const auto start = [&](const Descriptor* segment, bool write) {
        const uint32_t offset = pick_offset(segment, bytes_of(size), write);
        return narrow ? half | (offset & 0xFFFF) : offset;
    };
    const bool overridden = source && chance(5);
    const auto source_segment = static_cast<uint8_t>(overridden ? below(6) : static_cast<uint32_t>(seg_ds));
    if (source)
        move_immediate(reg_esi, start(table_.find(state_.selector[source_segment]), false));
    if (target)
        move_immediate(reg_edi, start(table_.find(state_.selector[seg_es]), writes));
    const uint32_t count = chance(12) ? below(3000) : below(40);
    if (repeated)
        move_immediate(reg_ecx, half | count);
    begin(size);
    if (narrow == code32())
        prefix(0x67);
    if (overridden)
        prefix(segment_prefixes[source_segment]);
    if (repeated)
        prefix(static_cast<uint8_t>(0xF2 | below(2)));
    if (compares)
        effect(0, repeated && count == 0 ? 0 : all);
    byte(which | wide_bit(size));
    lock(false);
    end();
    forget(reg_ecx);
    forget(reg_esi);
    forget(reg_edi);
    if (which == 0xAC)
        forget(reg_eax);
}

} // namespace fixpoint::native
