// The x87's opcodes D8-DF (SDM vol. 2, tables ), with the aliases that P6 processors execute and the manual
// leaves out, and FXSAVE and FXRSTOR. Micro-operation counts: Agner Fog, "Instruction tables", Pentium II and III.
#include "models/cpu/core.hpp"
#include "models/cpu/handlers_x87.hpp"
#include "models/cpu/instruction_fields.hpp"

namespace fixpoint::models {

namespace {

constexpr uint32_t register_uops = 1, load_uops = 2, integer_uops = 6, store_uops = 2, word_store_uops = 3;
constexpr uint32_t multiply_extra_cycles = 1; // the multiplier starts every other cycle
// The functions D9 F0-FF; the ranges' middles.
constexpr uint32_t function_uops[] = {32, 45, 61, 55, 15, 33, 1, 1, 23, 42, 1, 64, 30, 56, 57, 57};

enum : unsigned { reg_multiply = 1, reg_compare = 2, reg_compare_pop = 3, reg_divide = 6 };

// What the units that are not pipelined add.
uint32_t arithmetic_cycles(const InstructionFields& f) {
    if (f.reg >= reg_divide)
        return f.parameters->x87_divide_cycles;
    return f.reg == reg_multiply ? multiply_extra_cycles : 0;
}

// D8, DA, DC, DE with memory.
Handler decode_arithmetic_memory(const InstructionFields& f) {
    constexpr X87Format formats[] = {X87Format::float32, X87Format::int32, X87Format::float64,
                                     X87Format::int16};
    const bool integer = (f.opcode & 2) != 0;
    f.costs(integer ? integer_uops : load_uops, arithmetic_cycles(f));
    return x87_arithmetic_memory_handler(f.reg, formats[f.opcode >> 1 & 3], f.flat);
}

Handler load(const InstructionFields& f, X87Format format, uint32_t micro_ops) {
    f.costs(micro_ops);
    return x87_load_handler(format, f.flat);
}
Handler store(const InstructionFields& f, X87Format format, bool pop, uint32_t micro_ops) {
    f.costs(micro_ops);
    return x87_store_handler(format, pop, f.flat);
}

// D9, DB, DD, DF with memory.
Handler decode_transfer_memory(const InstructionFields& f) {
    constexpr uint32_t extended_load_uops = 4, extended_store_uops = 6, integer_load_uops = 4,
                       integer_store_uops = 4, decimal_load_uops = 40, decimal_store_uops = 167;
    const bool pop = f.reg == 3;
    switch (f.opcode << 4 | f.reg) {
    case 0xD90:
        return load(f, X87Format::float32, register_uops);
    case 0xD92:
    case 0xD93:
        return store(f, X87Format::float32, pop, store_uops);
    case 0xD94:
        f.costs(31);
        return x87_restore_handler(X87Area::environment, f.wide);
    case 0xD95:
        f.costs(2, 9);
        return x87_load_control_handler();
    case 0xD96:
        f.costs(49);
        return x87_save_handler(X87Area::environment, f.wide);
    case 0xD97:
        f.costs(word_store_uops);
        return x87_store_word_handler(X87Word::control);
    case 0xDB0:
        return load(f, X87Format::int32, integer_load_uops);
    case 0xDB2:
    case 0xDB3:
        return store(f, X87Format::int32, pop, integer_store_uops);
    case 0xDB5:
        return load(f, X87Format::float80, extended_load_uops);
    case 0xDB7:
        return store(f, X87Format::float80, true, extended_store_uops);
    case 0xDD0:
        return load(f, X87Format::float64, register_uops);
    case 0xDD2:
    case 0xDD3:
        return store(f, X87Format::float64, pop, store_uops);
    case 0xDD4:
        f.costs(72);
        return x87_restore_handler(X87Area::all, f.wide);
    case 0xDD6:
        f.costs(141);
        return x87_save_handler(X87Area::all, f.wide);
    case 0xDD7:
        f.costs(word_store_uops);
        return x87_store_word_handler(X87Word::status);
    case 0xDF0:
        return load(f, X87Format::int16, integer_load_uops);
    case 0xDF2:
    case 0xDF3:
        return store(f, X87Format::int16, pop, integer_store_uops);
    case 0xDF4:
        return load(f, X87Format::bcd, decimal_load_uops);
    case 0xDF5:
        return load(f, X87Format::int64, integer_load_uops);
    case 0xDF6:
        return store(f, X87Format::bcd, true, decimal_store_uops);
    case 0xDF7:
        return store(f, X87Format::int64, true, integer_store_uops);
    default: // FISTTP among them, which came with SSE3
        return f.undefined();
    }
}

// D8, DC and DE with a register. FCOM2 (DC D0), FCOMP3 (DC D8) and FCOMP5 (DE D0) are aliases.
Handler decode_arithmetic_register(const InstructionFields& f) {
    const bool pops = f.opcode == 0xDE;
    f.costs(register_uops, arithmetic_cycles(f));
    if (f.reg == reg_compare || f.reg == reg_compare_pop) {
        uint8_t count = f.reg == reg_compare_pop ? 1 : 0;
        if (pops) {
            if (f.reg == reg_compare_pop && f.rm != 1) // FCOMPP is DE D9 alone
                return f.undefined();
            ++count;
        }
        f.costs(count == 2 ? 2 : register_uops);
        return x87_compare_register_handler({false, false, count});
    }
    return x87_arithmetic_register_handler(f.reg, f.opcode != 0xD8, pops);
}

Handler transfer(const InstructionFields& f, X87Transfer kind, uint32_t micro_ops = register_uops) {
    f.costs(micro_ops);
    return x87_transfer_handler(kind);
}

Handler compare(const InstructionFields& f, X87Comparison comparison) {
    f.costs(comparison.pops == 2 ? 2 : register_uops);
    return x87_compare_register_handler(comparison);
}

Handler decode_simple(const InstructionFields& f) {
    switch (f.modrm) {
    case 0xD0:
        return x87_simple_handler(X87Simple::no_operation);
    case 0xE0:
        f.costs(3);
        return x87_simple_handler(X87Simple::change_sign);
    case 0xE1:
        return x87_simple_handler(X87Simple::absolute);
    case 0xE4:
        return x87_simple_handler(X87Simple::test);
    case 0xE5:
        return x87_simple_handler(X87Simple::examine);
    case 0xF6:
        return x87_simple_handler(X87Simple::decrement);
    case 0xF7:
        return x87_simple_handler(X87Simple::increment);
    default:
        return f.undefined();
    }
}

uint32_t function_cycles(const InstructionFields& f) {
    constexpr uint8_t fxtract = 0xF4, fprem1 = 0xF5, fprem = 0xF8, fsqrt = 0xFA, frndint = 0xFC,
                      fscale = 0xFD;
    switch (f.modrm) {
    case fsqrt:
        return f.parameters->x87_square_root_cycles;
    case fxtract:
    case fprem1:
    case fprem:
    case frndint:
    case fscale:
        return 0; // micro-operations only
    default:
        return f.parameters->x87_transcendental_cycles;
    }
}

// D9 with a register.
Handler decode_d9_register(const InstructionFields& f) {
    constexpr uint8_t first_constant = 0xE8, last_constant = 0xEE, first_function = 0xF0;
    switch (f.reg) {
    case 0:
        return transfer(f, X87Transfer::load);
    case 1:
        return transfer(f, X87Transfer::exchange, 0);
    case 3: // FSTPNCE, FSTP1 to others
        return transfer(f, X87Transfer::store_pop_quietly);
    default:
        break;
    }
    if (f.modrm >= first_constant && f.modrm <= last_constant) {
        f.op->detail = static_cast<uint8_t>(f.modrm - first_constant);
        f.costs(f.modrm == last_constant ? 1 : 2);
        return x87_constant_handler();
    }
    const bool stack_pointer = f.modrm == 0xF6 || f.modrm == 0xF7;
    if (f.modrm < first_function || stack_pointer)
        return decode_simple(f);
    const unsigned function = f.modrm - first_function;
    f.costs(function_uops[function], function_cycles(f));
    return x87_function_handler(function);
}

// DA and DB with a register.
Handler decode_da_db_register(const InstructionFields& f) {
    const bool second = f.opcode == 0xDB;
    if (f.reg < 4) {
        f.costs(2);
        return x87_conditional_move_handler(f.reg, second);
    }
    if (!second)
        return f.modrm == 0xE9 ? compare(f, {true, false, 2}) : f.undefined(); // FUCOMPP
    if (f.reg == 5 || f.reg == 6)
        return compare(f, {f.reg == 5, true, 0});
    switch (f.modrm) {
    case 0xE0: // FNENI, FNDISI and FNSETPM of the 8087 and 80287 do nothing
    case 0xE1:
    case 0xE4:
        return x87_control_handler(X87Control::nothing);
    case 0xE2:
        f.costs(3);
        return x87_control_handler(X87Control::clear_exceptions);
    case 0xE3:
        f.costs(13);
        return x87_control_handler(X87Control::initialise);
    default:
        return f.undefined();
    }
}

// DD and DF with a register. FXCH4 (DD C8), FXCH7 (DF C8), FSTP8 (DF D0) and FSTP9 (DF D8) are aliases; FFREEP is DF C0.
Handler decode_dd_df_register(const InstructionFields& f) {
    const bool second = f.opcode == 0xDF;
    switch (f.reg) {
    case 0:
        return transfer(f, second ? X87Transfer::free_pop : X87Transfer::free, second ? 2 : 1);
    case 1:
        return transfer(f, X87Transfer::exchange, 0);
    case 2:
    case 3:
        return transfer(f, second || f.reg == 3 ? X87Transfer::store_pop : X87Transfer::store);
    case 4:
        if (!second)
            return compare(f, {true, false, 0});
        if (f.rm != 0)
            return f.undefined();
        f.costs(3);
        return x87_store_status_in_ax_handler();
    case 5:
        return second ? compare(f, {true, true, 1}) : compare(f, {true, false, 1});
    case 6:
        return second ? compare(f, {false, true, 1}) : f.undefined();
    default:
        return f.undefined();
    }
}

} // namespace

Handler decode_x87(const InstructionFields& f) {
    f.op->detail = f.rm;
    f.op->immediate = (f.opcode & 7u) << 8 | f.modrm;
    if (f.lacks(feature::fpu))
        return x87_absent_handler();
    if (f.memory)
        return (f.opcode & 1) == 0 ? decode_arithmetic_memory(f) : decode_transfer_memory(f);
    switch (f.opcode) {
    case 0xD9:
        return decode_d9_register(f);
    case 0xDA:
    case 0xDB:
        return decode_da_db_register(f);
    case 0xDD:
    case 0xDF:
        return decode_dd_df_register(f);
    default:
        return decode_arithmetic_register(f);
    }
}

Handler decode_x87_state(const InstructionFields& f) {
    if (!f.memory || f.prefixed || f.reg > 1 || f.lacks(feature::fxsr))
        return f.undefined();
    const bool save = f.reg == 0;
    f.costs(save ? 118 : 89);
    return save ? x87_extended_save_handler() : x87_extended_restore_handler();
}

} // namespace fixpoint::models
