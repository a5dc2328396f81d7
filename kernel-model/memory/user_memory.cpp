#include "kernel-model/memory/user_memory.hpp"

#include "kernel-model/arch/layout.hpp"
#include "kernel-model/ipc/page_fault.hpp"
#include "kernel-model/memory/address_spaces.hpp"
#include "kernel-model/thread/tcb.hpp"

namespace kernel {

namespace {

constexpr uint32_t error_protection = 1u << 0, error_write = 1u << 1, error_user = 1u << 2;

UserFault fault_in_page(uint32_t address, UserAccess access) {
    const uint32_t error = error_user | (access == UserAccess::write ? error_write : 0);
    if (address >= l4::user_space_end)
        return {true, address, error | error_protection};
    const PageEntry entry = AddressSpaces{}.find(task_of(*current_thread), address);
    if (!entry.present())
        return {true, address, error};
    if (access == UserAccess::write && !entry.writable())
        return {true, address, error | error_protection};
    return {false, 0, 0};
}

} // namespace

UserFault user_fault(uint32_t address, uint32_t bytes, UserAccess access) {
    const uint32_t last_page = page_of(address + bytes - 1);
    for (uint32_t at = address;; at = page_of(at) + l4::page_size) {
        const UserFault fault = fault_in_page(at, access);
        if (fault.faults || page_of(at) == last_page)
            return fault;
    }
}

bool ensure_accessible(uint32_t address, uint32_t bytes, UserAccess access) {
    const UserFault fault = user_fault(address, bytes, access);
    if (fault.faults)
        page_fault_at(fault.address, fault.error);
    return !fault.faults;
}

} // namespace kernel
