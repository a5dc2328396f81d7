// The free frames: memory that holds no page and no saved content.
#pragma once

#include <cstdint>

#include "pager/checkpoint/assertion.hpp"
#include "pager/store/format.hpp"

namespace pager {

inline constexpr uint32_t no_frame = 0; // physical page 0 is never the server's

class FramePool {
public:
    // `storage` holds `capacity` frame addresses and stays the pool's.
    void initialise(uint32_t* storage, uint32_t capacity) {
        frames_ = storage;
        capacity_ = capacity;
        free_ = 0;
    }
    void add(uint32_t frame) {
        check(free_ < capacity_, "frame pool: a frame was freed twice");
        frames_[free_++] = frame;
    }
    // no_frame: none is left.
    uint32_t take() { return free_ > 0 ? frames_[--free_] : no_frame; }

    // 2^log2_frames adjacent frames, aligned to their size: the first of them. no_frame: there are none among those that
    // would be taken next. (Frames are added in the order of their addresses, and mixed only by use.)
    uint32_t take_group(uint32_t log2_frames) {
        const uint32_t count = 1u << log2_frames;
        for (uint32_t skipped = 0; skipped < count && skipped + count <= free_; ++skipped) {
            const uint32_t top = free_ - 1 - skipped;
            if (!is_group(top, count))
                continue;
            const uint32_t first = frames_[top];
            for (uint32_t i = top + 1; i < free_; ++i)
                frames_[i - count] = frames_[i];
            free_ -= count;
            return first;
        }
        return no_frame;
    }

    uint32_t free() const { return free_; }

private:
    static constexpr uint32_t frame_bytes = store::block_bytes;

    // Ascending from frames_[top] downwards, as take() would give them.
    bool is_group(uint32_t top, uint32_t count) const {
        if (frames_[top] % (count * frame_bytes) != 0)
            return false;
        for (uint32_t i = 1; i < count; ++i)
            if (frames_[top - i] != frames_[top] + i * frame_bytes)
                return false;
        return true;
    }

    uint32_t* frames_ = nullptr; // used as a stack
    uint32_t capacity_ = 0, free_ = 0;
};

} // namespace pager
