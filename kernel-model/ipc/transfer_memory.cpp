#include "kernel-model/ipc/transfer_memory.hpp"

#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/layout.hpp"
#include "kernel-model/memory/address_spaces.hpp"
#include "kernel-model/memory/fpage_operations.hpp"

extern "C" uint32_t kernel_image_table[];

namespace kernel {

namespace {

constexpr uint32_t offset_in_page(uint32_t address) {
    return address & (l4::page_size - 1);
}

PageEntry entry_of(unsigned task, uint32_t address) {
    const PageEntry entry = AddressSpaces{}.find(task, page_of(address));
    if (entry.present() || task != l4::sigma0_task || !ensure_sigma0_page(page_of(address)))
        return entry;
    return AddressSpaces{}.find(task, page_of(address));
}

// Maps the page that `entry` maps at `address` to the transfer page; returns where that byte is now.
void* map_temporarily(const PageEntry& entry, uint32_t address) {
    uint32_t& slot = kernel_image_table[table_index(transfer_page)];
    const uint32_t value =
        entry.frame_of(address) | (*entry.pte & pte::cache_disable) | pte::present | pte::writable;
    if ((slot & ~(pte::accessed | pte::dirty)) != value) {
        slot = value;
        cpu::invalidate_page(transfer_page);
    }
    return reinterpret_cast<void*>(transfer_page + offset_in_page(address));
}

void* to_write(unsigned task, uint32_t address) {
    const PageEntry entry = entry_of(task, address);
    *entry.pte |= pte::accessed | pte::dirty; // as if the receiver had written
    return map_temporarily(entry, address);
}

} // namespace

bool TransferMemory::sender_readable(uint32_t address) const {
    return entry_of(sender_task_, address).present();
}

bool TransferMemory::receiver_writable(uint32_t address) const {
    const PageEntry entry = entry_of(receiver_task_, address);
    return entry.present() && entry.writable();
}

const uint32_t* TransferMemory::sender_word(uint32_t address) const {
    return reinterpret_cast<const uint32_t*>(address);
}

const uint32_t* TransferMemory::receiver_word(uint32_t address) const {
    const PageEntry entry = entry_of(receiver_task_, address);
    return entry.present() ? static_cast<const uint32_t*>(map_temporarily(entry, address)) : nullptr;
}

uint32_t* TransferMemory::receiver_word_to_write(uint32_t address) {
    return static_cast<uint32_t*>(to_write(receiver_task_, address));
}

void TransferMemory::copy(uint32_t to, uint32_t from, uint32_t bytes) {
    __builtin_memcpy(to_write(receiver_task_, to), reinterpret_cast<const void*>(from), bytes);
}

bool TransferMemory::map(uint32_t send_base, l4::Fpage fpage, l4::Fpage window) {
    return map_fpage(sender_task_, {send_base, fpage}, receiver_task_, window);
}

} // namespace kernel
