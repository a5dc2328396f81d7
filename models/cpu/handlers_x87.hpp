// The x87's and MMX's handlers, as the decoder picks them. In an Op: `detail` is the number of a register, `immediate`
// the opcode as the x87 remembers it (11 bits).
#pragma once

#include "models/cpu/op.hpp"

namespace fixpoint::models {

enum class X87Format : uint8_t { float32, float64, float80, int16, int32, int64, bcd };

// handlers_x87_arithmetic.cpp; `operation`: ModRM.reg, FADD FMUL FCOM FCOMP FSUB FSUBR FDIV FDIVR
Handler x87_arithmetic_memory_handler(unsigned operation, X87Format format, bool flat);
Handler x87_arithmetic_register_handler(unsigned operation, bool to_other, bool pop);
struct X87Comparison {
    bool quiet;    // FUCOM
    bool to_flags; // FCOMI
    uint8_t pops;
};
Handler x87_compare_register_handler(X87Comparison comparison);

// handlers_x87_move.cpp
Handler x87_load_handler(X87Format format, bool flat);
Handler x87_store_handler(X87Format format, bool pop, bool flat);

// handlers_x87_register.cpp
// FLD, FST, FSTP, FSTPNCE (which copies no empty register and raises nothing), FXCH, FFREE, FFREEP with ST(i)
enum class X87Transfer : uint8_t { load, store, store_pop, store_pop_quietly, exchange, free, free_pop };
Handler x87_transfer_handler(X87Transfer transfer);
Handler x87_conditional_move_handler(unsigned condition, bool negated); // B, E, BE, U
Handler x87_constant_handler(); // which: Op::detail, in the order of D9 E8-EE
enum class X87Simple : uint8_t { no_operation, change_sign, absolute, test, examine, decrement, increment };
Handler x87_simple_handler(X87Simple operation);

// handlers_x87_transcendental.cpp; D9 F0-FF but FDECSTP and FINCSTP
Handler x87_function_handler(unsigned low_bits);

// handlers_x87_control.cpp
enum class X87Control : uint8_t { initialise, clear_exceptions, nothing };
Handler x87_control_handler(X87Control operation); // FNINIT, FNCLEX; FNENI, FNDISI, FNSETPM
enum class X87Word : uint8_t { control, status };
Handler x87_store_word_handler(X87Word word);
Handler x87_store_status_in_ax_handler();
Handler x87_load_control_handler();
Handler x87_wait_handler();
Handler x87_absent_handler(); // a processor without x87: for its emulation, else undefined

// handlers_x87_environment.cpp; `size`: log2 of the operand size, 1 or 2
enum class X87Area : uint8_t { environment, all };
Handler x87_save_handler(X87Area area, unsigned size);
Handler x87_restore_handler(X87Area area, unsigned size);
Handler x87_extended_save_handler();    // FXSAVE
Handler x87_extended_restore_handler(); // FXRSTOR

// handlers_mmx.cpp; `opcode`: the byte after 0F. The registers' numbers are in Op::reg and Op::rm.
Handler mmx_handler(uint8_t opcode, bool memory);
Handler mmx_shift_handler(uint8_t opcode, unsigned operation); // by an immediate: 71-73
Handler mmx_empty_handler();                                   // EMMS

} // namespace fixpoint::models
