// Two-level IA-32 page tables with 4 KB pages and 4 MB superpages, each table with a shadow.
//
//   directory pair:  page 0  1024 page-directory entries    page 1  of a superpage: its mapping node number
//                                                                   of a table: how many entries are in use
//   table pair:      page 0  1024 page-table entries        page 1  1024 mapping node numbers
//
// The shadow gives the mapping node of each entry, so that the mapping database needs no search; the count
// says when a table is empty and goes back to the pool. The kernel's own directory has no shadow: it holds no
// superpage that anybody looks up here, and its tables are never released.
// A template over memory and pool: host tests run it on an array.
#pragma once

#include "kernel-model/abi/types.hpp"

#include <cstdint>

namespace kernel {

namespace pte {
inline constexpr uint32_t present = 1u << 0, writable = 1u << 1, user = 1u << 2, cache_disable = 1u << 4;
inline constexpr uint32_t accessed = 1u << 5, dirty = 1u << 6, superpage = 1u << 7, global = 1u << 8;
// Left to software: what mappings derived from this one were used for (MappingDatabase::take_status).
inline constexpr uint32_t written_below = 1u << 9, accessed_below = 1u << 10;
inline constexpr uint32_t frame_mask = 0xFFFFF000u, superpage_frame_mask = 0xFFC00000u;
} // namespace pte

// The entry that translates an address: of a table, or of the directory if it maps a superpage.
struct PageEntry {
    uint32_t* pte = nullptr; // null: there is no table
    uint32_t* node = nullptr;
    bool superpage = false;

    bool present() const { return pte != nullptr && (*pte & pte::present); }
    bool writable() const { return *pte & pte::writable; }
    // Physical address of the 4 KB at `address`, which this entry maps.
    uint32_t frame_of(uint32_t address) const {
        if (!superpage)
            return *pte & pte::frame_mask;
        return (*pte & pte::superpage_frame_mask) | (address & ~pte::superpage_frame_mask & pte::frame_mask);
    }
};

inline constexpr unsigned entries_per_table = 1024;
constexpr unsigned directory_index(uint32_t address) {
    return address >> l4::superpage_bits;
}
constexpr unsigned table_index(uint32_t address) {
    return address >> l4::page_bits & (entries_per_table - 1);
}

template<class Memory>
class PageTables {
public:
    constexpr explicit PageTables(uint32_t directory) : directory_(directory) {}

    PageEntry find(uint32_t address) const {
        uint32_t* const entry = &directory_entry(address);
        if (!(*entry & pte::present))
            return {};
        if (*entry & pte::superpage)
            return superpage_entry(address);
        return entry_in(*entry & pte::frame_mask, address);
    }

    // Creates the table if need be; an empty result: no memory. The address is not that of a superpage.
    template<class Pool>
    PageEntry find_or_create(uint32_t address, Pool& pool) {
        uint32_t& entry = directory_entry(address);
        if (!(entry & pte::present)) {
            const uint32_t pair = pool.allocate_pair();
            if (pair == 0)
                return {};
            clear(pair);
            clear(pair + l4::page_size);
            entry = table_entry(pair);
        }
        return entry_in(entry & pte::frame_mask, address);
    }

    // Where a superpage is or may be entered: the address has no table.
    PageEntry superpage_entry(uint32_t address) const {
        return {&directory_entry(address), &directory_shadow(address), true};
    }

    // A table in place of the superpage at `address`, with the same translations. The nodes are left empty.
    // False: no memory, nothing has changed.
    template<class Pool>
    bool split_superpage(uint32_t address, Pool& pool) {
        const uint32_t pair = pool.allocate_pair();
        if (pair == 0)
            return false;
        clear(pair + l4::page_size);
        uint32_t& entry = directory_entry(address);
        // Bit 7 is the size in a directory entry, but a memory type (PAT) in a table's.
        const uint32_t flags = entry & ~(pte::superpage_frame_mask | pte::superpage);
        const uint32_t frame = entry & pte::superpage_frame_mask;
        for (unsigned index = 0; index < entries_per_table; ++index)
            Memory::pointer(pair)[index] = (frame + index * l4::page_size) | flags;
        entry = table_entry(pair);
        directory_shadow(address) = entries_per_table;
        return true;
    }

    // An entry of the table at `address` has come into use, or is clear again. An empty table is released.
    void entry_filled(uint32_t address) { ++directory_shadow(address); }
    template<class Pool>
    void entry_cleared(uint32_t address, Pool& pool) {
        if (--directory_shadow(address) != 0)
            return;
        uint32_t& entry = directory_entry(address);
        pool.release_pair(entry & pte::frame_mask);
        entry = 0;
    }

private:
    uint32_t& directory_entry(uint32_t address) const {
        return Memory::pointer(directory_)[directory_index(address)];
    }
    uint32_t& directory_shadow(uint32_t address) const {
        return Memory::pointer(directory_ + l4::page_size)[directory_index(address)];
    }
    static constexpr uint32_t table_entry(uint32_t pair) {
        return pair | pte::present | pte::writable | pte::user;
    }
    static PageEntry entry_in(uint32_t table, uint32_t address) {
        return {Memory::pointer(table) + table_index(address),
                Memory::pointer(table + l4::page_size) + table_index(address)};
    }
    static void clear(uint32_t page) {
        uint32_t* words = Memory::pointer(page);
        for (unsigned index = 0; index < entries_per_table; ++index)
            words[index] = 0;
    }

    uint32_t directory_;
};

} // namespace kernel
