// The free frames: memory that holds no page and no saved content.
//
// Every TCB page keeps one free frame in reserve for its copy in the next stop: a stop can never run out of
// frames (I5).
#pragma once

#include <cstdint>

#include "pager/checkpoint/assertion.hpp"
#include "pager/store/block_device.hpp"

namespace pager {

inline constexpr uint32_t no_frame = 0; // physical page 0 is never the server's

class FramePool {
public:
    static constexpr uint32_t frame_bytes = store::block_bytes, ranges_max = 256;

    // `storage` holds `capacity` frame addresses and stays the pool's.
    void initialise(uint32_t* storage, uint32_t capacity) {
        frames_ = storage;
        capacity_ = capacity;
        listed_ = free_ = reserved_ = range_count_ = 0;
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
    // For new pages and copies on write; no_frame: none but the reserve is left.
    uint32_t take() { return free_ > reserved_ ? take_any() : no_frame; }
    // The first of `count` neighbouring frames; no_frame: there are no such.
    uint32_t take_neighbours(uint32_t count) {
        if (free_ < reserved_ + count)
            return no_frame;
        for (uint32_t i = 0; i < range_count_; ++i)
            if (ranges_[i].high - ranges_[i].low >= count * frame_bytes) {
                free_ -= count;
                ranges_[i].low += count * frame_bytes;
                return ranges_[i].low - count * frame_bytes;
            }
        return no_frame;
    }

    // A page that will need a frame in every stop.
    bool reserve_one() {
        if (free_ <= reserved_)
            return false;
        ++reserved_;
        return true;
    }
    uint32_t take_reserved() {
        check(reserved_ > 0 && free_ >= reserved_, "frame pool: no reserve");
        --reserved_;
        return take_any();
    }
    void give_back_reserved(uint32_t frame) {
        add(frame);
        ++reserved_;
    }

    uint32_t free() const { return free_; }
    uint32_t reserved() const { return reserved_; }

private:
    struct Range {
        uint32_t low, high;
    };

    uint32_t take_any() {
        --free_;
        if (listed_ > 0)
            return frames_[--listed_];
        while (ranges_[range_count_ - 1].low == ranges_[range_count_ - 1].high)
            --range_count_;
        return ranges_[range_count_ - 1].high -= frame_bytes;
    }

    uint32_t* frames_ = nullptr;    // used as a stack
    Range ranges_[ranges_max] = {}; // of those that are not in the stack
    uint32_t capacity_ = 0, listed_ = 0, range_count_ = 0;
    uint32_t free_ = 0, reserved_ = 0;
};

} // namespace pager
