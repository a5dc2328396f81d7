#include "sim/debug/page_tables.hpp"

#include <array>
#include <cstring>
#include <fmt/format.h>
#include <optional>

namespace fixpoint::sim {
namespace {

using models::CpuState;

constexpr uint64_t present = 1, writable = 2, user = 4, accessed = 0x20, dirty = 0x40, page_size = 0x80,
                   global = 0x100;
constexpr uint32_t cr4_pse = 1u << 4, cr4_pae = 1u << 5;

struct Level {
    const char* name;
    unsigned shift, index_bits;
};
constexpr std::array<Level, 2> two_levels = {{{"directory", 22, 10}, {"table", 12, 10}}};
constexpr std::array<Level, 3> three_levels = {
    {{"directory pointers", 30, 2}, {"directory", 21, 9}, {"table", 12, 9}}};

struct Format {
    std::span<const Level> levels;
    unsigned entry_bytes;
    uint64_t frame_mask; // of a table or a small page
    bool large_pages;
    bool pae;

    [[nodiscard]] uint64_t large_frame(uint64_t entry) const {
        if (pae)
            return entry & 0xF'FFE0'0000;
        return (entry & 0xFFC0'0000) | (entry >> 13 & 0xF) << 32; // PSE-36: bits 16:13 are bits 35:32
    }
};

Format format_of(const CpuState& state) {
    if ((state.cr4 & cr4_pae) != 0)
        return {three_levels, 8, 0xF'FFFF'F000, true, true};
    return {two_levels, 4, 0xFFFF'F000, (state.cr4 & cr4_pse) != 0, false};
}

std::optional<uint64_t> read_entry(const DebugTarget& target, uint64_t address, unsigned bytes) {
    std::array<uint8_t, 8> raw{};
    if (address > UINT32_MAX ||
        !target.read_physical(static_cast<uint32_t>(address), std::span{raw}.first(bytes)))
        return std::nullopt;
    uint64_t value = 0;
    std::memcpy(&value, raw.data(), raw.size());
    return value;
}

uint64_t root_of(const CpuState& state, const Format& format) {
    return format.pae ? state.cr3 & 0xFFFF'FFE0 : state.cr3 & 0xFFFF'F000;
}

// The directory pointers have neither rights nor a page size (SDM vol. 3, table 4-8).
bool has_rights(const Format& format, size_t depth) {
    return !(format.pae && depth == 0);
}

bool is_leaf(const Format& format, size_t depth, uint64_t entry) {
    const bool last = depth + 1 == format.levels.size();
    return last || (depth + 2 == format.levels.size() && format.large_pages && (entry & page_size) != 0);
}

std::string rights_text(uint64_t entry) {
    return fmt::format("{}{}{}{}", (entry & writable) != 0 ? "writable" : "read-only",
                       (entry & user) != 0 ? ", user" : ", supervisor",
                       (entry & accessed) != 0 ? ", accessed" : "", (entry & dirty) != 0 ? ", dirty" : "");
}

class Walker {
public:
    Walker(const DebugTarget& target, const CpuState& state) : target_(target), format_(format_of(state)) {}

    void visit(uint64_t table, size_t depth, uint64_t linear, uint64_t rights) {
        const Level& level = format_.levels[depth];
        for (uint64_t index = 0; index < uint64_t{1} << level.index_bits; ++index) {
            const auto entry = read_entry(target_, table + index * format_.entry_bytes, format_.entry_bytes);
            if (!entry || (*entry & present) == 0)
                continue;
            const uint64_t at = linear | index << level.shift;
            const uint64_t combined =
                has_rights(format_, depth) ? rights & (*entry | ~(writable | user)) : rights;
            if (is_leaf(format_, depth, *entry))
                add(at, uint64_t{1} << level.shift, *entry, combined, depth + 1 != format_.levels.size());
            else
                visit(*entry & format_.frame_mask, depth + 1, at, combined);
        }
    }
    std::vector<MappedRange> take() { return std::move(ranges_); }

private:
    void add(uint64_t linear, uint64_t bytes, uint64_t entry, uint64_t rights, bool large) {
        MappedRange page{linear,
                         linear + bytes,
                         large ? format_.large_frame(entry) : entry & format_.frame_mask,
                         (rights & writable) != 0,
                         (rights & user) != 0,
                         large,
                         (entry & global) != 0,
                         (entry & accessed) != 0,
                         (entry & dirty) != 0};
        if (!ranges_.empty()) {
            MappedRange& last = ranges_.back();
            if (last.end == linear && last.physical + (last.end - last.begin) == page.physical &&
                last.writable == page.writable && last.user == page.user && last.large == page.large &&
                last.global == page.global && last.accessed == page.accessed && last.dirty == page.dirty) {
                last.end = page.end;
                return;
            }
        }
        ranges_.push_back(page);
    }

    const DebugTarget& target_;
    Format format_;
    std::vector<MappedRange> ranges_;
};

} // namespace

std::string describe_walk(const DebugTarget& target, uint32_t linear) {
    const CpuState state = target.state();
    if (!state.paging())
        return fmt::format("{:08x}: paging is off, physical {:08x}\n", linear, linear);
    const Format format = format_of(state);
    std::string text = fmt::format("{:08x}: CR3 {:08x}\n", linear, state.cr3);
    uint64_t table = root_of(state, format);
    for (size_t depth = 0; depth < format.levels.size(); ++depth) {
        const Level& level = format.levels[depth];
        const uint64_t index = linear >> level.shift & ((1u << level.index_bits) - 1);
        const uint64_t address = table + index * format.entry_bytes;
        const auto entry = read_entry(target, address, format.entry_bytes);
        if (!entry)
            return text + fmt::format("{} at {:x}: no memory there\n", level.name, address);
        text += fmt::format("{} entry {} at {:08x}: {:0{}x}", level.name, index, address, *entry,
                            format.entry_bytes * 2);
        if ((*entry & present) == 0)
            return text + " not present\n";
        const uint64_t offset_mask = (uint64_t{1} << level.shift) - 1;
        text += has_rights(format, depth) ? fmt::format(" {}\n", rights_text(*entry)) : "\n";
        if (is_leaf(format, depth, *entry)) {
            const bool large = depth + 1 != format.levels.size();
            const uint64_t frame = large ? format.large_frame(*entry) : *entry & format.frame_mask;
            return text + fmt::format("{} page, physical {:08x}\n",
                                      large ? (format.pae ? "2 MB" : "4 MB") : "4 KB",
                                      frame | (linear & offset_mask));
        }
        table = *entry & format.frame_mask;
    }
    return text;
}

std::vector<MappedRange> mapped_ranges(const DebugTarget& target) {
    const CpuState state = target.state();
    if (!state.paging())
        return {};
    Walker walker(target, state);
    walker.visit(root_of(state, format_of(state)), 0, 0, writable | user);
    return walker.take();
}

} // namespace fixpoint::sim
