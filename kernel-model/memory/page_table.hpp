// Two-level IA-32 page tables, each table with a shadow.
//
//   directory pair:  page 0  1024 page-directory entries    page 1  not used
//   table pair:      page 0  1024 page-table entries        page 1  1024 mapping node numbers
//
// The shadow gives the mapping node of each entry, so that the mapping database needs no search.
// A template over memory and pool: host tests run it on an array.
#pragma once

#include "kernel-model/abi/types.hpp"

#include <cstdint>

namespace kernel {

namespace pte {
inline constexpr uint32_t present = 1u << 0, writable = 1u << 1, user = 1u << 2, cache_disable = 1u << 4;
inline constexpr uint32_t accessed = 1u << 5, dirty = 1u << 6, superpage = 1u << 7, global = 1u << 8;
inline constexpr uint32_t frame_mask = 0xFFFFF000u;
} // namespace pte

struct PageEntry {
    uint32_t* pte = nullptr; // null: there is no table
    uint32_t* node = nullptr;
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
        const uint32_t entry = Memory::pointer(directory_)[directory_index(address)];
        if (!(entry & pte::present))
            return {};
        return entry_in(entry & pte::frame_mask, address);
    }

    // Creates the table if need be; an empty result: no memory.
    template<class Pool>
    PageEntry find_or_create(uint32_t address, Pool& pool) {
        uint32_t& entry = Memory::pointer(directory_)[directory_index(address)];
        if (!(entry & pte::present)) {
            const uint32_t pair = pool.allocate_pair();
            if (pair == 0)
                return {};
            clear(pair);
            clear(pair + l4::page_size);
            entry = pair | pte::present | pte::writable | pte::user;
        }
        return entry_in(entry & pte::frame_mask, address);
    }

    bool has_table(unsigned index) const { return Memory::pointer(directory_)[index] & pte::present; }

    template<class Pool>
    void release_table(unsigned index, Pool& pool) {
        uint32_t& entry = Memory::pointer(directory_)[index];
        pool.release_pair(entry & pte::frame_mask);
        entry = 0;
    }

private:
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
