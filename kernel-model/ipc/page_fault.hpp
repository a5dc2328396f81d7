// Page faults of user threads.
#pragma once

#include "kernel-model/thread/tcb.hpp"

#include <cstdint>

namespace kernel {

// The current thread has faulted at `address`; `error` is the processor's error code (bit 1: write).
void page_fault_at(uint32_t address, uint32_t error);

// The current thread has used 2^log2_count ports from `port` on without a right to all of them.
void io_page_fault_at(unsigned port, unsigned log2_count);

// The thread that serves the page faults of `thread`, or null. A touch point.
Tcb* pager_of(const Tcb& thread);

// Word 0 of the message to it.
constexpr uint32_t fault_word(uint32_t address, bool write) {
    constexpr uint32_t write_flag = 2;
    return (address & ~3u) | (write ? write_flag : 0);
}

} // namespace kernel
