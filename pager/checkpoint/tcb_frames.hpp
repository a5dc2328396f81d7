// The frames of TCB pages.
//
// Most threads sleep most of the time, so in most stops few of the TCB pages were written to; but which, the stop must ask
// for all of them. So their frames lie in *groups* of up to 32 adjacent ones, of which the kernel tells in one call.
//
// Each TCB page owns a second frame for its copy: a stop can never run out of frames (I5), and what never changes in a TCB
// page needs to be copied only once.
#pragma once

#include <cstdint>

#include "pager/checkpoint/assertion.hpp"
#include "pager/checkpoint/frame_pool.hpp"

namespace pager {

struct TcbPage {
    uint32_t slot, copy; // copy: a frame
};

// Pages first to first + used - 1 in the order of their frames.
struct TcbGroup {
    uint32_t base, log2_frames; // of the frames
    uint32_t first, used;
    uint32_t must_copy;    // a bit a page: by the next stop, whatever the kernel says
    uint32_t never_copied; // a bit a page: its copy's frame holds anything

    uint32_t capacity() const { return 1u << log2_frames; }
    uint32_t used_bits() const { return static_cast<uint32_t>((uint64_t{1} << used) - 1); }
};

class TcbFrames {
public:
    static constexpr uint32_t log2_frames_max = 5; // of a group: what the kernel has a bit each for

    static constexpr uint32_t memory_bytes(uint32_t pages) {
        return pages * static_cast<uint32_t>(sizeof(TcbPage) + sizeof(TcbGroup));
    }
    // `memory` stays this object's.
    void initialise(void* memory, uint32_t pages_max) {
        pages_ = static_cast<TcbPage*>(memory);
        groups_ = reinterpret_cast<TcbGroup*>(pages_ + pages_max);
        pages_max_ = pages_max;
        page_count_ = group_count_ = 0;
    }

    // Is there a frame for another page? If not, `group_size_for(free frames)` of the pool's are needed first.
    bool has_frame() const {
        return group_count_ > 0 && groups_[group_count_ - 1].used < groups_[group_count_ - 1].capacity();
    }
    // How many frames to take at once: large groups only where frames are plenty.
    static uint32_t log2_frames_for(uint32_t free_frames) {
        constexpr uint32_t share = 64;
        uint32_t log2_frames = 0;
        while (log2_frames < log2_frames_max && free_frames >= share << (log2_frames + 1))
            ++log2_frames;
        return log2_frames;
    }
    void add_group(uint32_t base, uint32_t log2_frames) {
        check(group_count_ < pages_max_ && !has_frame(), "TCB frames: a group too many");
        groups_[group_count_++] = {base, log2_frames, page_count_, 0, 0, 0};
    }
    // The page's frame; has_frame() holds.
    uint32_t add_page(uint32_t slot, uint32_t copy, bool must_copy) {
        check(has_frame() && page_count_ < pages_max_, "TCB frames: no group");
        TcbGroup& group = groups_[group_count_ - 1];
        const uint32_t bit = 1u << group.used;
        group.must_copy |= must_copy ? bit : 0;
        group.never_copied |= bit;
        pages_[page_count_++] = {slot, copy};
        return group.base + group.used++ * store::block_bytes;
    }

    uint32_t page_count() const { return page_count_; }
    uint32_t group_count() const { return group_count_; }
    // All that were taken from the pool, for pages that are there or may come and for copies.
    uint32_t frame_count() const {
        uint32_t count = page_count_;
        for (uint32_t i = 0; i < group_count_; ++i)
            count += groups_[i].capacity();
        return count;
    }
    const TcbPage& page(uint32_t i) const { return pages_[i]; }
    TcbGroup& group(uint32_t i) { return groups_[i]; }

private:
    TcbPage* pages_ = nullptr;
    TcbGroup* groups_ = nullptr;
    uint32_t pages_max_ = 0, page_count_ = 0, group_count_ = 0;
};

} // namespace pager
