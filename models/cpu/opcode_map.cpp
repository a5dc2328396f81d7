// The one-byte opcode map (SDM vol. 2, table A-2). Micro-operation counts: Agner Fog, "Instruction tables",
// Pentium II and III.
#include "models/cpu/core.hpp"
#include "models/cpu/handlers_x87.hpp"
#include "models/cpu/instruction_fields.hpp"

namespace fixpoint::models {

namespace {

// Micro-operations by where the operands are.
constexpr uint32_t register_uops = 1, load_uops = 2, modify_uops = 4, store_uops = 2;

Handler decode_alu(const InstructionFields& f) {
    const unsigned operation = f.opcode >> 3 & 7, form = f.opcode & 7, size = f.size();
    constexpr unsigned compare = 7;
    if (form >= 4) { // accumulator, immediate
        f.op->reg = 0;
        f.costs(register_uops);
        return alu_handler(operation, size, Form::reg_imm, true);
    }
    const bool to_rm = form < 2;
    f.set_reg(size);
    f.set_rm(size);
    if (!f.memory) {
        if (to_rm)
            std::swap(f.op->reg, f.op->rm);
        f.costs(register_uops);
        return alu_handler(operation, size, Form::reg_reg, true);
    }
    f.costs(to_rm && operation != compare ? modify_uops : load_uops);
    return alu_handler(operation, size, to_rm ? Form::mem_reg : Form::reg_mem, f.flat);
}

Handler decode_group1(const InstructionFields& f) {
    const unsigned size = f.size();
    constexpr unsigned compare = 7;
    f.op->reg = InstructionFields::offset(f.rm, size);
    f.costs(!f.memory ? register_uops : f.reg == compare ? load_uops : modify_uops);
    return alu_handler(f.reg, size, f.memory ? Form::mem_imm : Form::reg_imm, f.flat);
}

Handler decode_move(const InstructionFields& f) {
    const unsigned size = f.size();
    const bool to_rm = (f.opcode & 2) == 0;
    f.set_reg(size);
    f.set_rm(size);
    if (!f.memory) {
        if (to_rm)
            std::swap(f.op->reg, f.op->rm);
        f.costs(register_uops);
        return move_handler(size, Form::reg_reg, true);
    }
    f.costs(to_rm ? store_uops : 1);
    return move_handler(size, to_rm ? Form::mem_reg : Form::reg_mem, f.flat);
}

Handler decode_shift(const InstructionFields& f) {
    const unsigned size = f.size();
    const bool by_cl = (f.opcode & 0xFE) == 0xD2;
    if ((f.opcode & 0xFE) == 0xD0)
        f.op->immediate = 1;
    f.set_rm(size);
    const bool through_carry = f.reg == 2 || f.reg == 3;
    f.costs((f.memory ? modify_uops : register_uops) + (through_carry ? 6 : 0));
    return shift_handler(f.reg, size, f.memory, f.flat, by_cl);
}

Handler decode_group3(const InstructionFields& f) {
    const unsigned size = f.size();
    f.set_rm(size);
    switch (f.reg) {
    case 0:
    case 1:
        f.op->reg = f.op->rm;
        f.costs(f.memory ? load_uops : register_uops);
        return test_handler(size, f.memory ? Form::mem_imm : Form::reg_imm, f.flat);
    case 2:
    case 3:
        f.costs(f.memory ? modify_uops : register_uops);
        return unary_handler(f.reg, size, f.memory, f.flat);
    case 4:
    case 5:
        f.costs(f.memory ? 4 : 3, f.parameters->multiply_cycles);
        break;
    default:
        f.costs(f.memory ? 5 : 4, f.parameters->divide_cycles);
        break;
    }
    return multiply_handler(f.reg, size, f.memory);
}

Handler decode_group5(const InstructionFields& f) {
    const unsigned size = f.size();
    f.set_rm(size);
    switch (f.reg) {
    case 0:
    case 1:
        f.costs(f.memory ? modify_uops : register_uops);
        return unary_handler(f.reg, size, f.memory, f.flat);
    case 2:
    case 4: {
        if (size == 0)
            return f.undefined();
        const bool call = f.reg == 2;
        f.ends();
        f.costs((call ? 4 : 1) + (f.memory ? 1 : 0));
        return indirect_handler(call ? Transfer::call : Transfer::jump, size, f.memory,
                                f.flat && f.flat_stack);
    }
    case 3:
    case 5:
        if (size == 0 || !f.memory)
            return f.undefined();
        f.ends();
        f.costs(20);
        return far_handler(f.reg == 3 ? Transfer::call : Transfer::jump, size, true);
    case 6:
        if (size == 0)
            return f.undefined();
        f.costs(f.memory ? 4 : 3);
        return push_handler(size, f.memory ? PushSource::memory : PushSource::reg,
                            f.memory ? f.flat && f.flat_stack : f.flat_stack);
    default:
        return f.undefined();
    }
}

Handler decode_string(const InstructionFields& f) {
    const unsigned size = f.size();
    const bool repeated = f.op->repeat != Repeat::none;
    switch (f.opcode & 0xFE) {
    case 0xA4:
        f.costs(repeated ? 10 : 5);
        return string_handler(StringKind::move, size, f.flat_string);
    case 0xA6:
        f.costs(repeated ? 10 : 5);
        return string_handler(StringKind::compare, size, f.flat_string);
    case 0xAA:
        f.costs(repeated ? 10 : 3);
        return string_handler(StringKind::store, size, f.flat_string);
    case 0xAC:
        f.costs(repeated ? 10 : 2);
        return string_handler(StringKind::load, size, f.flat_string);
    case 0xAE:
        f.costs(repeated ? 10 : 3);
        return string_handler(StringKind::scan, size, f.flat_string);
    case 0x6C:
        f.ends();
        f.costs(10);
        return string_handler(StringKind::input, size == 0 ? 0 : f.wide, f.flat_string);
    default:
        f.ends();
        f.costs(10);
        return string_handler(StringKind::output, size == 0 ? 0 : f.wide, f.flat_string);
    }
}

Handler decode_segment_stack(const InstructionFields& f) {
    f.op->detail = static_cast<uint8_t>(f.opcode >> 3 & 3);
    if ((f.opcode & 1) == 0) {
        f.costs(3);
        return push_segment_handler(f.wide);
    }
    f.ends();
    f.costs(5);
    return pop_segment_handler(f.wide);
}

Handler decode_exchange(const InstructionFields& f, unsigned size) {
    f.costs(3, f.memory && !f.lock ? f.parameters->locked_cycles : 0); // always locked (SDM vol. 2, XCHG)
    return exchange_handler(size, f.memory);
}

// One-byte opcodes that are not one of a row: see decode_one_byte() for the rows.
Handler decode_single(const InstructionFields& f) {
    const unsigned wide = f.wide;
    switch (f.opcode) {
    case 0x27:
    case 0x2F:
    case 0x37:
    case 0x3F:
    case 0xD4:
    case 0xD5:
        f.costs(4);
        return decimal_handler(f.opcode);
    case 0x60:
        f.costs(17);
        return push_all_handler(wide);
    case 0x61:
        f.costs(16);
        return pop_all_handler(wide);
    case 0x62:
        if (!f.memory)
            return f.undefined();
        f.set_reg(wide);
        f.costs(8);
        return bound_handler(wide);
    case 0x63:
        f.set_reg(1);
        f.set_rm(1);
        f.costs(6);
        return adjust_rpl_handler(f.memory);
    case 0x68:
    case 0x6A:
        f.costs(3);
        return push_handler(wide, PushSource::immediate, f.flat_stack);
    case 0x69:
    case 0x6B:
        f.set_reg(wide);
        f.set_rm(wide);
        f.costs(f.memory ? 2 : 1, f.parameters->multiply_cycles);
        return imul_handler(wide, f.memory, f.flat, true);
    case 0x84:
    case 0x85:
        f.set_reg(f.size());
        f.set_rm(f.size());
        f.costs(f.memory ? load_uops : register_uops);
        return test_handler(f.size(), f.memory ? Form::mem_reg : Form::reg_reg, f.flat);
    case 0x86:
    case 0x87:
        f.set_reg(f.size());
        f.set_rm(f.size());
        return decode_exchange(f, f.size());
    case 0x8C:
        if (f.reg >= segment_count)
            return f.undefined();
        f.op->detail = f.reg;
        f.set_rm(wide);
        f.costs(f.memory ? 3 : 1);
        return move_from_segment_handler(wide, f.memory);
    case 0x8D:
        if (!f.memory)
            return f.undefined();
        f.set_reg(wide);
        return lea_handler(wide, f.wide_address);
    case 0x8E:
        if (f.reg >= segment_count || f.reg == seg_cs)
            return f.undefined();
        f.op->detail = f.reg;
        f.set_rm(1);
        f.ends();
        f.costs(5);
        return move_to_segment_handler(f.memory);
    case 0x8F:
        f.set_rm(wide);
        f.costs(f.memory ? 5 : 2);
        return pop_handler(wide, f.memory, f.memory ? f.flat && f.flat_stack : f.flat_stack);
    case 0x90:
        return nop_handler();
    case 0x98:
    case 0x99:
        return convert_handler(f.opcode == 0x99, wide);
    case 0x9A:
    case 0xEA:
        f.op->displacement = f.second_immediate;
        f.ends();
        f.costs(20);
        return far_handler(f.opcode == 0x9A ? Transfer::call : Transfer::jump, wide, false);
    case 0x9B:
        f.costs(2);
        return x87_wait_handler();
    case 0x9C:
        f.costs(16);
        return push_flags_handler(wide);
    case 0x9D:
        f.ends();
        f.costs(17);
        return pop_flags_handler(wide);
    case 0x9E:
    case 0x9F:
    case 0xD6:
    case 0xF5:
    case 0xF8:
    case 0xF9:
        return flag_handler(f.opcode);
    case 0xFC:
    case 0xFD:
        f.costs(4);
        return flag_handler(f.opcode);
    case 0xA0:
    case 0xA1:
    case 0xA2:
    case 0xA3: {
        f.op->displacement = f.displacement;
        f.op->reg = 0;
        const bool store = (f.opcode & 2) != 0;
        f.costs(store ? store_uops : 1);
        return move_handler(f.size(), store ? Form::mem_reg : Form::reg_mem, f.flat);
    }
    case 0xA8:
    case 0xA9:
        f.op->rm = 0;
        return test_handler(f.size(), Form::reg_imm, true);
    case 0xC2:
    case 0xC3:
        if (f.opcode == 0xC3)
            f.op->immediate = 0;
        f.ends();
        f.costs(4);
        return return_handler(wide, f.flat_stack);
    case 0xC4:
    case 0xC5:
        if (!f.memory)
            return f.undefined();
        f.op->detail = f.opcode == 0xC4 ? seg_es : seg_ds;
        f.set_reg(wide);
        f.ends();
        f.costs(8);
        return load_far_pointer_handler(wide);
    case 0xC6:
    case 0xC7:
        if (f.reg != 0)
            return f.undefined();
        f.op->reg = InstructionFields::offset(f.rm, f.size());
        f.costs(f.memory ? store_uops : register_uops);
        return move_handler(f.size(), f.memory ? Form::mem_imm : Form::reg_imm, f.flat);
    case 0xC8:
        f.op->displacement = f.second_immediate;
        f.costs(18);
        return enter_handler(wide);
    case 0xC9:
        f.costs(3);
        return leave_handler(wide, f.flat_stack);
    case 0xCA:
    case 0xCB:
        if (f.opcode == 0xCB)
            f.op->immediate = 0;
        f.ends();
        f.costs(20);
        return far_return_handler(wide);
    case 0xCC:
    case 0xCD:
    case 0xCE:
    case 0xF1:
        f.op->detail = f.opcode;
        f.ends();
        return software_interrupt_handler();
    case 0xCF:
        f.ends();
        return interrupt_return_handler(wide);
    case 0xD7:
        f.costs(2);
        return translate_byte_handler();
    case 0xE0:
    case 0xE1:
    case 0xE2:
    case 0xE3:
        f.branches();
        f.costs(f.opcode == 0xE3 ? 2 : 11);
        return loop_handler(f.opcode, wide);
    case 0xE4:
    case 0xE5:
    case 0xE6:
    case 0xE7:
    case 0xEC:
    case 0xED:
    case 0xEE:
    case 0xEF:
        f.ends();
        f.costs(10);
        return port_handler((f.opcode & 2) != 0, f.size(), (f.opcode & 8) == 0);
    case 0xE8:
        f.branches();
        f.costs(4);
        return call_handler(wide, f.flat_stack);
    case 0xE9:
    case 0xEB:
        f.branches();
        return jump_handler(wide);
    case 0xF4:
        f.ends();
        return halt_handler();
    case 0xFA:
    case 0xFB:
        f.ends();
        f.costs(9);
        return interrupt_flag_handler(f.opcode == 0xFB);
    default:
        return f.undefined();
    }
}

} // namespace

Handler decode_one_byte(const InstructionFields& f) {
    const uint8_t opcode = f.opcode, row = opcode & 0xF0, number = opcode & 7;
    if (opcode < 0x40 && number < 6)
        return decode_alu(f);
    if (opcode < 0x20 && opcode != 0x0F)
        return decode_segment_stack(f);
    if (row == 0x40) {
        f.op->rm = InstructionFields::offset(number, f.wide);
        return unary_handler((opcode & 8) != 0 ? 1 : 0, f.wide, false, true);
    }
    if (row == 0x50) {
        const bool push = (opcode & 8) == 0;
        f.op->rm = InstructionFields::offset(number, f.wide);
        f.costs(push ? 3 : 2);
        return push ? push_handler(f.wide, PushSource::reg, f.flat_stack)
                    : pop_handler(f.wide, false, f.flat_stack);
    }
    if (row == 0x70) {
        f.branches();
        return conditional_jump_handler(opcode & 0xF, f.wide);
    }
    if (opcode >= 0x6C && opcode <= 0x6F)
        return decode_string(f);
    if (opcode >= 0x80 && opcode <= 0x83)
        return decode_group1(f);
    if (opcode >= 0x88 && opcode <= 0x8B)
        return decode_move(f);
    if (opcode > 0x90 && opcode < 0x98) {
        f.op->reg = 0;
        f.op->rm = InstructionFields::offset(number, f.wide);
        return decode_exchange(f, f.wide);
    }
    if ((opcode >= 0xA4 && opcode <= 0xA7) || (opcode >= 0xAA && opcode <= 0xAF))
        return decode_string(f);
    if (row == 0xB0) {
        const unsigned size = (opcode & 8) != 0 ? f.wide : 0;
        f.op->reg = InstructionFields::offset(number, size);
        return move_handler(size, Form::reg_imm, true);
    }
    if ((opcode & 0xFE) == 0xC0 || (opcode >= 0xD0 && opcode <= 0xD3))
        return decode_shift(f);
    if (opcode >= 0xD8 && opcode <= 0xDF)
        return decode_x87(f);
    if ((opcode & 0xFE) == 0xF6)
        return decode_group3(f);
    if ((opcode & 0xFE) == 0xFE)
        return opcode == 0xFE && f.reg > 1 ? f.undefined() : decode_group5(f);
    return decode_single(f);
}

} // namespace fixpoint::models
