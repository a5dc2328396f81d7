// Address spaces of tasks, and that of the TCB array, which counts as task 0 and whose mappings are pinned.
//
// A task's directory is soft state (I7): recovery makes an empty one, page faults fill it again.
#pragma once

#include "kernel-model/memory/mapping_database.hpp"
#include "kernel-model/memory/page_table.hpp"

#include <cstdint>

namespace kernel {

inline constexpr unsigned tcb_array_task = 0;

// What the mapping database sees of the page tables.
class AddressSpaces {
public:
    PageEntry find(unsigned task, uint32_t page) const;
    PageEntry create(unsigned task, uint32_t page);
    PageEntry superpage_entry(unsigned task, uint32_t page) const;
    bool split(unsigned task, uint32_t page);
    void filled(unsigned task, uint32_t page);
    void cleared(unsigned task, uint32_t page);
    uint32_t flags(unsigned task) const;
    void changed(unsigned task, uint32_t page);
};

extern MappingDatabase<AddressSpaces> mapping_database;

// Physical address of a new directory that holds only the kernel's part; 0: no memory.
uint32_t create_directory();
// Revokes everything that is mapped in the task's space or derived from it, then frees tables and directory.
void destroy_space(unsigned task, uint32_t directory);

// Ends a series of changes: flushes the TLB if single pages were too many to invalidate one by one.
void finish_tlb_changes();

// sigma0's space maps every address to itself on demand. False: the address is the kernel's, or no memory is
// left.
bool ensure_sigma0_page(uint32_t page);
// The same for a part of it, 4 KB to 4 MB; as one superpage if it is one. False: no memory is left.
bool ensure_sigma0_pages(uint32_t low, uint32_t bytes);

// Drops every mapping that page faults can bring back (I7), but those that others come from which stay. With
// a TCB pager those are the persistent tasks' mappings, else all but sigma0's. The TCB array keeps its own.
void forget_mappings();
// For tests: does that periodically, at a clock tick; 0: never.
void forget_mappings_every(unsigned ms);
void clock_ticked(uint32_t us);

void enable_global_pages(); // the processor has them: TCB array and kernel keep their TLB entries across
                            // switches
uint32_t global_page_flag();

} // namespace kernel
