#include "sim/machine/free_ranges.hpp"

#include <algorithm>

namespace fixpoint::sim {

void FreeRanges::add(uint64_t begin, uint64_t end) {
    remove(begin, end);
    if (begin >= end)
        return;
    const auto behind = std::ranges::find_if(ranges_, [&](const Range& range) { return range.begin >= end; });
    ranges_.insert(behind, {begin, end});
}

void FreeRanges::remove(uint64_t begin, uint64_t end) {
    if (begin >= end)
        return;
    std::vector<Range> left;
    for (const Range& range : ranges_) {
        if (const uint64_t before = std::min(range.end, begin); range.begin < before)
            left.push_back({range.begin, before});
        if (const uint64_t behind = std::max(range.begin, end); behind < range.end)
            left.push_back({behind, range.end});
    }
    ranges_ = std::move(left);
}

std::optional<uint64_t> FreeRanges::take(uint64_t bytes, uint64_t alignment, uint64_t from, uint64_t limit) {
    for (const Range& range : ranges_) {
        const uint64_t at = (std::max(range.begin, from) + alignment - 1) & ~(alignment - 1);
        const uint64_t end = std::min(range.end, limit);
        if (at <= end && bytes <= end - at) {
            remove(at, at + bytes);
            return at;
        }
    }
    return std::nullopt;
}

uint64_t FreeRanges::largest() const {
    uint64_t bytes = 0;
    for (const Range& range : ranges_)
        bytes = std::max(bytes, range.end - range.begin);
    return bytes;
}

} // namespace fixpoint::sim
