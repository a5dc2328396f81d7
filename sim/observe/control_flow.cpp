#include "sim/observe/control_flow.hpp"

#include <Zydis/Zydis.h>

namespace fixpoint::sim {
namespace {

bool is_far(const ZydisDecodedInstruction& instruction) {
    return instruction.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
}

bool loads_stack_pointer(const ZydisDecodedInstruction& instruction, const ZydisDecodedOperand* operands) {
    switch (instruction.mnemonic) {
    case ZYDIS_MNEMONIC_MOV:
    case ZYDIS_MNEMONIC_POP:
    case ZYDIS_MNEMONIC_XCHG:
    case ZYDIS_MNEMONIC_LSS:
        break;
    default: // ADD, SUB, LEA and the like stay within the stack
        return false;
    }
    for (unsigned i = 0; i < instruction.operand_count_visible; ++i)
        if (operands[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
            (operands[i].reg.value == ZYDIS_REGISTER_ESP || operands[i].reg.value == ZYDIS_REGISTER_SP) &&
            (operands[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0)
            return true;
    return false;
}

FlowKind kind_of(const ZydisDecodedInstruction& instruction, const ZydisDecodedOperand* operands) {
    switch (instruction.meta.category) {
    case ZYDIS_CATEGORY_COND_BR:
        return FlowKind::jump;
    case ZYDIS_CATEGORY_UNCOND_BR:
        return is_far(instruction) ? FlowKind::kernel_entry : FlowKind::jump;
    case ZYDIS_CATEGORY_CALL:
        return is_far(instruction) ? FlowKind::kernel_entry : FlowKind::call;
    case ZYDIS_CATEGORY_RET:
        return is_far(instruction) || instruction.mnemonic != ZYDIS_MNEMONIC_RET ? FlowKind::kernel_exit
                                                                                 : FlowKind::near_return;
    case ZYDIS_CATEGORY_INTERRUPT:
        return FlowKind::kernel_entry;
    default:
        break;
    }
    switch (instruction.mnemonic) {
    case ZYDIS_MNEMONIC_SYSENTER:
        return FlowKind::kernel_entry;
    case ZYDIS_MNEMONIC_SYSEXIT:
    case ZYDIS_MNEMONIC_IRET:
    case ZYDIS_MNEMONIC_IRETD:
        return FlowKind::kernel_exit;
    default:
        return loads_stack_pointer(instruction, operands) ? FlowKind::stack_change : FlowKind::plain;
    }
}

} // namespace

ControlFlow control_flow_of(std::span<const uint8_t> code, bool code32) {
    ZydisDecoder decoder;
    ZydisDecoderInit(&decoder, code32 ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
                     code32 ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16);
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    ControlFlow flow;
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code.data(), code.size(), &instruction, operands)))
        return flow;
    flow.kind = kind_of(instruction, operands);
    flow.bytes = instruction.length;
    flow.address_bytes = instruction.operand_width == 16 ? 2 : 4;
    if (flow.kind == FlowKind::near_return && instruction.operand_count_visible > 0)
        flow.released = static_cast<uint16_t>(operands[0].imm.value.u);
    return flow;
}

} // namespace fixpoint::sim
