// The MMX instructions in the opcode map after 0F (SDM vol. 2, table A-3). With 66, F2 or F3 these opcodes belong to SSE2,
// which a P6 does not have. Micro-operation counts: Agner Fog, "Instruction tables", Pentium II and III.
#include "models/cpu/handlers_x87.hpp"
#include "models/cpu/instruction_fields.hpp"

namespace fixpoint::models {

Handler decode_mmx(const InstructionFields& f) {
    constexpr uint8_t first_shift = 0x71, last_shift = 0x73, emms = 0x77, movd_load = 0x6E, movq_load = 0x6F;
    constexpr uint32_t register_uops = 1, memory_uops = 2, emms_uops = 11;
    const bool is_shift = f.opcode >= first_shift && f.opcode <= last_shift;
    Handler handler = nullptr;
    if (f.opcode == emms)
        handler = mmx_empty_handler();
    else if (is_shift)
        handler = f.memory ? nullptr : mmx_shift_handler(f.opcode, f.reg);
    else
        handler = mmx_handler(f.opcode, f.memory);
    if (handler == nullptr)
        return nullptr;
    if (f.prefixed || f.lacks(feature::mmx))
        return f.undefined();
    f.op->reg = f.reg;
    f.op->rm = f.rm;
    const bool loads = f.opcode == movd_load || f.opcode == movq_load;
    f.costs(f.opcode == emms ? emms_uops : f.memory && !loads ? memory_uops : register_uops);
    return handler;
}

} // namespace fixpoint::models
