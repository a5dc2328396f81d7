// Accesses of every kind to pages of every kind: rights, WP, accessed and dirty bits, error codes, page crossings,
// large pages, reserved bits, changed entries (SDM vol. 3, 4.3-4.8).
#include "tests/differential/classes/classes.hpp"

namespace differential {
namespace {

constexpr uint32_t present = 1, writable = 2, user = 4, write_through = 8, cache_disable = 0x10,
                   accessed = 0x20, dirty = 0x40, large = 0x80, global = 0x100;
constexpr uint32_t first_data_page = at::data / page_bytes, data_page_count = 3;

void vary_page(Builder& b, uint32_t page) {
    uint32_t clear = 0, set = 0;
    for (const uint32_t bit : {present, writable, user})
        if (b.random.one_in(3))
            clear |= bit;
    for (const uint32_t bit : {accessed, dirty, global, write_through, cache_disable, 0x200u})
        if (b.random.one_in(4))
            set |= bit;
    b.poke_page(page, clear, set);
    b.feature("pte:varied");
}

// The page table's own entry in the directory.
void vary_directory(Builder& b) {
    if (!b.random.one_in(4))
        return;
    b.feature("pde:varied");
    // Level 3 has only the arena, so writable and user matter there; supervisors need the driver's pages.
    uint32_t clear = 0;
    if (b.random.one_in(2))
        clear |= user;
    if (b.random.one_in(2) && (b.result.state.cr0 & cr0::write_protect) == 0)
        clear |= writable;
    if (b.paging() == Paging::pae)
        b.poke(at::pae_directory, ((arena + at::pae_table) | 7) & ~clear, 4);
    else
        b.poke(at::page_directory, ((arena + at::page_table) | 7) & ~clear, 4);
}

constexpr uint32_t alias = 0x80'0000; // linear: 8 MB, which the template does not map

// The arena once more at 8 MB, through a page of 4 MB (2 MB with PAE), reached by a segment of its own.
uint16_t map_alias(Builder& b) {
    b.feature("page:large");
    uint32_t entry = large | user | (b.random.one_in(6) ? 0 : present) | (b.random.one_in(3) ? 0 : writable) |
                     (b.random.one_in(2) ? global : 0) | (b.random.one_in(4) ? dirty : 0);
    if (b.random.one_in(4))
        entry &= ~user;
    if (b.random.one_in(6)) {
        entry |= 0x2000; // PAE: reserved; otherwise address bit 32 of PSE-36
        b.feature("page:high_bit");
    }
    if (b.paging() == Paging::pae) {
        b.poke(at::pae_directory + 8 * (alias >> 21), entry, 4);
    } else {
        if (!b.random.one_in(6))
            b.result.state.cr4 |= cr4::big_pages;
        else
            entry |= arena + at::page_table; // a table: the one that maps the arena
        b.poke(at::page_directory + 4 * (alias >> 22), entry, 4);
    }
    const uint16_t selector = selector::own;
    b.poke_descriptor(selector, segment_descriptor(descriptor::data | descriptor::accessed, 3, alias + arena,
                                                   arena_bytes - 1, descriptor::big));
    return static_cast<uint16_t>(selector | b.level());
}

uint32_t offset_near_boundary(Builder& b, uint32_t bytes) {
    const uint32_t boundary = at::data + page_bytes * (1 + b.random.below(2));
    return b.random.one_in(2) ? boundary - 1 - b.random.below(bytes) : boundary - 0x40 + b.random.below(0x70);
}

void access(Builder& b, bool through_fs) {
    const unsigned width = b.random.pick({1u, 2u, 4u});
    const uint32_t offset = offset_near_boundary(b, 8);
    const auto prefix = [&] {
        if (through_fs)
            b.byte(0x64);
        if (width != 1)
            b.operand_size(width);
    };
    const uint32_t wide = width == 1 ? 0 : 1;
    switch (b.random.below(8)) {
    case 0:
        b.instruction("load");
        prefix();
        b.byte(0x8A | wide);
        b.memory(eax, offset);
        return;
    case 1:
        b.instruction("store");
        prefix();
        b.byte(0x88 | wide);
        b.memory(eax, offset);
        return;
    case 2:
        b.instruction("add_to_memory");
        prefix();
        b.byte(0x00 | wide);
        b.memory(ecx, offset);
        return;
    case 3:
        b.instruction("cmp_memory"); // reads only
        prefix();
        b.byte(0x38 | wide);
        b.memory(ecx, offset);
        return;
    case 4:
        b.instruction("xchg");
        prefix();
        b.byte(0x86 | wide);
        b.memory(edx, offset);
        return;
    case 5:
        b.instruction("cmpxchg"); // writes in any case
        prefix();
        b.bytes({0x0F, 0xB0 | wide});
        b.memory(ebx, offset);
        return;
    case 6:
        b.instruction("bts");
        if (through_fs)
            b.byte(0x64);
        b.operand_size(width == 1 ? 4 : width);
        b.bytes({0x0F, 0xBA});
        b.memory(b.random.pick({4u, 5u}), offset); // BT reads, BTS writes
        b.byte(b.random.below(16));
        b.instruction("cmp_registers"); // the bit test leaves flags undefined
        b.bytes({0x39, 0xC0});
        return;
    default:
        b.instruction("cmpxchg8b");
        if (through_fs)
            b.byte(0x64);
        b.bytes({0x0F, 0xC7});
        b.memory(1, offset);
    }
}

// A page of the driver's tables that the processor itself reads: GDT, LDT, TSS, stack.
void vary_system_page(Builder& b) {
    const uint32_t page =
        b.random.pick({at::gdt, at::tss_main, at::code, at::second_code, at::stacks}) / page_bytes;
    b.feature("page:system");
    uint32_t clear = b.random.pick({writable, user, writable | user});
    if (page == at::second_code / page_bytes && b.random.one_in(2))
        clear = present;
    if (page == at::gdt / page_bytes || page == at::tss_main / page_bytes) {
        clear &= ~writable; // else no exception could be delivered
        if (clear == 0)
            return;
    }
    b.poke_page(page, clear, 0);
}

// Ring 0: changes an entry and drops it from the TLB, or not the entry that is used.
void change_entry(Builder& b) {
    const uint32_t page = first_data_page + b.random.below(data_page_count);
    const uint32_t number = arena / page_bytes + page;
    const uint32_t entry = ((number * page_bytes) | user | accessed | dirty) |
                           (b.random.one_in(2) ? writable : 0) | (b.random.one_in(3) ? 0 : present);
    b.move(eax, entry);
    b.instruction("store_entry");
    b.operand_size(4);
    b.byte(0x89);
    b.memory(eax, b.paging() == Paging::pae ? at::pae_table + 8 * number : at::page_table + 4 * number);
    b.instruction("invlpg");
    b.bytes({0x0F, 0x01});
    b.memory(7, page * page_bytes + b.random.below(page_bytes));
}

} // namespace

void paging(Builder& b) {
    const auto mode =
        b.random.pick({Mode::protected32, Mode::protected32, Mode::protected16, Mode::virtual_8086});
    b.begin(mode, b.random.one_in(2) ? 3 : b.random.below(4),
            b.random.one_in(2) ? Paging::normal : Paging::pae);
    if (b.random.one_in(2))
        b.result.state.cr4 |= cr4::global;
    for (uint32_t page = first_data_page; page < first_data_page + data_page_count; ++page)
        vary_page(b, page);
    vary_directory(b);
    if (b.random.one_in(4))
        vary_system_page(b);
    const bool through_alias = b.protected_mode() && b.random.one_in(3);
    if (through_alias) {
        const uint16_t selector = map_alias(b);
        b.result.state.fs = selector;
        b.result.plain.fs = selector;
    }
    if (b.random.one_in(8)) { // the instructions themselves cross into another page
        b.feature("code:crossing");
        b.result.code_at = at::second_code - 1 - b.random.below(12);
        b.result.state.eip = b.result.plain.eip = b.result.code_at;
    }
    for (unsigned done = 0, count = 1 + b.random.below(3); done < count; ++done) {
        if (b.level() == 0 && b.random.one_in(4))
            change_entry(b);
        access(b, through_alias && !b.random.one_in(3));
    }
    b.invalid_opcode();
}

} // namespace differential
