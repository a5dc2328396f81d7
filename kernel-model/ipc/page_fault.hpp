// Page faults of user threads.
#pragma once

#include <cstdint>

namespace kernel {

// The current thread has faulted at `address`; `error` is the processor's error code (bit 1: write).
void page_fault_at(uint32_t address, uint32_t error);

} // namespace kernel
