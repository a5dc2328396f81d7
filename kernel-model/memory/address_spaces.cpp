#include "kernel-model/memory/address_spaces.hpp"

#include "kernel-model/abi/kernel_info.hpp"
#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/layout.hpp"
#include "kernel-model/arch/pages.hpp"
#include "kernel-model/boot/boot_information.hpp"
#include "kernel-model/memory/kernel_memory.hpp"
#include "kernel-model/thread/scheduler.hpp"
#include "kernel-model/thread/task.hpp"

extern "C" char kernel_directory[];

namespace kernel {

constinit MappingDatabase<AddressSpaces> mapping_database;

namespace {

constinit uint32_t global_flag = 0;

// Beyond this many pages one CR3 load is cheaper than the single invalidations.
constexpr unsigned single_invalidations_max = 16;
constinit unsigned user_pages_changed = 0;

constexpr unsigned user_directory_entries = directory_index(l4::user_space_end);

uint32_t directory_of(unsigned task) {
    return task == tcb_array_task ? image_to_physical(kernel_directory) : task_directory(task);
}

PageTables<WindowMemory> tables_of(unsigned task) {
    return PageTables<WindowMemory>(directory_of(task));
}

} // namespace

// The kernel's own directory lies in its image, which the window covers too.
PageEntry AddressSpaces::find(unsigned task, uint32_t page) const {
    return tables_of(task).find(page);
}

PageEntry AddressSpaces::create(unsigned task, uint32_t page) {
    return tables_of(task).find_or_create(page, kernel_pool);
}

uint32_t AddressSpaces::flags(unsigned task) const {
    return task == tcb_array_task ? global_flag : pte::user;
}

void AddressSpaces::changed(unsigned task, uint32_t page) {
    if (task == tcb_array_task) {
        cpu::invalidate_page(page);
    } else if (directory_of(task) == scheduler.loaded_directory()) {
        if (++user_pages_changed <= single_invalidations_max)
            cpu::invalidate_page(page);
    }
}

void finish_tlb_changes() {
    if (user_pages_changed > single_invalidations_max)
        cpu::write_cr3(scheduler.loaded_directory());
    user_pages_changed = 0;
}

uint32_t create_directory() {
    const uint32_t directory = kernel_pool.allocate_page();
    if (directory == 0)
        return 0;
    clear_page(window(directory));
    const uint32_t* kernel_part = window(image_to_physical(kernel_directory));
    for (unsigned index = user_directory_entries; index < entries_per_table; ++index)
        window(directory)[index] = kernel_part[index];
    return directory;
}

void destroy_space(unsigned task, uint32_t directory) {
    PageTables<WindowMemory> tables(directory);
    for (unsigned index = 0; index < user_directory_entries; ++index) {
        if (!tables.has_table(index))
            continue;
        for (unsigned entry = 0; entry < entries_per_table; ++entry)
            mapping_database.unmap(task, index << l4::superpage_bits | entry << l4::page_bits, true, true);
        tables.release_table(index, kernel_pool);
    }
    finish_tlb_changes();
    scheduler.leave_directory(directory);
    kernel_pool.release_page(directory);
}

bool ensure_sigma0_page(uint32_t page) {
    if (page >= l4::user_space_end)
        return false;
    const auto within = [page](l4::MemoryRange range) { return page >= range.low && page < range.high; };
    uint32_t flags = pte::writable;
    if (page == image_to_physical(&kernel_info))
        flags = 0;
    else if (within(kernel_info.reserved0) || within(kernel_info.reserved1))
        return false;
    constexpr uint32_t adapter_memory = 0xA0000, adapter_memory_end = 0x100000;
    if (page >= kernel_info.main_memory.high || (page >= adapter_memory && page < adapter_memory_end))
        flags |= pte::cache_disable;
    return mapping_database.map_root(l4::sigma0_task, page, page, flags) != MapOutcome::out_of_memory;
}

bool user_readable(uint32_t address) {
    if (address >= l4::user_space_end)
        return false;
    const PageEntry entry = tables_of(task_of(*current_thread)).find(address);
    return entry.pte != nullptr && (*entry.pte & pte::present);
}

void enable_global_pages() {
    cpu::write_cr4(cpu::read_cr4() | cpu::cr4_global_pages);
    global_flag = pte::global;
}

uint32_t global_page_flag() {
    return global_flag;
}

} // namespace kernel
