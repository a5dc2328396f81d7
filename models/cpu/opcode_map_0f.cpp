// The opcode map after 0F (SDM vol. 2, table A-3), as far as an i686 without SSE goes; MMX: opcode_map_mmx.cpp.
#include "models/cpu/core.hpp"
#include "models/cpu/instruction_fields.hpp"

namespace fixpoint::models {

namespace {

constexpr uint32_t register_uops = 1, load_uops = 2, modify_uops = 4;

Handler decode_group6(const InstructionFields& f) {
    if (f.reg > 5)
        return f.undefined();
    f.set_rm(f.reg < 2 ? f.wide : 1);
    f.ends();
    f.costs(4, f.parameters->other_system_cycles);
    return group6_handler(f.reg, f.wide, f.memory);
}

Handler decode_group7(const InstructionFields& f) {
    f.ends();
    f.costs(4, f.reg == 7 ? 0 : f.parameters->other_system_cycles);
    switch (f.reg) {
    case 0:
    case 1:
    case 2:
    case 3:
        return f.memory ? table_register_handler(f.reg, f.wide) : f.undefined();
    case 4:
    case 6:
        f.set_rm(f.reg == 4 ? f.wide : 1);
        return machine_status_handler(f.reg == 6, f.wide, f.memory);
    case 7:
        return f.memory ? invalidate_page_handler() : f.undefined();
    default:
        return f.undefined();
    }
}

// MOV with control and debug registers: ModRM.mod is ignored, the operand is a register.
Handler decode_special_register(const InstructionFields& f) {
    const bool control = (f.opcode & 1) == 0, to_register = (f.opcode & 2) == 0;
    if (control && (f.reg == 1 || f.reg > 4))
        return f.undefined();
    f.op->detail = f.reg;
    f.set_rm(2);
    f.ends();
    const bool address_space = control && f.reg == 3 && !to_register;
    f.costs(4, address_space ? 0 : f.parameters->other_system_cycles);
    return control ? control_register_handler(to_register) : debug_register_handler(to_register);
}

Handler decode_bit_test(const InstructionFields& f) {
    const bool immediate = f.opcode == 0xBA;
    if (immediate && f.reg < 4)
        return f.undefined();
    f.set_reg(f.wide);
    f.set_rm(f.wide);
    const unsigned operation = immediate ? f.reg & 3 : f.opcode >> 3 & 3;
    if (!f.memory)
        return bit_handler(operation, f.wide, immediate ? Form::reg_imm : Form::reg_reg);
    f.costs((operation == 0 ? load_uops : modify_uops) + (immediate ? 0 : 5));
    return bit_handler(operation, f.wide, immediate ? Form::mem_imm : Form::mem_reg);
}

Handler decode_extend(const InstructionFields& f) {
    const unsigned from = (f.opcode & 1) != 0 ? 1 : 0;
    f.set_reg(f.wide);
    f.set_rm(from);
    return extend_handler((f.opcode & 8) != 0, from, f.wide, f.memory, f.flat);
}

Handler decode_single(const InstructionFields& f) {
    const unsigned wide = f.wide;
    switch (f.opcode) {
    case 0x00:
        return decode_group6(f);
    case 0x01:
        return decode_group7(f);
    case 0x02:
    case 0x03:
        f.set_reg(wide);
        f.set_rm(1);
        f.costs(4, f.parameters->other_system_cycles);
        return load_access_rights_handler(f.opcode == 0x03, wide, f.memory);
    case 0x06:
    case 0x08:
    case 0x09:
    case 0xA2:
        f.ends();
        return system_handler(f.opcode);
    case 0x30:
    case 0x31:
    case 0x32:
    case 0x33: // RDPMC is in every P6
        if (f.opcode != 0x33 && f.lacks(f.opcode == 0x31 ? feature::tsc : feature::msr))
            return f.undefined();
        f.ends();
        return model_specific_handler(f.opcode);
    case 0x20:
    case 0x21:
    case 0x22:
    case 0x23:
        return decode_special_register(f);
    case 0x34:
    case 0x35:
        if (f.lacks(feature::sep))
            return f.undefined();
        f.ends();
        return f.opcode == 0x34 ? sysenter_handler() : sysexit_handler();
    case 0xA0:
    case 0xA8:
        f.op->detail = f.opcode == 0xA0 ? seg_fs : seg_gs;
        f.costs(3);
        return push_segment_handler(wide);
    case 0xA1:
    case 0xA9:
        f.op->detail = f.opcode == 0xA1 ? seg_fs : seg_gs;
        f.ends();
        f.costs(5);
        return pop_segment_handler(wide);
    case 0xA3:
    case 0xAB:
    case 0xB3:
    case 0xBB:
    case 0xBA:
        return decode_bit_test(f);
    case 0xA4:
    case 0xA5:
    case 0xAC:
    case 0xAD:
        f.set_reg(wide);
        f.set_rm(wide);
        f.costs(f.memory ? 5 : 2);
        return double_shift_handler((f.opcode & 8) != 0, wide, f.memory, (f.opcode & 1) != 0);
    case 0xAE: // group 15
        return decode_x87_state(f);
    case 0xAF:
        f.set_reg(wide);
        f.set_rm(wide);
        f.costs(f.memory ? load_uops : register_uops, f.parameters->multiply_cycles);
        return imul_handler(wide, f.memory, f.flat, false);
    case 0xB0:
    case 0xB1:
        f.set_reg(f.size());
        f.set_rm(f.size());
        f.costs(f.memory ? 8 : 5);
        return compare_exchange_handler(f.size(), f.memory);
    case 0xC0:
    case 0xC1:
        f.set_reg(f.size());
        f.set_rm(f.size());
        f.costs(f.memory ? 7 : 4);
        return exchange_add_handler(f.size(), f.memory);
    case 0xB2:
    case 0xB4:
    case 0xB5:
        if (!f.memory)
            return f.undefined();
        f.op->detail = f.opcode == 0xB2 ? seg_ss : f.opcode == 0xB4 ? seg_fs : seg_gs;
        f.set_reg(wide);
        f.ends();
        f.costs(8);
        return load_far_pointer_handler(wide);
    case 0xB6:
    case 0xB7:
    case 0xBE:
    case 0xBF:
        return decode_extend(f);
    case 0xBC:
    case 0xBD:
        f.set_reg(wide);
        f.set_rm(wide);
        f.costs(f.memory ? 3 : 2);
        return bit_scan_handler(f.opcode == 0xBD, wide, f.memory);
    case 0xC7:
        if (!f.memory || f.reg != 1 || f.lacks(feature::cx8))
            return f.undefined();
        f.costs(15);
        return compare_exchange8_handler();
    default:
        return f.undefined();
    }
}

} // namespace

Handler decode_two_byte(const InstructionFields& f) {
    const uint8_t row = f.opcode & 0xF0;
    if (row == 0x40) {
        if (f.lacks(feature::cmov))
            return f.undefined();
        f.set_reg(f.wide);
        f.set_rm(f.wide);
        f.costs(f.memory ? 3 : 2);
        return conditional_move_handler(f.opcode & 0xF, f.wide, f.memory, f.flat);
    }
    if (row == 0x80) {
        f.branches();
        return conditional_jump_handler(f.opcode & 0xF, f.wide);
    }
    if (row == 0x90) {
        f.set_rm(0);
        f.costs(f.memory ? 3 : 1);
        return set_condition_handler(f.opcode & 0xF, f.memory, f.flat);
    }
    if (f.opcode >= 0xC8 && f.opcode <= 0xCF) {
        f.op->rm = InstructionFields::offset(f.opcode & 7, 2);
        f.costs(2);
        return byte_swap_handler();
    }
    if (f.opcode >= 0x18 && f.opcode <= 0x1F) // hints: long NOPs on a P6
        return nop_handler();
    if (const Handler mmx = decode_mmx(f); mmx != nullptr)
        return mmx;
    return decode_single(f);
}

} // namespace fixpoint::models
