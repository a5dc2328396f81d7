// The instruction handlers, as the decoder picks them. One file a group; sizes are log2 of the operand's
// bytes (0-2), flat: see memory_access.hpp.
#pragma once

#include "models/cpu/op.hpp"

namespace fixpoint::models {

// Where the operands are; the first is the destination.
enum class Form : uint8_t { reg_reg, reg_mem, mem_reg, reg_imm, mem_imm };

// handlers_alu.cpp
Handler alu_handler(unsigned operation, unsigned size, Form form,
                    bool flat); // ADD OR ADC SBB AND SUB XOR CMP
Handler test_handler(unsigned size, Form form, bool flat);
Handler unary_handler(unsigned operation, unsigned size, bool memory, bool flat); // INC DEC NOT NEG
Handler multiply_handler(unsigned operation, unsigned size, bool memory); // by F7 /4-/7: MUL IMUL DIV IDIV
Handler imul_handler(unsigned size, bool memory, bool flat, bool immediate);
Handler decimal_handler(uint8_t opcode); // DAA DAS AAA AAS AAM AAD
Handler exchange_add_handler(unsigned size, bool memory);
Handler compare_exchange_handler(unsigned size, bool memory);
Handler compare_exchange8_handler();

// handlers_shift.cpp
Handler shift_handler(unsigned operation, unsigned size, bool memory, bool flat,
                      bool by_cl); // ROL ROR RCL RCR SHL SHR SHL SAR
Handler double_shift_handler(bool right, unsigned size, bool memory, bool by_cl);
Handler bit_handler(unsigned operation, unsigned size, Form form); // BT BTS BTR BTC
Handler bit_scan_handler(bool reverse, unsigned size, bool memory);
Handler byte_swap_handler();

// handlers_move.cpp
Handler move_handler(unsigned size, Form form, bool flat);
Handler extend_handler(bool is_signed, unsigned from, unsigned to, bool memory, bool flat);
Handler lea_handler(unsigned size, bool wide_address);
Handler exchange_handler(unsigned size, bool memory);
Handler conditional_move_handler(unsigned code, unsigned size, bool memory, bool flat);
Handler set_condition_handler(unsigned code, bool memory, bool flat);
Handler convert_handler(bool to_dx, unsigned size); // CBW CWDE, CWD CDQ
Handler translate_byte_handler();                   // XLAT
Handler flag_handler(uint8_t opcode);               // CMC CLC STC CLD STD LAHF SAHF SALC
Handler nop_handler();

// handlers_stack.cpp
enum class PushSource : uint8_t { reg, immediate, memory };
Handler push_handler(unsigned size, PushSource source, bool flat);
Handler pop_handler(unsigned size, bool memory, bool flat);
Handler push_all_handler(unsigned size);
Handler pop_all_handler(unsigned size);
Handler enter_handler(unsigned size);
Handler leave_handler(unsigned size, bool flat);
Handler push_segment_handler(unsigned size);
Handler pop_segment_handler(unsigned size);
Handler push_flags_handler(unsigned size);
Handler pop_flags_handler(unsigned size);

// handlers_branch.cpp
Handler conditional_jump_handler(unsigned code, unsigned size);
Handler jump_handler(unsigned size);
Handler call_handler(unsigned size, bool flat);
Handler return_handler(unsigned size, bool flat);
enum class Transfer : uint8_t { jump, call };
Handler indirect_handler(Transfer transfer, unsigned size, bool memory, bool flat);
Handler loop_handler(uint8_t opcode, unsigned size); // LOOPNE LOOPE LOOP JCXZ
Handler end_of_block_handler();
Handler leave_block_handler();

// handlers_string.cpp
enum class StringKind : uint8_t { move, compare, store, load, scan, input, output };
Handler string_handler(StringKind kind, unsigned size, bool flat);

// handlers_far.cpp
Handler far_handler(Transfer transfer, unsigned size, bool memory);
Handler far_return_handler(unsigned size);
Handler sysenter_handler();
Handler sysexit_handler();

// handlers_interrupt.cpp
Handler interrupt_return_handler(unsigned size);
Handler software_interrupt_handler(); // INT n, INT3, INT1, INTO by the opcode in Op::detail
Handler bound_handler(unsigned size);
Handler interrupt_flag_handler(bool set); // STI, CLI

// handlers_segment.cpp
Handler move_from_segment_handler(unsigned size, bool memory);
Handler move_to_segment_handler(bool memory);
Handler load_far_pointer_handler(unsigned size);                            // LES LDS LSS LFS LGS
Handler group6_handler(unsigned operation, unsigned size, bool memory);     // SLDT STR LLDT LTR VERR VERW
Handler load_access_rights_handler(bool limit, unsigned size, bool memory); // LAR LSL
Handler adjust_rpl_handler(bool memory);

// handlers_debug.cpp
Handler debug_register_handler(bool to_register);
Handler observe_handler(); // see core_debug.cpp

// handlers_system.cpp
Handler table_register_handler(unsigned operation, unsigned size); // SGDT SIDT LGDT LIDT
Handler machine_status_handler(bool load, unsigned size, bool memory);
Handler control_register_handler(bool to_register);
Handler invalidate_page_handler();
Handler system_handler(uint8_t opcode);         // 0F xx: CLTS INVD WBINVD CPUID
Handler model_specific_handler(uint8_t opcode); // 0F xx: WRMSR RDTSC RDMSR RDPMC
Handler halt_handler();
Handler port_handler(bool output, unsigned size, bool immediate);
Handler probe_handler();
Handler raise_handler(); // raises the vector in Op::detail

} // namespace fixpoint::models
