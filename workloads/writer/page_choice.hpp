// Which page is written next. Portable.
#pragma once

#include "workloads/runtime/random.hpp"
#include "workloads/runtime/zipf.hpp"

#include <cstdint>

namespace workloads {

enum class Pattern : unsigned { sequential, uniform, zipf };

class PageChoice {
public:
    constexpr PageChoice() = default;
    // `sampler`: for Zipf's law only. Scattered: its ranks are spread over the pages; else the hottest is page 0, the
    // next one page 1, and so on.
    PageChoice(uint32_t pages, Pattern pattern, const ZipfSampler& sampler, bool scattered, uint64_t seed)
        : pages_(pages), pattern_(pattern), scattered_(scattered), sampler_(sampler), random_(seed) {}

    uint32_t next() {
        switch (pattern_) {
        case Pattern::sequential: {
            const uint32_t page = next_in_sequence_;
            next_in_sequence_ = page + 1 == pages_ ? 0 : page + 1;
            return page;
        }
        case Pattern::zipf:
            return scattered_ ? sampler_.draw(random_) : sampler_.rank(random_);
        case Pattern::uniform:
            break;
        }
        return random_.below(pages_);
    }

private:
    uint32_t pages_ = 1, next_in_sequence_ = 0;
    Pattern pattern_ = Pattern::uniform;
    bool scattered_ = false;
    ZipfSampler sampler_;
    Random random_;
};

} // namespace workloads
