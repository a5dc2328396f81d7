#include "tests/native/test_case.hpp"

#include <Zydis/Zydis.h>
#include <fmt/format.h>

namespace fixpoint::native {

namespace {

constexpr uint8_t int3 = 0xCC;

void apply(const FlagEffect& effect, uint32_t& undefined) {
    undefined = (undefined & ~(effect.skippable ? 0 : effect.defines)) | effect.undefines;
}

} // namespace

bool TestCase::consistent() const {
    uint32_t undefined = 0;
    unsigned code = LocalTable::index(before.selector[models::seg_cs]);
    for (const Chunk& chunk : chunks) {
        if (chunk.code_before != code)
            return false;
        code = chunk.code_after;
        for (const FlagEffect& effect : chunk.effects) {
            if ((effect.reads & undefined) != 0)
                return false;
            apply(effect, undefined);
        }
    }
    return true;
}

Program TestCase::assemble(const LocalTable& table) const {
    Program program;
    program.address = address;
    program.before = before;
    program.code_writable = modifies_code;
    program.before.eip = address - table[LocalTable::index(before.selector[models::seg_cs])].base;
    for (const Chunk& chunk : chunks) {
        const auto start = static_cast<uint32_t>(program.code.size());
        program.code.insert(program.code.end(), chunk.bytes.begin(), chunk.bytes.end());
        for (const Chunk::Fixup& fixup : chunk.fixups) {
            const uint32_t value = address + start + fixup.to - fixup.base;
            for (unsigned i = 0; i < fixup.bytes; ++i)
                program.code[start + fixup.at + i] = static_cast<uint8_t>(value >> (8 * i));
        }
    }
    program.code.push_back(int3);
    return program;
}

uint32_t TestCase::undefined_flags(uint32_t linear) const {
    uint32_t undefined = 0, ever = 0, at = address;
    for (const Chunk& chunk : chunks) {
        const auto bytes = static_cast<uint32_t>(chunk.bytes.size());
        if (linear == at)
            return undefined;
        if (linear > at && linear < at + bytes) {
            for (const FlagEffect& effect : chunk.effects)
                undefined |= effect.undefines;
            return undefined;
        }
        for (const FlagEffect& effect : chunk.effects) {
            apply(effect, undefined);
            ever |= effect.undefines;
        }
        at += bytes;
    }
    return linear == at || linear == at + 1 ? undefined : ever; // at INT3, behind it, or elsewhere
}

std::string TestCase::describe(const LocalTable& table) const {
    const Program program = assemble(table);
    std::string text = fmt::format("linear {:08x}, code", address);
    for (const uint8_t byte : program.code)
        text += fmt::format(" {:02x}", byte);
    text += "\n";
    uint32_t at = 0;
    for (const Chunk& chunk : chunks) {
        const bool wide = table[chunk.code_before].big;
        const auto end = at + static_cast<uint32_t>(chunk.bytes.size());
        while (at < end) {
            ZydisDisassembledInstruction line;
            const auto mode = wide ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16;
            const uint32_t eip = address + at - table[chunk.code_before].base;
            const bool known =
                ZYAN_SUCCESS(ZydisDisassembleIntel(mode, eip, program.code.data() + at, end - at, &line));
            text += fmt::format("  {} {:08x}  {}\n", wide ? "32" : "16", eip, known ? line.text : "?");
            at += known ? line.info.length : 1u;
        }
    }
    constexpr std::array names{"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    for (unsigned i = 0; i < 8; ++i)
        text += fmt::format("{}={:08x} ", names[i], before.general[i]);
    text += fmt::format("efl={:08x}\n", before.eflags);
    constexpr std::array segments{"es", "cs", "ss", "ds", "fs", "gs"};
    for (unsigned i = 0; i < 6; ++i) {
        text += fmt::format("{}={:04x}", segments[i], before.selector[i]);
        if (const Descriptor* d = table.find(before.selector[i]))
            text += fmt::format(
                " (base {:08x} limit {:05x}{}{}{}{}{})", d->base, d->limit, d->granular ? " pages" : "",
                d->kind == Descriptor::Kind::expand_down ? " down" : "", d->big ? " 32" : " 16",
                d->restricted ? " ro" : "", d->present ? "" : " absent");
        text += i == 2 ? "\n" : " ";
    }
    return text + "\n";
}

} // namespace fixpoint::native
