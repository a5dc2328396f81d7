#include "tests/differential/disassembly.hpp"

#include <Zydis/Zydis.h>
#include <fmt/format.h>

namespace differential {

std::string disassemble(const std::vector<uint8_t>& code, uint32_t address, bool code32) {
    ZydisDecoder decoder;
    ZydisDecoderInit(&decoder, code32 ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
                     code32 ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16);
    ZydisFormatter formatter;
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    std::string text;
    for (size_t at = 0; at < code.size();) {
        ZydisDecodedInstruction instruction;
        ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
        std::string line = "(bad)";
        size_t length = 1;
        if (ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code.data() + at, code.size() - at, &instruction,
                                                operands))) {
            char buffer[128];
            ZydisFormatterFormatInstruction(&formatter, &instruction, operands,
                                            instruction.operand_count_visible, buffer, sizeof buffer,
                                            address + at, nullptr);
            line = buffer;
            length = instruction.length;
        }
        std::string bytes;
        for (size_t i = 0; i < length; ++i)
            bytes += fmt::format("{:02x} ", code[at + i]);
        text += fmt::format("  {:04x}: {:<30}{}\n", address + at, bytes, line);
        at += length;
    }
    return text;
}

} // namespace differential
