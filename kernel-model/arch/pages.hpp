// Whole pages, a doubleword at a time.
#pragma once

#include "kernel-model/abi/types.hpp"

namespace kernel {

inline void clear_page(void* page) {
    uint32_t count = l4::page_size / 4;
    asm volatile("rep stosl" : "+D"(page), "+c"(count) : "a"(0) : "memory");
}

} // namespace kernel
