// The choices, each with its source. A difference that is none of these is a defect of the model, or of this list.
#include "tests/native/allowance.hpp"

#include "models/cpu/core.hpp"
#include "tests/native/model_processor.hpp"

#include <algorithm>

#include <Zydis/Zydis.h>

namespace fixpoint::native {

using namespace models;

namespace {

constexpr bool is_memory_fault(const Outcome& o) {
    return (o.vector >= vector::stack_fault && o.vector <= vector::page_fault) ||
           o.vector == vector::alignment_check;
}

constexpr uint32_t fetch_bit = 1u << 4; // of a page fault's error code; it came with the NX bit

// The next instruction is not in a page, or not in the code segment, whose limit is the code area's end.
bool is_fetch(const LocalTable& table, const Outcome& host) {
    if (host.vector == vector::page_fault)
        return (host.error & fetch_bit) != 0;
    constexpr uint32_t longest = 15;
    const Descriptor* code = table.find(host.end.selector[seg_cs]);
    return host.vector == vector::general_protection && host.error == 0 && code != nullptr &&
           host.end.eip + code->base + longest > code_area.end();
}

constexpr bool at_the_end(const Outcome& o) {
    constexpr uint32_t margin = 16; // the longest operand
    return o.vector == vector::page_fault && o.cr2 + margin < 2 * margin;
}

constexpr bool limit_fault(const Outcome& o) {
    return (o.vector == vector::general_protection || o.vector == vector::stack_fault) && o.error == 0;
}

// The instruction that EIP points to.
class Instruction {
public:
    Instruction(const Program& program, const LocalTable& table, const Registers& at) {
        const Descriptor* code = table.find(at.selector[seg_cs]);
        if (code == nullptr)
            return;
        const uint32_t offset = at.eip + code->base - program.address;
        if (offset >= program.code.size())
            return;
        ZydisDecoder decoder;
        ZydisDecoderInit(&decoder, code->big ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
                         code->big ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16);
        known_ = ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, program.code.data() + offset,
                                                     program.code.size() - offset, &instruction_,
                                                     operands_.data()));
    }
    [[nodiscard]] bool is(ZydisMnemonic mnemonic) const {
        return known_ && instruction_.mnemonic == mnemonic;
    }
    template<class... M>
    [[nodiscard]] bool is_any(M... mnemonics) const {
        return (is(mnemonics) || ...);
    }
    [[nodiscard]] bool repeats() const {
        constexpr ZydisInstructionAttributes any =
            ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE;
        return known_ && (instruction_.attributes & any) != 0;
    }
    [[nodiscard]] bool far() const {
        return known_ && instruction_.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
    }
    // That an 80-bit number is loaded from or stored to.
    [[nodiscard]] bool has_80_bits() const {
        constexpr unsigned bits = 80;
        for (unsigned i = 0; known_ && i < instruction_.operand_count_visible; ++i)
            if (operands_[i].type == ZYDIS_OPERAND_TYPE_MEMORY && operands_[i].size == bits)
                return true;
        return false;
    }
    [[nodiscard]] uint32_t operand_bytes() const { return known_ ? instruction_.operand_width / 8u : 0; }
    // The second immediate of ENTER.
    [[nodiscard]] uint32_t nesting_level() const {
        return known_ ? static_cast<uint32_t>(instruction_.raw.imm[1].value.u) & 31u : 0;
    }

private:
    bool known_ = false;
    ZydisDecodedInstruction instruction_{};
    std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands_{};
};

} // namespace

uint32_t comparable_error(const Outcome& outcome) {
    // A P6 leaves bit 4 clear.
    if (outcome.vector != vector::page_fault)
        return outcome.error;
    const bool supervisor = outcome.cr2 >= ModelProcessor::supervisor_begin;
    return outcome.error & ~(fetch_bit | (supervisor ? page_fault::protection : 0u));
}

uint32_t flags_open_after_step(const Program& program, const LocalTable& table, const Registers& step) {
    // Between the iterations of a repeated string instruction RF is set (SDM vol. 3, 17.3.1.1); AMD's processors leave
    // it clear at a single step.
    return Instruction{program, table, step}.repeats() ? eflags::rf : 0u;
}

Allowance allowance_for_fault(const Program& program, const LocalTable& table, const Outcome& expected,
                              const Outcome& got) {
    Allowance open;
    if (got.end.eip != expected.end.eip)
        return open;
    const Instruction at{program, table, got.end};
    // A fault pushes RF set (SDM vol. 3, 17.3.1.1); AMD's processors push it clear if after a single step the next
    // instruction cannot be fetched, or a repetition goes on and faults.
    if (expected.step_count != 0 && (is_fetch(table, expected) || at.repeats()))
        open.flags |= eflags::rf;
    if (!is_memory_fault(got) || !is_memory_fault(expected))
        return open;
    // A fault gives the flags back as they were before the instruction (SDM vol. 2, REP); AMD's processors give those of
    // the last comparison.
    const bool compares = at.is_any(ZYDIS_MNEMONIC_CMPSB, ZYDIS_MNEMONIC_CMPSW, ZYDIS_MNEMONIC_CMPSD);
    if (at.repeats() &&
        (compares || at.is_any(ZYDIS_MNEMONIC_SCASB, ZYDIS_MNEMONIC_SCASW, ZYDIS_MNEMONIC_SCASD)))
        open.flags |= eflags::arithmetic;
    // Of its two operands the manual names none that is read first: a P6 reads ESI's, AMD's processors EDI's.
    open.fault |= compares;
    // Both bounds, or the parts of 80 bits, are read and written in two accesses: one may be beyond the limit, the other
    // absent. The manual tells no order.
    open.fault |= at.is(ZYDIS_MNEMONIC_BOUND) || at.has_80_bits();
    // The limit is checked before the push (SDM vol. 2, CALL, near); AMD's processors push first.
    const bool calls = at.is(ZYDIS_MNEMONIC_CALL);
    open.fault |= calls && !at.far() && got.vector == vector::general_protection;
    // A return outwards: SDM vol. 2, RET, checks the selector first; AMD's processors read the outer stack pointer first.
    open.fault |= at.is(ZYDIS_MNEMONIC_RET) && at.far() && got.vector == vector::general_protection;
    // An access across the end of a segment of 4 GB wraps around or is a #GP or #SS, whichever (SDM vol. 3, 5.3).
    open.fault |= (at_the_end(got) && limit_fault(expected)) || (at_the_end(expected) && limit_fault(got));
    // An instruction that pushes several values and cannot push all has pushed some, or none; one that pops several has
    // changed some registers, or none: it is restarted either way (SDM vol. 3, 6.5).
    if (at.is_any(ZYDIS_MNEMONIC_PUSHA, ZYDIS_MNEMONIC_PUSHAD))
        open.pushed_bytes = 8 * at.operand_bytes();
    else if (at.is(ZYDIS_MNEMONIC_ENTER))
        open.pushed_bytes = (1 + at.nesting_level()) * at.operand_bytes();
    else if (calls && at.far())
        open.pushed_bytes = 2 * at.operand_bytes();
    else if (at.is_any(ZYDIS_MNEMONIC_POPA, ZYDIS_MNEMONIC_POPAD))
        open.general = 0xFF & ~(1u << reg_esp);
    return open;
}

} // namespace fixpoint::native
