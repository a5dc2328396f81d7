// The interrupt descriptor table and who handles which vector.
#pragma once

#include <cstdint>

namespace kernel {

inline constexpr unsigned vector_breakpoint = 3, vector_no_fpu = 7, vector_page_fault = 14;
inline constexpr unsigned vector_irq0 = 0x20, vector_ipc = 0x30, vector_recovery = 0x37, vector_count = 0x38;

void load_interrupt_table();

} // namespace kernel
