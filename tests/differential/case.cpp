#include "tests/differential/case.hpp"

#include "tests/differential/disassembly.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace differential {

bool Case::has(const std::string& feature) const {
    return std::find(features.begin(), features.end(), feature) != features.end();
}
void Case::add_feature(const std::string& feature) {
    if (!has(feature))
        features.push_back(feature);
}

std::string Case::instruction_at(uint32_t offset) const {
    uint32_t end = code_at;
    for (const Instruction& instruction : code) {
        const uint32_t begin = end;
        end += static_cast<uint32_t>(instruction.bytes.size());
        if (offset >= begin && offset < end)
            return instruction.name;
    }
    return "elsewhere";
}

namespace {

std::vector<uint8_t> joined(const std::vector<Case::Instruction>& code) {
    std::vector<uint8_t> bytes;
    for (const Case::Instruction& instruction : code)
        bytes.insert(bytes.end(), instruction.bytes.begin(), instruction.bytes.end());
    return bytes;
}

} // namespace

uint32_t Case::word_before(uint32_t offset) const {
    uint8_t bytes[4];
    std::memcpy(bytes, &arena_template()[offset], sizeof bytes);
    const auto lay = [&](uint32_t at, const std::vector<uint8_t>& content) {
        for (uint32_t i = 0; i < 4; ++i)
            if (offset + i >= at && offset + i - at < content.size())
                bytes[i] = content[offset + i - at];
    };
    for (const Patch& patch : patches)
        lay(patch.offset, patch.content);
    lay(code_at, joined(code));
    uint32_t word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

namespace {

template<class T>
void append(std::vector<uint8_t>& table, const T& value) {
    const size_t at = table.size();
    table.resize(at + sizeof value);
    std::memcpy(table.data() + at, &value, sizeof value);
}

void append_patch(std::vector<uint8_t>& table, uint32_t offset, const std::vector<uint8_t>& content) {
    append(table, static_cast<uint16_t>(offset));
    append(table, static_cast<uint16_t>(content.size()));
    table.insert(table.end(), content.begin(), content.end());
    table.resize((table.size() + 1) & ~size_t{1});
}

} // namespace

void serialise(const Case& what, std::vector<uint8_t>& table) {
    const size_t begin = table.size();
    append(table, what.state);
    for (const Patch& patch : what.patches)
        append_patch(table, patch.offset, patch.content);
    append_patch(table, what.code_at, joined(what.code)); // last: a patch must not hide the code
    table.resize((table.size() + 3) & ~size_t{3});
    CaseRecord record = what.state;
    record.bytes = static_cast<uint32_t>(table.size() - begin);
    record.patches = static_cast<uint32_t>(what.patches.size() + 1);
    std::memcpy(table.data() + begin, &record, sizeof record);
}

std::vector<uint8_t> module_of(const std::vector<Case>& cases, bool verbose, uint32_t first) {
    TableHeader header{};
    header.magic = TableHeader::the_magic;
    header.verbose = verbose ? 1 : 0;
    header.cases = static_cast<uint32_t>(cases.size());
    header.first = first;
    header.template_at = sizeof header;
    header.records_at = sizeof header + arena_bytes;
    std::vector<uint8_t> module;
    append(module, header);
    module.insert(module.end(), arena_template().begin(), arena_template().end());
    for (const Case& one : cases)
        serialise(one, module);
    return module;
}

std::string describe(const Case& what) {
    static constexpr const char* entries[] = {"ring 0", "outer ring", "virtual-8086", "real mode",
                                              "real mode, big"};
    std::string text = fmt::format("  entry {}\n ", entries[static_cast<uint32_t>(what.state.entry)]);
    for (const std::string& feature : what.features)
        text += " " + feature;
    static constexpr const char* general[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    const CaseRecord& s = what.state;
    text += "\n ";
    for (unsigned i = 0; i < 8; ++i)
        text += fmt::format(" {} {:08x}", general[i], s.general[i]);
    text += fmt::format("\n  eip {:08x} eflags {:08x} cs {:04x} ss {:04x} ds {:04x} es {:04x} fs {:04x} gs "
                        "{:04x} ldtr {:04x} "
                        "tr {:04x}\n  cr0 {:08x} cr3 {:08x} cr4 {:08x} dr0-3 {:08x} {:08x} {:08x} {:08x} dr6 "
                        "{:08x} dr7 {:08x}\n"
                        "  gdt limit {:04x} idt {:08x} limit {:04x}\n",
                        s.eip, s.eflags, s.cs, s.ss, s.ds, s.es, s.fs, s.gs, s.ldtr, s.tr, s.cr0, s.cr3,
                        s.cr4, s.debug[0], s.debug[1], s.debug[2], s.debug[3], s.debug[4], s.debug[5],
                        s.gdt_limit, s.idt_base, s.idt_limit);
    for (const Patch& patch : what.patches) {
        text += fmt::format("  memory {:04x}:", patch.offset);
        for (const uint8_t byte : patch.content)
            text += fmt::format(" {:02x}", byte);
        text += '\n';
    }
    const bool code32 =
        s.entry == Entry::same_level || s.entry == Entry::outer_level ? !what.has("code:16") : false;
    return text + disassemble(joined(what.code), what.code_at, code32);
}

} // namespace differential
