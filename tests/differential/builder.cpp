#include "tests/differential/builder.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace differential {

void Builder::begin(Mode mode, unsigned level, Paging paging) {
    mode_ = mode;
    if (mode == Mode::real)
        level = 0;
    if (mode == Mode::virtual_8086)
        level = 3;
    level_ = level;
    paging_ = paging;
    CaseRecord& s = result.state;
    s = {};
    for (uint32_t& value : s.general)
        value = any_value();
    s.eip = result.code_at = at::code;
    s.eflags = eflags::always | (random.word() & eflags::arithmetic);
    s.ldtr = selector::ldt;
    s.tr = selector::main_tss;
    s.cr0 = cr0::extension | cr0::numeric_error;
    s.cr3 = arena + at::page_directory;
    s.debug[4] = 0xFFFF'0FF0;
    s.debug[5] = 0x400;
    s.gdt_limit = selector::end - 1;
    s.idt_base = arena + at::idt;
    s.idt_limit = 0x7FF;
    static constexpr const char* modes[] = {"pm32", "pm16", "v86", "real"};
    feature(fmt::format("mode:{}", modes[static_cast<unsigned>(mode)]));
    feature(code32() ? "code:32" : "code:16");
    if (mode == Mode::virtual_8086 || mode == Mode::real) {
        constexpr uint32_t segment = arena >> 4;
        s.cs = s.ss = s.ds = s.es = s.fs = s.gs = segment;
        s.general[esp] = at::stacks + 0xE00;
        s.entry = mode == Mode::real ? Entry::real : Entry::virtual_8086;
        if (mode == Mode::real) {
            s.idt_base = arena + at::ivt;
            s.idt_limit = 0x3FF;
            paging_ = Paging::off;
        } else {
            s.eflags |= eflags::virtual_8086;
        }
    } else {
        const bool wide = code32();
        s.cs = wide ? selector::code32(level) : selector::code16(level);
        const bool wide_stack = random.one_in(4) ? !wide : wide; // the two sizes are independent
        s.ss = wide_stack ? selector::data32(level) : selector::data16(level);
        feature(wide_stack ? "stack:32" : "stack:16");
        feature(fmt::format("ring:{}", level));
        s.ds = s.es = s.fs = s.gs = selector::data32(level);
        s.general[esp] = level == 0 ? at::stack0 + 0xE00 : at::stacks + 0x500 * level - 0x100;
        if (!wide_stack && random.one_in(2))
            s.general[esp] |= random.word() & 0xFFFF'0000;
        s.entry = level == 0 ? Entry::same_level : Entry::outer_level;
    }
    // The main TSS has the stack for level 0: not the one that level 0 itself uses.
    if (paging_ != Paging::off) {
        s.cr0 |= cr0::paging | (random.one_in(2) ? cr0::write_protect : 0);
        if (paging_ == Paging::pae) {
            s.cr4 |= cr4::pae;
            s.cr3 = arena + at::pae_pointers;
            for (const uint32_t tss : {at::tss_main, at::tss_double_fault, at::tss_32, at::tss_32b})
                poke(tss + 28, s.cr3);
        }
        feature(paging_ == Paging::pae ? "paging:pae" : "paging:normal");
    } else {
        feature("paging:off");
    }
    result.plain = s;
}

void Builder::begin_anywhere() {
    const auto mode = static_cast<Mode>(random.below(4));
    begin(mode, random.below(4), static_cast<Paging>(random.below(3)));
}

void Builder::instruction(const std::string& name) {
    result.code.push_back({name, {}});
    if (name != "ud2" && name != "mov_imm")
        feature("instr:" + name);
}

void Builder::poke(uint32_t offset, uint32_t value, unsigned width) {
    Patch patch{offset, {}};
    for (unsigned i = 0; i < width; ++i)
        patch.content.push_back(static_cast<uint8_t>(value >> (8 * i)));
    result.patches.push_back(std::move(patch));
}

void Builder::poke_quad(uint32_t offset, uint64_t value) {
    Patch patch{offset, {}};
    for (unsigned i = 0; i < 8; ++i)
        patch.content.push_back(static_cast<uint8_t>(value >> (8 * i)));
    result.patches.push_back(std::move(patch));
}

void Builder::poke_descriptor(uint16_t selector, uint64_t value) {
    poke_quad(((selector & selector::in_ldt) != 0 ? at::ldt : at::gdt) + (selector & ~7u), value);
}

void Builder::poke_page(uint32_t arena_page, uint32_t clear, uint32_t set) {
    const uint32_t page = arena / 4096 + arena_page;
    const uint32_t entry = ((page * 4096 | 7) & ~clear) | set;
    poke(paging_ == Paging::pae ? at::pae_table + 8 * page : at::page_table + 4 * page, entry);
}

uint64_t Builder::small_stack_segment(unsigned level, uint32_t limit, bool big) {
    return segment_descriptor(descriptor::data | descriptor::accessed, level, arena + at::stacks, limit,
                              big ? descriptor::big : 0);
}

void Builder::vary_inner_stack() {
    feature("tss:varied");
    const unsigned inner = random.below(3);
    const uint32_t esp_at = at::tss_main + 4 + 8 * inner, ss_at = esp_at + 4;
    if (random.one_in(2)) {
        poke(ss_at, random.one_in(2) ? any_selector() : selector::data16(inner), 2);
        return;
    }
    constexpr uint32_t last = 0x4FF;
    const auto own = static_cast<uint16_t>(selector::end - 8);
    poke_descriptor(own, small_stack_segment(inner, last, random.one_in(2)));
    poke(ss_at, own | inner, 2);
    poke(esp_at, random.one_in(2) ? 4 * random.below(12) : last - 3 + 4 * random.below(4), 4);
}

uint32_t Builder::any_value() {
    constexpr uint32_t edges[] = {0,      1,      0x7F,        0x80,        0xFF, 0x7FFF,
                                  0x8000, 0xFFFF, 0x7FFF'FFFF, 0x8000'0000, ~0u};
    return random.one_in(2) ? random.word() : random.pick_from(edges) + random.below(3) - 1;
}

uint32_t Builder::data_offset(uint32_t room) {
    const uint32_t boundary = at::data + page_bytes * random.below(4);
    const uint32_t begin = boundary == at::data ? boundary : boundary - data_island;
    const uint32_t end = boundary == at::page_directory ? boundary : boundary + data_island;
    return begin + random.below(end - begin - room + 1);
}

uint32_t Builder::unused_data_offset(uint32_t room) {
    for (;;) {
        const uint32_t at = data_offset(room);
        const auto overlaps = [&](const Patch& patch) {
            return patch.offset < at + room && at < patch.offset + patch.content.size();
        };
        if (std::none_of(result.patches.begin(), result.patches.end(), overlaps))
            return at;
    }
}

uint64_t Builder::random_segment() {
    const uint32_t base = random.one_in(3) ? arena + 16 * random.below(0x100) : arena;
    const uint32_t limit =
        random.pick({0xFFFFu, 0xFFFFu, 0x7FFFu, 0x8FFFu, 0x7000u + random.below(0x2000), 0u, 0xF'FFFFu});
    const bool granular = limit > 0xFFFF || random.one_in(8);
    const uint32_t flags =
        (random.one_in(3) ? 0 : descriptor::big) | (granular ? descriptor::granular : 0) | random.below(2);
    uint32_t type = random.below(16) | 0x10;
    if (random.one_in(6))
        type = random.below(16); // system
    return segment_descriptor(type, random.below(4), base, granular ? limit >> 12 : limit, flags,
                              !random.one_in(6));
}

uint16_t Builder::any_selector() {
    if (!protected_mode()) // a paragraph; what is outside the arena is not the same everywhere
        return static_cast<uint16_t>((arena >> 4) + random.below(0x100));
    switch (random.below(10)) {
    case 0:
        return static_cast<uint16_t>(random.below(4)); // null
    case 1:
        return static_cast<uint16_t>(random.word());
    case 2: // about the end of the table
        return static_cast<uint16_t>(selector::end - 8 + random.below(16));
    case 3:
        return static_cast<uint16_t>((selector::in_ldt | 8 * random.below(selector::ldt_count + 1)) |
                                     random.below(4));
    case 4:
    case 5:
    case 6:
        return static_cast<uint16_t>(selector::own + 8 * random.below(selector::own_count) + random.below(4));
    default:
        return static_cast<uint16_t>(selector::code32(0) + 8 * random.below(25) + random.below(4));
    }
}

} // namespace differential
