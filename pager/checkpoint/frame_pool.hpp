// The free frames: memory that holds no page and no saved content.
//
// Memory that was never used stays in ranges. Single frames are taken in ascending order from their low ends, so that pages
// that are used one after the other have adjacent frames; several at once from their high ends.
#pragma once

#include <cstdint>

#include "pager/checkpoint/assertion.hpp"
#include "pager/store/block_device.hpp"

namespace pager {

inline constexpr uint32_t no_frame = 0;                 // physical page 0 is never the server's
inline constexpr uint32_t frames_end_max = 0x40000000u; // no frame is beyond: what sigma0's protocol can name

class FramePool {
public:
    static constexpr uint32_t frame_bytes = store::block_bytes, ranges_max = 256;

    // `storage` holds `capacity` frame addresses and stays the pool's.
    void initialise(uint32_t* storage, uint32_t capacity) {
        frames_ = storage;
        capacity_ = capacity;
        listed_ = free_ = range_count_ = 0;
    }
    // All frames in [low, high): memory that was never used, as much as there may be at a start.
    void add_range(uint32_t low, uint32_t high) {
        check(range_count_ < ranges_max, "frame pool: too many ranges");
        ranges_[range_count_++] = {low, high};
        free_ += (high - low) / frame_bytes;
        check(free_ <= capacity_, "frame pool: more frames than there is room for");
    }
    void add(uint32_t frame) {
        check(free_ < capacity_, "frame pool: a frame was freed twice");
        frames_[listed_++] = frame;
        ++free_;
    }
    // no_frame: none is left.
    uint32_t take() {
        if (free_ == 0)
            return no_frame;
        --free_;
        if (listed_ > 0)
            return frames_[--listed_];
        while (ranges_[range_count_ - 1].low == ranges_[range_count_ - 1].high)
            --range_count_;
        Range& range = ranges_[range_count_ - 1];
        range.low += frame_bytes;
        return range.low - frame_bytes;
    }
    // The first of `count` neighbouring frames; no_frame: there are no such among those never used.
    uint32_t take_neighbours(uint32_t count) {
        for (uint32_t i = 0; i < range_count_; ++i)
            if (ranges_[i].high - ranges_[i].low >= count * frame_bytes) {
                free_ -= count;
                return ranges_[i].high -= count * frame_bytes;
            }
        return no_frame;
    }

    uint32_t free() const { return free_; }

private:
    struct Range {
        uint32_t low, high;
    };

    uint32_t* frames_ = nullptr;    // used as a stack
    Range ranges_[ranges_max] = {}; // of those that are not in the stack
    uint32_t capacity_ = 0, listed_ = 0, range_count_ = 0, free_ = 0;
};

} // namespace pager
