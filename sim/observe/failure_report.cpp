#include "sim/observe/failure_report.hpp"

#include <Zydis/Zydis.h>

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iterator>

namespace fixpoint::sim {
namespace {

using models::CpuState;
using models::SegmentState;

constexpr size_t instructions_shown = 4, stack_words_shown = 8;
constexpr uint32_t page_bytes = 4096;

constexpr std::array<const char*, 20> exception_names{"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD",
                                                      "#NM", "#DF", "#09", "#TS", "#NP", "#SS", "#GP",
                                                      "#PF", "#15", "#MF", "#AC", "#MC", "#XM"};

struct Bit {
    uint32_t mask;
    const char* name;
};
constexpr std::array<Bit, 16> eflags_bits{{{1u << 21, "ID"},
                                           {1u << 20, "VIP"},
                                           {1u << 19, "VIF"},
                                           {1u << 18, "AC"},
                                           {1u << 17, "VM"},
                                           {1u << 16, "RF"},
                                           {1u << 14, "NT"},
                                           {1u << 11, "OF"},
                                           {1u << 10, "DF"},
                                           {1u << 9, "IF"},
                                           {1u << 8, "TF"},
                                           {1u << 7, "SF"},
                                           {1u << 6, "ZF"},
                                           {1u << 4, "AF"},
                                           {1u << 2, "PF"},
                                           {1u << 0, "CF"}}};
constexpr std::array<Bit, 11> cr0_bits{{{1u << 31, "PG"},
                                        {1u << 30, "CD"},
                                        {1u << 29, "NW"},
                                        {1u << 18, "AM"},
                                        {1u << 16, "WP"},
                                        {1u << 5, "NE"},
                                        {1u << 4, "ET"},
                                        {1u << 3, "TS"},
                                        {1u << 2, "EM"},
                                        {1u << 1, "MP"},
                                        {1u << 0, "PE"}}};
constexpr std::array<Bit, 11> cr4_bits{{{1u << 10, "OSXMMEXCPT"},
                                        {1u << 9, "OSFXSR"},
                                        {1u << 8, "PCE"},
                                        {1u << 7, "PGE"},
                                        {1u << 6, "MCE"},
                                        {1u << 5, "PAE"},
                                        {1u << 4, "PSE"},
                                        {1u << 3, "DE"},
                                        {1u << 2, "TSD"},
                                        {1u << 1, "PVI"},
                                        {1u << 0, "VME"}}};

template<size_t Count>
std::string bit_names(uint32_t value, const std::array<Bit, Count>& bits) {
    std::string names;
    for (const Bit& bit : bits)
        if ((value & bit.mask) != 0)
            names += fmt::format("{}{}", names.empty() ? "" : " ", bit.name);
    return names;
}

std::string exception_text(const models::ExceptionRecord& record) {
    std::string text = record.vector < exception_names.size()
                           ? exception_names[record.vector]
                           : fmt::format("interrupt {:#04x}", record.vector);
    if (record.has_error)
        text += fmt::format("({:04x})", record.error);
    constexpr uint8_t page_fault = 14;
    if (record.vector == page_fault)
        text += fmt::format(" for {:08x}", record.cr2);
    return text;
}

// Type, size and level of a segment, in words.
std::string segment_kind(const SegmentState& segment) {
    if ((segment.attributes & SegmentState::present) == 0)
        return "unusable";
    const unsigned type = segment.attributes & SegmentState::type_mask;
    const unsigned level = segment.attributes >> 5 & 3u;
    constexpr unsigned code_bit = 8, conforming_or_down_bit = 4, writable_or_readable_bit = 2;
    std::string kind;
    if ((segment.attributes & SegmentState::s_bit) == 0)
        kind = fmt::format("system type {:x}", type);
    else if ((type & code_bit) != 0)
        kind = fmt::format("code{}{}", (type & conforming_or_down_bit) != 0 ? " conforming" : "",
                           (type & writable_or_readable_bit) != 0 ? " readable" : "");
    else
        kind = fmt::format("data{}{}", (type & conforming_or_down_bit) != 0 ? " expand-down" : "",
                           (type & writable_or_readable_bit) != 0 ? " writable" : "");
    return fmt::format("{}, {} bits, level {}", kind, (segment.attributes & SegmentState::big) != 0 ? 32 : 16,
                       level);
}

std::string segment_line(const char* name, const SegmentState& segment) {
    return fmt::format("  {:<4} {:04x}  base {:08x} limit {:08x}  {}\n", name, segment.selector, segment.base,
                       segment.limit, segment_kind(segment));
}

} // namespace

FailureReport::FailureReport(const models::Cpu& cpu, NameCode name_code)
    : cpu_{cpu}, name_code_{std::move(name_code)} {}

std::string FailureReport::named(uint32_t linear) const {
    const std::string name = name_code_ ? name_code_(linear) : "";
    return name.empty() ? "" : fmt::format(" ({})", name);
}

std::string FailureReport::place() const {
    const CpuState state = cpu_.state();
    const SegmentState& cs = state.segment[models::seg_cs];
    return fmt::format("{:04x}:{:08x}{}", cs.selector, state.eip, named(cs.base + state.eip));
}

// Up to the first page that is not there, or is a device's.
std::vector<uint8_t> FailureReport::bytes_at(uint32_t linear, size_t most) const {
    std::vector<uint8_t> bytes;
    for (; bytes.size() < most; ++linear) {
        uint32_t physical = 0;
        uint8_t byte = 0;
        if (!cpu_.translate(linear, physical) || !cpu_.peek(physical, {&byte, 1}))
            break;
        bytes.push_back(byte);
    }
    return bytes;
}

std::string FailureReport::exceptions() const {
    const std::vector<models::ExceptionRecord> newest_first = cpu_.last_exceptions();
    const auto first = std::find_if(newest_first.begin(), newest_first.end(),
                                    [](const auto& record) { return !record.nested; });
    std::string text;
    for (auto record = first == newest_first.end() ? first : std::next(first);
         record != newest_first.begin();) {
        --record;
        text += text.empty() ? fmt::format("{} at {:08x}", exception_text(*record), record->eip)
                             : fmt::format(", meanwhile {}", exception_text(*record));
    }
    return text;
}

std::string FailureReport::code(uint32_t eip) const {
    const CpuState state = cpu_.state();
    const SegmentState& cs = state.segment[models::seg_cs];
    const bool wide = (cs.attributes & SegmentState::big) != 0;
    const auto mode = wide ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16;
    std::string text;
    for (size_t i = 0; i < instructions_shown; ++i) {
        const uint32_t linear = cs.base + eip;
        const std::vector<uint8_t> bytes = bytes_at(linear, ZYDIS_MAX_INSTRUCTION_LENGTH);
        if (bytes.empty())
            return text + fmt::format("  {:08x}  no memory there\n", linear);
        ZydisDisassembledInstruction instruction;
        if (!ZYAN_SUCCESS(ZydisDisassembleIntel(mode, linear, bytes.data(), bytes.size(), &instruction)))
            return text +
                   fmt::format("  {:08x}  {:02x}  not an instruction\n", linear, fmt::join(bytes, " "));
        const auto end = bytes.begin() + instruction.info.length;
        text += fmt::format("  {:08x}  {:<24}  {}{}\n", linear,
                            fmt::format("{:02x}", fmt::join(bytes.begin(), end, " ")), instruction.text,
                            i == 0 ? named(linear) : "");
        eip += instruction.info.length;
    }
    return text;
}

std::string FailureReport::registers() const {
    const CpuState s = cpu_.state();
    static constexpr std::array<const char*, 8> general{"eax", "ecx", "edx", "ebx",
                                                        "esp", "ebp", "esi", "edi"};
    static constexpr std::array<const char*, 6> segments{"es", "cs", "ss", "ds", "fs", "gs"};
    std::string text;
    for (size_t i = 0; i < general.size(); ++i)
        text += fmt::format("  {} {:08x}{}", general[i], s.general[i], i % 4 == 3 ? "\n" : "");
    text += fmt::format("  eip {:08x}  eflags {:08x} ({}, IOPL {})\n", s.eip, s.eflags,
                        bit_names(s.eflags, eflags_bits), s.eflags >> 12 & 3);
    for (size_t i = 0; i < segments.size(); ++i)
        text += segment_line(segments[i], s.segment[i]);
    text += segment_line("ldtr", s.ldtr) + segment_line("tr", s.tr);
    text += fmt::format("  gdtr base {:08x} limit {:04x}  idtr base {:08x} limit {:04x}\n", s.gdtr.base,
                        s.gdtr.limit, s.idtr.base, s.idtr.limit);
    text += fmt::format("  cr0 {:08x} ({})  cr2 {:08x}  cr3 {:08x}  cr4 {:08x} ({})\n", s.cr0,
                        bit_names(s.cr0, cr0_bits), s.cr2, s.cr3, s.cr4, bit_names(s.cr4, cr4_bits));
    return text;
}

std::string FailureReport::stack() const {
    const CpuState s = cpu_.state();
    const SegmentState& ss = s.segment[models::seg_ss];
    const bool wide = (ss.attributes & SegmentState::big) != 0;
    const uint32_t linear =
        ss.base + (wide ? s.general[models::reg_esp] : s.general[models::reg_esp] & 0xFFFF);
    const size_t width = wide ? 4 : 2;
    const std::vector<uint8_t> bytes = bytes_at(linear, stack_words_shown * width);
    std::string text = fmt::format("  {:08x} ", linear);
    for (size_t i = 0; i + width <= bytes.size(); i += width) {
        text += ' ';
        for (size_t byte = width; byte-- > 0;)
            text += fmt::format("{:02x}", bytes[i + byte]);
    }
    text += bytes.size() < width ? " no memory there\n" : "\n";
    return text;
}

std::string FailureReport::branches() const {
    std::string text;
    for (const uint32_t linear : cpu_.last_branches())
        text += fmt::format("  {:08x}{}\n", linear, named(linear));
    return text;
}

std::string FailureReport::processor() const {
    const std::string chain = exceptions();
    const std::vector<models::ExceptionRecord> log = cpu_.last_exceptions();
    // After a fault the interesting instruction is the one that raised it.
    const uint32_t eip = log.empty() ? cpu_.state().eip : log.front().eip;
    return fmt::format("{}code:\n{}registers:\n{}stack:\n{}last branches to, the newest first:\n{}",
                       chain.empty() ? "" : fmt::format("exceptions: {}\n", chain), code(eip), registers(),
                       stack(), branches());
}

UnclaimedAccesses::UnclaimedAccesses(const FailureReport& report,
                                     std::function<void(const std::string& line)> sink)
    : report_{report}, sink_{std::move(sink)} {}

bool UnclaimedAccesses::is_new(uint64_t place) {
    return seen_.insert(place).second && seen_.size() <= lines_max;
}

void UnclaimedAccesses::unclaimed_memory(uint32_t address, unsigned bytes, bool write) {
    constexpr uint64_t memory_mark = uint64_t{1} << 63;
    if (is_new(address / page_bytes | memory_mark))
        sink_(fmt::format("physical address {:#010x}: nobody {} the {}-byte {} at {}", address,
                          write ? "takes" : "answers", bytes, write ? "write" : "read", report_.place()));
}

void UnclaimedAccesses::unclaimed_port(uint16_t port, unsigned bytes, bool write) {
    if (is_new(port))
        sink_(fmt::format("port {:#06x}: nobody {} the {}-byte {} at {}", port, write ? "takes" : "answers",
                          bytes, write ? "write" : "read", report_.place()));
}

std::optional<std::string> UnclaimedAccesses::summary() const {
    if (seen_.size() <= lines_max)
        return std::nullopt;
    return fmt::format("{} more ports or pages of memory where nobody answered", seen_.size() - lines_max);
}

} // namespace fixpoint::sim
