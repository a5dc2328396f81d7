#include "workloads/writer/page_writer.hpp"

namespace workloads {

uint32_t PageWriter::first_wrong_page() const {
    for (uint32_t page = 0; page < pages_; ++page) {
        const uint32_t count = counters_[page];
        // Slot i holds the newest write whose number is i mod slots_per_page, or still zero.
        for (uint32_t i = 0; i < slots_per_page; ++i) {
            const uint32_t laps = count / slots_per_page + (count % slots_per_page > i ? 1 : 0);
            const uint64_t expected = laps == 0 ? 0 : value(page, (laps - 1) * slots_per_page + i);
            if (content_[uint64_t{page} * slots_per_page + i] != expected)
                return page;
        }
    }
    return pages_;
}

uint64_t PageWriter::writes() const {
    uint64_t sum = 0;
    for (uint32_t page = 0; page < pages_; ++page)
        sum += counters_[page];
    return sum;
}

uint64_t PageWriter::checksum() const {
    uint64_t hash = seed_;
    for (uint64_t i = 0; i < uint64_t{pages_} * slots_per_page; ++i)
        hash = (hash ^ content_[i]) * 0x100000001B3u;
    return mix64(hash);
}

} // namespace workloads
