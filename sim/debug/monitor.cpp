#include "sim/debug/monitor.hpp"

#include "sim/debug/page_tables.hpp"
#include "sim/debug/segment_descriptor.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <optional>
#include <vector>

namespace fixpoint::sim {
namespace {

using models::CpuState;
using models::SegmentState;
using Words = std::vector<std::string_view>;

Words words_of(std::string_view line) {
    Words words;
    while (true) {
        const size_t begin = line.find_first_not_of(" \t");
        if (begin == std::string_view::npos)
            return words;
        line.remove_prefix(begin);
        const size_t end = std::min(line.find_first_of(" \t"), line.size());
        words.push_back(line.substr(0, end));
        line.remove_prefix(end);
    }
}

// As in C: hexadecimal with 0x, else decimal.
std::optional<uint32_t> number(std::string_view text) {
    const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
    if (hexadecimal)
        text.remove_prefix(2);
    uint32_t value = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value, hexadecimal ? 16 : 10);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional{value} : std::nullopt;
}

std::string wrong_number(std::string_view text) {
    return fmt::format("expected a number (0x... or decimal), found \"{}\"\n", text);
}

std::string tlb(DebugTarget& target, const Words&) {
    std::string text;
    const std::vector<models::CachedTranslation> entries = target.tlb_entries();
    for (const bool fetch : {false, true})
        for (const bool large : {false, true}) {
            text +=
                fmt::format("{} TLB, {} pages\n", fetch ? "instruction" : "data", large ? "large" : "4 KB");
            for (const models::CachedTranslation& entry : entries)
                if (entry.fetch == fetch && entry.large == large)
                    text += fmt::format("  {:08x} -> {:08x} {}{}{}{}\n", entry.linear, entry.physical,
                                        entry.writable ? "writable" : "read-only",
                                        entry.user ? ", user" : ", supervisor", entry.dirty ? ", dirty" : "",
                                        entry.global ? ", global" : "");
        }
    return text;
}

std::string pages(DebugTarget& target, const Words& words) {
    if (words.size() > 1) {
        const auto linear = number(words[1]);
        return linear ? describe_walk(target, *linear) : wrong_number(words[1]);
    }
    if (!target.state().paging())
        return "paging is off\n";
    std::string text;
    for (const MappedRange& range : mapped_ranges(target))
        text +=
            fmt::format("{:08x}-{:08x} -> {:08x} {}{}{}{}{}{}\n", range.begin, range.end - 1, range.physical,
                        range.writable ? "writable" : "read-only", range.user ? ", user" : ", supervisor",
                        range.large ? ", large" : "", range.global ? ", global" : "",
                        range.accessed ? ", accessed" : "", range.dirty ? ", dirty" : "");
    return text.empty() ? "nothing is mapped\n" : text;
}

std::string segment_line(std::string_view name, const SegmentState& segment) {
    return fmt::format("{:<4} {:04x} base {:08x} limit {:08x} {}\n", name, segment.selector, segment.base,
                       segment.limit, describe_attributes(segment.attributes));
}

std::string registers(DebugTarget& target, const Words&) {
    constexpr std::array<std::string_view, models::segment_count> names = {"es", "cs", "ss",
                                                                           "ds", "fs", "gs"};
    const CpuState s = target.state();
    std::string text;
    for (size_t i = 0; i < names.size(); ++i)
        text += segment_line(names[i], s.segment[i]);
    text += segment_line("ldtr", s.ldtr) + segment_line("tr", s.tr);
    text += fmt::format("gdtr base {:08x} limit {:04x}   idtr base {:08x} limit {:04x}\n", s.gdtr.base,
                        s.gdtr.limit, s.idtr.base, s.idtr.limit);
    text += fmt::format("cr0 {:08x} cr2 {:08x} cr3 {:08x} cr4 {:08x}\n", s.cr0, s.cr2, s.cr3, s.cr4);
    text += fmt::format("dr0 {:08x} dr1 {:08x} dr2 {:08x} dr3 {:08x} dr6 {:08x} dr7 {:08x}\n", s.debug[0],
                        s.debug[1], s.debug[2], s.debug[3], s.debug[6], s.debug[7]);
    text += fmt::format("sysenter cs {:04x} esp {:08x} eip {:08x}\n", s.sysenter_cs, s.sysenter_esp,
                        s.sysenter_eip);
    text +=
        fmt::format("eip {:08x} is linear {:08x}, privilege level {}{}\n", s.eip,
                    s.segment[models::seg_cs].base + s.eip, s.privilege_level(), s.halted ? ", halted" : "");
    return text + fmt::format("cycles {} instructions {}\n", target.cycles(), target.instructions());
}

std::string descriptors(const DebugTarget& target, std::string_view name, uint32_t base, uint32_t limit,
                        unsigned selector_bits) {
    constexpr uint32_t entry_bytes = 8;
    std::string text = fmt::format("{} base {:08x} limit {:04x}\n", name, base, limit);
    for (unsigned index = 0; index * entry_bytes + (entry_bytes - 1) <= limit; ++index) {
        const auto words = descriptor_at(target, base, limit, index);
        if (!words)
            return text + fmt::format("  entry {} is not mapped\n", index);
        if (words->low != 0 || words->high != 0)
            text += fmt::format("  {:04x} {}\n",
                                selector_bits != 0 ? index * entry_bytes | (selector_bits & 7) : index,
                                words->description());
    }
    return text;
}

std::string gdt(DebugTarget& target, const Words&) {
    constexpr unsigned in_gdt = 8; // numbered by selector, table indicator clear
    const CpuState s = target.state();
    return descriptors(target, "GDT", s.gdtr.base, s.gdtr.limit, in_gdt);
}

std::string idt(DebugTarget& target, const Words&) {
    const CpuState s = target.state();
    if (s.protected_mode())
        return descriptors(target, "IDT", s.idtr.base, s.idtr.limit, 0);
    std::string text = fmt::format("IDT base {:08x} limit {:04x}, real mode\n", s.idtr.base, s.idtr.limit);
    constexpr unsigned vectors = 256;
    for (unsigned vector = 0; vector < vectors && vector * 4 + 3 <= s.idtr.limit; ++vector) {
        std::array<uint8_t, 4> entry{};
        if (!read_linear(target, s.idtr.base + vector * 4, entry))
            return text + fmt::format("  entry {} is no memory\n", vector);
        text += fmt::format("  {:02x} {:04x}:{:04x}\n", vector, entry[2] | entry[3] << 8,
                            entry[0] | entry[1] << 8);
    }
    return text;
}

std::string ldt(DebugTarget& target, const Words&) {
    constexpr unsigned in_ldt = 4; // the table indicator of a selector
    const CpuState s = target.state();
    if ((s.ldtr.selector & ~7u) == 0)
        return "there is no LDT: LDTR holds a null selector\n";
    return descriptors(target, "LDT", s.ldtr.base, s.ldtr.limit, in_ldt);
}

// SDM vol. 3, 7.2.1 and 7.6.
std::string tss(DebugTarget& target, const Words&) {
    constexpr unsigned type_32_bit = 8, fields_32_bit = 26, fields_16_bit = 22;
    constexpr std::array<std::string_view, fields_32_bit> names_32_bit = {
        "link", "esp0", "ss0", "esp1", "ss1", "esp2", "ss2", "cr3", "eip", "eflags", "eax", "ecx", "edx",
        "ebx",  "esp",  "ebp", "esi",  "edi", "es",   "cs",  "ss",  "ds",  "fs",     "gs",  "ldt", "map"};
    constexpr std::array<std::string_view, fields_16_bit> names_16_bit = {
        "link", "sp0", "ss0", "sp1", "ss1", "sp2", "ss2", "ip", "flags", "ax", "cx",
        "dx",   "bx",  "sp",  "bp",  "si",  "di",  "es",  "cs", "ss",    "ds", "ldt"};
    const CpuState s = target.state();
    const bool wide = (s.tr.attributes & type_32_bit) != 0;
    std::string text = segment_line("tr", s.tr);
    const std::span<const std::string_view> names = wide ? std::span<const std::string_view>(names_32_bit)
                                                         : std::span<const std::string_view>(names_16_bit);
    const uint32_t bytes = wide ? 4 : 2;
    for (uint32_t i = 0; i < names.size(); ++i) {
        std::array<uint8_t, 4> field{};
        if (i * bytes + bytes - 1 > s.tr.limit ||
            !read_linear(target, s.tr.base + i * bytes, std::span{field}.first(bytes)))
            return text + fmt::format("  {} is beyond the limit or not mapped\n", names[i]);
        uint32_t value = 0;
        std::memcpy(&value, field.data(), field.size());
        if (names[i] == "map")
            text += fmt::format("  I/O map base {:04x}, T {}\n", value >> 16, value & 1);
        else
            text += fmt::format("  {:<6} {:0{}x}\n", names[i], value, bytes * 2);
    }
    return text;
}

std::string physical(DebugTarget& target, const Words& words) {
    constexpr size_t line_bytes = 16, most_bytes = 1 << 16;
    if (words.size() != 3)
        return "expected: monitor physical ADDRESS LENGTH\n";
    const auto address = number(words[1]), length = number(words[2]);
    if (!address || !length)
        return wrong_number(address ? words[2] : words[1]);
    if (*length == 0 || *length > most_bytes)
        return fmt::format("expected a length of 1 to {}\n", most_bytes);
    std::vector<uint8_t> bytes(*length);
    if (!target.read_physical(*address, bytes))
        return fmt::format("{:08x}, {} bytes: not all of it is main memory\n", *address, *length);
    std::string text;
    for (size_t i = 0; i < bytes.size(); i += line_bytes) {
        text += fmt::format("{:08x} ", *address + i);
        std::string characters;
        for (size_t k = i; k < std::min(i + line_bytes, bytes.size()); ++k) {
            text += fmt::format(" {:02x}", bytes[k]);
            characters += bytes[k] >= 0x20 && bytes[k] < 0x7F ? static_cast<char>(bytes[k]) : '.';
        }
        text += fmt::format("  {}\n", characters);
    }
    return text;
}

std::string reset(DebugTarget& target, const Words&) {
    target.reset();
    return "the machine is at the image's first instruction (\"maintenance flush register-cache\" makes gdb "
           "look)\n";
}

std::string help(DebugTarget& target, const Words& words);

struct Command {
    std::string_view name, explanation;
    std::string (*run)(DebugTarget&, const Words&);
};
constexpr std::array commands = {
    Command{"help", "this list", help},
    Command{"registers", "hidden parts of the segment registers, control registers, counters", registers},
    Command{"tlb", "entries of the four TLBs, whatever the tables say by now", tlb},
    Command{"pages", "ADDRESS: the walk of a linear address; without one: what is mapped", pages},
    Command{"gdt", "the descriptors of the GDT", gdt},
    Command{"idt", "the gates of the IDT, or the real mode's vectors", idt},
    Command{"ldt", "the descriptors of the LDT", ldt},
    Command{"tss", "the task state segment", tss},
    Command{"physical", "ADDRESS LENGTH: main memory by physical address", physical},
    Command{"reset", "the reset button", reset},
};

std::string help(DebugTarget&, const Words&) {
    std::string text;
    for (const Command& command : commands)
        text += fmt::format("monitor {:<10} {}\n", command.name, command.explanation);
    return text;
}

} // namespace

std::string run_monitor_command(DebugTarget& target, std::string_view line) {
    const Words words = words_of(line);
    const auto known = std::ranges::find(commands, words.empty() ? "help" : words[0], &Command::name);
    if (known == commands.end())
        return fmt::format("no command \"{}\"; \"monitor help\" lists them\n", words[0]);
    return known->run(target, words);
}

} // namespace fixpoint::sim
