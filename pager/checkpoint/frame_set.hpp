// A set of frames that gives them back in ascending order, adjacent ones together.
//
// A bit a frame, and above them a bit for each word that has any: what is not in the set costs next to nothing, whatever
// memory there is.
#pragma once

#include <cstdint>

#include "pager/checkpoint/assertion.hpp"
#include "pager/checkpoint/frame_pool.hpp"

namespace pager {

class FrameSet {
public:
    static constexpr uint32_t memory_bytes(uint32_t memory_end) {
        return 4 * (words_for(memory_end) + summary_words_for(memory_end));
    }
    // Of frames below that address; empty. `memory` stays the set's.
    void initialise(void* memory, uint32_t memory_end) {
        words_ = static_cast<uint32_t*>(memory);
        summary_ = words_ + words_for(memory_end);
        summary_words_ = summary_words_for(memory_end);
        __builtin_memset(memory, 0, memory_bytes(memory_end));
    }

    void insert(uint32_t frame) {
        const uint32_t number = frame / FramePool::frame_bytes, word = number / 32;
        check(word / 32 < summary_words_, "frame set: a frame beyond memory");
        words_[word] |= 1u << number % 32;
        summary_[word / 32] |= 1u << word % 32;
    }

    // Takes all out: visit(first frame, count) for each run of adjacent ones.
    template<class Visit>
    void take_runs(Visit visit) {
        uint32_t first = 0, count = 0; // the run so far; numbers
        for (uint32_t i = 0; i < summary_words_; ++i) {
            for (uint32_t left = summary_[i]; left != 0; left &= left - 1) {
                const uint32_t word = i * 32 + lowest(left);
                uint32_t bits = words_[word];
                words_[word] = 0;
                while (bits != 0) {
                    const uint32_t low = lowest(bits), number = word * 32 + low;
                    const uint32_t zeros_behind = ~(bits >> low);
                    const uint32_t length = zeros_behind == 0 ? 32 : lowest(zeros_behind);
                    bits &= length == 32 ? 0 : ~(((1u << length) - 1) << low);
                    if (number != first + count) {
                        if (count != 0)
                            visit(first * FramePool::frame_bytes, count);
                        first = number;
                        count = 0;
                    }
                    count += length;
                }
            }
            summary_[i] = 0;
        }
        if (count != 0)
            visit(first * FramePool::frame_bytes, count);
    }

private:
    static constexpr uint32_t summary_words_for(uint32_t memory_end) {
        return memory_end / FramePool::frame_bytes / 1024 + 1;
    }
    static constexpr uint32_t words_for(uint32_t memory_end) { return 32 * summary_words_for(memory_end); }
    static uint32_t lowest(uint32_t bits) { return static_cast<uint32_t>(__builtin_ctz(bits)); }

    uint32_t* words_ = nullptr;
    uint32_t* summary_ = nullptr;
    uint32_t summary_words_ = 0;
};

} // namespace pager
