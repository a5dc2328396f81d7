// The free frames: memory that holds no page and no saved content.
//
// Every TCB page keeps one free frame in reserve for its copy in the next stop: a stop can never run out of
// frames (I5).
#pragma once

#include <cstdint>

#include "pager/checkpoint/assertion.hpp"

namespace pager {

inline constexpr uint32_t no_frame = 0; // physical page 0 is never the server's

class FramePool {
public:
    // `storage` holds `capacity` frame addresses and stays the pool's.
    void initialise(uint32_t* storage, uint32_t capacity) {
        frames_ = storage;
        capacity_ = capacity;
        free_ = reserved_ = 0;
    }
    void add(uint32_t frame) {
        check(free_ < capacity_, "frame pool: a frame was freed twice");
        frames_[free_++] = frame;
    }
    // For new pages and copies on write; no_frame: none but the reserve is left.
    uint32_t take() { return free_ > reserved_ ? frames_[--free_] : no_frame; }

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
        return frames_[--free_];
    }
    void give_back_reserved(uint32_t frame) {
        add(frame);
        ++reserved_;
    }

    uint32_t free() const { return free_; }
    uint32_t reserved() const { return reserved_; }

private:
    uint32_t* frames_ = nullptr; // used as a stack
    uint32_t capacity_ = 0, free_ = 0, reserved_ = 0;
};

} // namespace pager
