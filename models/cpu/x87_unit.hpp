// What the x87's handlers share: the checks before an instruction, the pointers it leaves, its exceptions, and its
// memory operands.
//
// Order within an instruction: #NM, a pending exception (#MF), faults of the memory operand, then the operation. Nothing
// is changed before the memory operand has been read or written (SDM vol. 1, 8.6 and 8.7).
#pragma once

#include "models/cpu/handler_support.hpp"

#include <cstring>

namespace fixpoint::models {

// ---- May it execute? False: it has been dealt with, the handler returns.

bool x87_refuse(Core& core, const Op* op);      // #NM, else the pending exception; true: which IGNNE# hides
bool mmx_refuse(Core& core, const Op* op);      // the same for MMX instructions
bool x87_unavailable(Core& core, const Op* op); // #NM; always false
bool x87_wait(Core& core, const Op* op);        // WAIT: CR0.EM does not matter, TS only together with MP

inline constexpr uint32_t x87_switched_off = Mmu::cr0_em | Mmu::cr0_ts;

[[nodiscard, gnu::always_inline]] inline bool x87_ready(Core& core, const Op* op) {
    if (((core.mmu.cr0 & x87_switched_off) | (core.x87.status & x87_status::summary)) == 0) [[likely]]
        return true;
    return x87_refuse(core, op);
}
// The instructions that do not wait: FNINIT, FNCLEX, FNSTSW, FNSTCW, FNSTENV, FNSAVE, FXSAVE, FXRSTOR.
[[nodiscard, gnu::always_inline]] inline bool x87_ready_without_wait(Core& core, const Op* op) {
    return (core.mmu.cr0 & x87_switched_off) == 0 || x87_unavailable(core, op);
}
[[nodiscard, gnu::always_inline]] inline bool mmx_ready(Core& core, const Op* op) {
    if (((core.mmu.cr0 & x87_switched_off) | (core.x87.status & x87_status::summary)) == 0) [[likely]]
        return true;
    return mmx_refuse(core, op);
}

// After an instruction that may have ended the last pending exception.
[[gnu::always_inline]] inline void x87_pending_changed(Core& core, const Op* op) {
    if (core.numeric_error && (core.x87.status & x87_status::summary) == 0) [[unlikely]] {
        core.current = op;
        core.release_numeric_error();
    }
}

// ---- The pointers to the last instruction (not a control instruction) and its memory operand

[[gnu::always_inline]] inline void x87_record(Core& core, const Op* op) {
    X87State& x87 = core.x87;
    x87.instruction_pointer = core.eip + op->eip_offset;
    x87.code_selector = core.segment[seg_cs].selector;
    x87.opcode = static_cast<uint16_t>(op->immediate);
}
[[gnu::always_inline]] inline void x87_record(Core& core, const Op* op, uint32_t operand) {
    x87_record(core, op);
    core.x87.operand_pointer = operand;
    core.x87.data_selector = core.segment[op->segment].selector;
}

// ---- Exceptions

[[gnu::always_inline]] inline FloatContext x87_context(const X87State& x87) {
    constexpr uint8_t precisions[] = {24, 64, 53, 64}; // 01 is reserved and behaves as 11
    FloatContext context;
    context.rounding = static_cast<Rounding>(x87.control >> x87_control::rounding_shift & 3);
    context.precision_bits = precisions[x87.control >> x87_control::precision_shift & 3];
    context.masked = static_cast<uint8_t>(x87.control & float_exception::all);
    return context;
}

// Enters what an operation raised into the status word, C1 included. False: an exception that is not masked was found
// before the operation, so that its operands stay and there is no result (SDM vol. 1, 8.5).
[[nodiscard, gnu::always_inline]] inline bool x87_settle(X87State& x87, const FloatContext& context) {
    constexpr uint8_t before =
        float_exception::invalid | float_exception::denormal | float_exception::divide_by_zero;
    const auto unmasked = static_cast<uint8_t>(context.raised & ~context.masked);
    x87.status = static_cast<uint16_t>((x87.status & ~x87_status::c1) | context.raised |
                                       (context.rounded_up ? x87_status::c1 : 0));
    if (unmasked == 0) [[likely]]
        return true;
    x87.status |= x87_status::summary | x87_status::busy;
    return (unmasked & before) == 0;
}

enum class StackFault : bool { underflow, overflow };

// True: masked, the result is the indefinite (SDM vol. 1, 8.5.1.1).
inline bool x87_stack_fault(X87State& x87, StackFault kind) {
    const uint16_t direction = kind == StackFault::overflow ? x87_status::c1 : 0;
    x87.status = static_cast<uint16_t>((x87.status & ~x87_status::c1) | float_exception::invalid |
                                       x87_status::stack_fault | direction);
    x87.summarise();
    return (x87.control & float_exception::invalid) != 0;
}

[[gnu::always_inline]] inline void x87_set_condition(X87State& x87, unsigned mask, unsigned bits) {
    x87.status = static_cast<uint16_t>((x87.status & ~mask) | bits);
}

// ---- Memory operands

// Alignment that #AC asks of an operand (SDM vol. 3, table 6-7).
template<class T>
inline constexpr unsigned natural_alignment = sizeof(T) < 8 ? sizeof(T) : 8;

using Bytes10 = std::array<uint8_t, 10>;

template<class T, bool Flat>
[[nodiscard, gnu::always_inline]] inline bool x87_load(Core& core, const Op* op, uint32_t offset, T& value) {
    uint32_t linear = offset;
    if constexpr (!Flat)
        if (!core.segment_address(op->segment, offset, sizeof(T), false, linear, natural_alignment<T>))
            return false;
    return read_linear<T>(core, op, linear, value);
}
template<class T, bool Flat>
[[nodiscard, gnu::always_inline]] inline bool x87_store(Core& core, const Op* op, uint32_t offset,
                                                        const T& value) {
    uint32_t linear = offset;
    if constexpr (!Flat)
        if (!core.segment_address(op->segment, offset, sizeof(T), true, linear, natural_alignment<T>))
            return false;
    return write_linear<T>(core, op, linear, value);
}

// All that comes before the operation of an instruction with an operand in memory. False: the instruction is over.
template<class T, bool Flat>
[[nodiscard, gnu::always_inline]] inline bool x87_memory_operand(Core& core, const Op* op, T& value) {
    if (!x87_ready(core, op))
        return false;
    const uint32_t offset = effective_address<Flat>(core, op);
    if (!x87_load<T, Flat>(core, op, offset, value)) {
        core.fault_exit(op);
        return false;
    }
    x87_record(core, op, offset);
    return true;
}

} // namespace fixpoint::models
