#include "kernel-model/memory/address_spaces.hpp"

#include "kernel-model/abi/kernel_info.hpp"
#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/layout.hpp"
#include "kernel-model/arch/pages.hpp"
#include "kernel-model/boot/boot_information.hpp"
#include "kernel-model/memory/kernel_memory.hpp"
#include "kernel-model/memory/port_spaces.hpp"
#include "kernel-model/thread/scheduler.hpp"
#include "kernel-model/thread/task.hpp"
#include "kernel-model/thread/tcb_array.hpp"

extern "C" char kernel_directory[];

namespace kernel {

constinit MappingDatabase<AddressSpaces> mapping_database;

namespace {

constinit uint32_t global_flag = 0;
constinit uint32_t forget_mean_ms = 0, forget_left_us = 0;

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

PageEntry AddressSpaces::superpage_entry(unsigned task, uint32_t page) const {
    return tables_of(task).superpage_entry(page);
}

bool AddressSpaces::split(unsigned task, uint32_t page) {
    return tables_of(task).split_superpage(page, kernel_pool);
}

// The TCB array's tables stay.
void AddressSpaces::filled(unsigned task, uint32_t page) {
    if (task != tcb_array_task)
        tables_of(task).entry_filled(page);
}
void AddressSpaces::cleared(unsigned task, uint32_t page) {
    if (task != tcb_array_task)
        tables_of(task).entry_cleared(page, kernel_pool);
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
    const uint32_t directory = kernel_pool.allocate_pair();
    if (directory == 0)
        return 0;
    clear_page(window(directory));
    clear_page(window(directory + l4::page_size));
    const uint32_t* kernel_part = window(image_to_physical(kernel_directory));
    for (unsigned index = user_directory_entries; index < entries_per_table; ++index)
        window(directory)[index] = kernel_part[index];
    return directory;
}

void destroy_space(unsigned task, uint32_t directory) {
    mapping_database.unmap(task, 0, l4::user_space_end, true, true); // and with the last entry goes the table
    finish_tlb_changes();
    scheduler.leave_directory(directory);
    kernel_pool.release_pair(directory);
}

namespace {

enum class Memory { main, device, kernel_info, kernel };

constexpr l4::MemoryRange adapter_memory{0xA0000, 0x100000};

Memory memory_at(uint32_t page) {
    const auto within = [page](l4::MemoryRange range) { return page >= range.low && page < range.high; };
    if (page == image_to_physical(&kernel_info))
        return Memory::kernel_info;
    if (within(kernel_info.reserved0) || within(kernel_info.reserved1))
        return Memory::kernel;
    return within(kernel_info.main_memory) && !within(adapter_memory) ? Memory::main : Memory::device;
}

uint32_t flags_of(Memory memory) {
    switch (memory) {
    case Memory::main:
        return pte::writable;
    case Memory::device:
        return pte::writable | pte::cache_disable;
    case Memory::kernel_info:
    case Memory::kernel:
        break;
    }
    return 0;
}

// A superpage has one kind of memory; nothing of it is mapped by pages.
bool may_be_sigma0_superpage(uint32_t low) {
    if (AddressSpaces{}.find(l4::sigma0_task, low).pte != nullptr)
        return false;
    const auto is_divided_by = [low](l4::MemoryRange range) {
        const auto is_within = [low](uint32_t boundary) {
            return boundary > low && boundary < low + l4::superpage_size;
        };
        return is_within(range.low) || is_within(range.high);
    };
    const uint32_t info = image_to_physical(&kernel_info);
    return !is_divided_by(kernel_info.reserved0) && !is_divided_by(kernel_info.reserved1) &&
           !is_divided_by(kernel_info.main_memory) && !is_divided_by(adapter_memory) &&
           !is_divided_by({info, info + l4::page_size}) && memory_at(low) != Memory::kernel;
}

bool map_sigma0_page(uint32_t page) {
    return mapping_database.map_root(l4::sigma0_task, page, page, flags_of(memory_at(page)), false);
}

} // namespace

bool ensure_sigma0_page(uint32_t page) {
    return page < l4::user_space_end && memory_at(page) != Memory::kernel && map_sigma0_page(page);
}

bool ensure_sigma0_pages(uint32_t low, uint32_t bytes) {
    if (bytes == l4::superpage_size && may_be_sigma0_superpage(low))
        return mapping_database.map_root(l4::sigma0_task, low, low, flags_of(memory_at(low)), true);
    for (uint32_t page = low; page < low + bytes; page += l4::page_size)
        if (memory_at(page) != Memory::kernel && !map_sigma0_page(page))
            return false;
    return true;
}

void forget_mappings() {
    const bool persistence = tcb_paging.pager != 0;
    mapping_database.forget(l4::sigma0_task, l4::user_space_end, [persistence](unsigned task) {
        return persistence ? !is_persistent(task) : task == l4::sigma0_task;
    });
    forget_port_rights();
    finish_tlb_changes();
}

namespace {

// Uniform from 1 to 2 mean - 1, the same in each run: Marsaglia's xorshift generator with 32 bits (2003).
uint32_t draw_forget_ms() {
    static constinit uint32_t state = 1;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return 1 + state % (2 * forget_mean_ms - 1);
}

} // namespace

void forget_mappings_about_every(unsigned ms) {
    forget_mean_ms = ms;
    forget_left_us = ms * 1000;
}

void clock_ticked(uint32_t us) {
    if (forget_mean_ms == 0)
        return;
    if (forget_left_us > us) {
        forget_left_us -= us;
        return;
    }
    forget_left_us = draw_forget_ms() * 1000;
    forget_mappings();
}

void enable_global_pages() {
    cpu::write_cr4(cpu::read_cr4() | cpu::cr4_global_pages);
    global_flag = pte::global;
}

uint32_t global_page_flag() {
    return global_flag;
}

} // namespace kernel
