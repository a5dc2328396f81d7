// The server's memory: all that sigma0 gives, as ranges of physical addresses (virtual = physical). First the
// tables are cut out, then the rest becomes frames. A restart must not wait until memory in its whole size is written or
// listed once.
#pragma once

#include <cstdint>

#include "kernel-model/abi/kernel_info.hpp"
#include "pager/checkpoint/frame_pool.hpp"

namespace pager {

class ServerMemory {
public:
    // Maps the kernel info page; nullptr if sigma0 does not give it.
    const l4::KernelInfo* ask_for_kernel_info();

    // All that is free but the first 2 MB, 4 MB at a time where possible, then page by page.
    void ask_for_all(const l4::KernelInfo& info);

    // Page-aligned memory for a table, with anything in it; nullptr if no range is long enough.
    void* take_table(uint32_t bytes);

    uint32_t frames() const;
    // A range of pages that are not part of a table. False: no more.
    bool take_range(uint32_t& low, uint32_t& high);

private:
    struct Range {
        uint32_t low, high;
    };
    static constexpr uint32_t ranges_max = FramePool::ranges_max;

    bool add(uint32_t low, uint32_t high);

    Range ranges_[ranges_max];
    uint32_t range_count_ = 0;
};

} // namespace pager
