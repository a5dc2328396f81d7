// The kernel's own memory: single pages (TCBs) and pairs (a table and its shadow), from one contiguous range.
// Pairs come from the bottom, singles from the top; freed ones are kept on lists threaded through themselves.
#pragma once

#include "kernel-model/abi/types.hpp"

#include <cstdint>

namespace kernel {

// Memory: Memory::pointer(physical) gives a uint32_t* to a page's contents.
template<class Memory>
class PagePool {
public:
    constexpr PagePool() = default;
    constexpr PagePool(uint32_t low, uint32_t high) : low_(low), high_(high) {}

    // Physical addresses; 0: none left. Contents are arbitrary.
    uint32_t allocate_page() { return allocate(free_page_, l4::page_size, true); }
    uint32_t allocate_pair() { return allocate(free_pair_, 2 * l4::page_size, false); }
    void release_page(uint32_t page) { release(free_page_, page); }
    void release_pair(uint32_t pair) { release(free_pair_, pair); }

private:
    uint32_t allocate(uint32_t& list, uint32_t bytes, bool from_top) {
        if (list != 0) {
            const uint32_t taken = list;
            list = *Memory::pointer(taken);
            return taken;
        }
        if (high_ - low_ < bytes)
            return 0;
        if (from_top)
            return high_ -= bytes;
        low_ += bytes;
        return low_ - bytes;
    }
    static void release(uint32_t& list, uint32_t block) {
        *Memory::pointer(block) = list;
        list = block;
    }

    uint32_t low_ = 0, high_ = 0;
    uint32_t free_page_ = 0, free_pair_ = 0;
};

} // namespace kernel
