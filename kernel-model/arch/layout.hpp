// The kernel's part of every address space, and what lies where in it.
//
//   0xC0000000  end of user space
//   0xE0000000  TCB array, 16 MB: paged, one set of page tables shared by all tasks
//   0xF0000000  window on the first 128 MB of physical memory, 4 MB pages
//   0xF8000000  the task state segment and the task's I/O map (memory/port_spaces.hpp)
//   0xF9000000  the kernel's image, loaded at physical 1 MB
//   0xF93FE000  the page of a receiver that a message is copied to (ipc/transfer_memory.hpp)
//   0xF93FF000  the local APIC's registers, if its timer is used
#pragma once

#include "kernel-model/abi/system_layout.hpp"

#include <cstdint>

namespace kernel {

inline constexpr uint32_t window_base = 0xF0000000u, window_size = 128u << 20;
inline constexpr uint32_t kernel_virtual_base = 0xF9000000u, kernel_physical_base = 0x00100000u;
inline constexpr uint32_t local_apic_page =
    kernel_virtual_base + l4::superpage_size - l4::page_size; // the last of the image's page table
inline constexpr uint32_t transfer_page = local_apic_page - l4::page_size;
inline constexpr uint32_t tcb_array_end = l4::tcb_array_base + l4::tcb_array_size;

// Pointer to physical memory below 128 MB.
template<class T = uint32_t>
inline T* window(uint32_t physical) {
    return reinterpret_cast<T*>(window_base + physical);
}
inline uint32_t image_to_physical(const void* pointer) {
    return reinterpret_cast<uint32_t>(pointer) - kernel_virtual_base + kernel_physical_base;
}
constexpr bool in_tcb_array(uint32_t address) {
    return address >= l4::tcb_array_base && address < tcb_array_end;
}
constexpr uint32_t page_of(uint32_t address) {
    return address & ~(l4::page_size - 1);
}
constexpr uint32_t round_up_to_page(uint32_t value) {
    return page_of(value + l4::page_size - 1);
}

} // namespace kernel
