// The guest's page tables, read for a debugger: the walk of one address, and what is mapped as a whole (SDM
// vol. 3, chapter 4; 32-bit paging and PAE).
#pragma once

#include "sim/debug/debug_target.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace fixpoint::sim {

struct MappedRange {
    uint64_t begin = 0, end = 0; // linear; `end` may be 2^32
    uint64_t physical = 0;       // of `begin`; the range is contiguous there too
    bool writable = false, user = false, large = false, global = false, accessed = false, dirty = false;
};

// Every level of the walk, a line each, with the entry's address, content and meaning.
[[nodiscard]] std::string describe_walk(const DebugTarget& target, uint32_t linear);
// Neighbouring pages with the same rights are one range. Empty without paging.
[[nodiscard]] std::vector<MappedRange> mapped_ranges(const DebugTarget& target);

} // namespace fixpoint::sim
