#include "tests/differential/disassembly.hpp"

#include <Zydis/Zydis.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <span>

namespace differential {

std::string disassemble(const std::vector<uint8_t>& code, uint32_t address, bool code32) {
    const auto mode = code32 ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16;
    std::string text;
    for (size_t at = 0; at < code.size();) {
        const std::span rest = std::span{code}.subspan(at);
        ZydisDisassembledInstruction instruction;
        const bool known =
            ZYAN_SUCCESS(ZydisDisassembleIntel(mode, address + at, rest.data(), rest.size(), &instruction));
        const size_t length = known ? instruction.info.length : 1;
        text += fmt::format("  {:04x}: {:<30}{}\n", address + at,
                            fmt::format("{:02x}", fmt::join(rest.first(length), " ")),
                            known ? instruction.text : "(bad)");
        at += length;
    }
    return text;
}

} // namespace differential
