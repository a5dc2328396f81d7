// The writer's pages and what proves them right.
//
// Write number n of a page (from 0) puts a value computed from (seed, page, n) into slot n mod slots_per_page
// of it. A counter per page, in other pages, says how many writes there were: so every slot's content can be
// recomputed at any time, and a page and its counter that are not of one instant contradict each other.
// Portable.
#pragma once

#include "workloads/runtime/random.hpp"

#include <cstdint>

namespace workloads {

class PageWriter {
public:
    static constexpr uint32_t slots_per_page = 4096 / sizeof(uint64_t);

    PageWriter() = default;
    // `content` has `pages` pages, `counters` as many words, all zero.
    PageWriter(uint32_t pages, uint64_t seed, uint64_t* content, uint32_t* counters)
        : pages_(pages), seed_(seed), content_(content), counters_(counters) {}

    // One write to the page; false if the page's last write is not what its counter says.
    bool write(uint32_t page) {
        const uint32_t count = counters_[page];
        if (count != 0 && slot(page, count - 1) != value(page, count - 1))
            return false;
        slot(page, count) = value(page, count);
        counters_[page] = count + 1;
        return true;
    }

    // The first page whose content is not what its counter says, or pages() if all hold.
    uint32_t first_wrong_page() const;
    // Sum of all counters.
    uint64_t writes() const;
    // A hash of the whole content.
    uint64_t checksum() const;

    uint32_t pages() const { return pages_; }

private:
    uint64_t& slot(uint32_t page, uint32_t count) const {
        return content_[uint64_t{page} * slots_per_page + count % slots_per_page];
    }
    uint64_t value(uint32_t page, uint32_t count) const {
        return mix64(seed_ + (static_cast<uint64_t>(page) << 32 | count) * 0x9E3779B97F4A7C15u);
    }

    uint32_t pages_ = 0;
    uint64_t seed_ = 0;
    uint64_t* content_ = nullptr;
    uint32_t* counters_ = nullptr;
};

} // namespace workloads
