// sigma0's table of frames: who was given which page of physical memory. A page is given to one task only;
// asking again for one's own page gives it again.
#pragma once

#include <cstdint>

#include "kernel-model/abi/types.hpp"

namespace pager {

class FrameOwners {
public:
    static constexpr uint32_t addressable_bytes = 0x40000000u; // what the protocol can name
    static constexpr uint32_t frame_count = addressable_bytes / l4::page_size, frames_per_superpage = 1024;
    static constexpr uint32_t none = 0xFFFFFFFFu;

    // Of every page in [low, high): never given away.
    void withhold(uint32_t low, uint32_t high) { mark(low, high, withheld); }
    // Given by address only, not as "any page".
    void keep_for_address(uint32_t low, uint32_t high) { mark(low, high, by_address_only); }

    // The pages that "any page" may give: [low, high), from the top downwards.
    void set_anywhere_range(uint32_t low, uint32_t high) {
        anywhere_low_ = (low + l4::page_size - 1) / l4::page_size;
        anywhere_next_ = high < addressable_bytes ? high / l4::page_size : frame_count;
    }

    bool take(uint32_t address, unsigned task) {
        uint8_t& state = state_[address / l4::page_size];
        if (!can_have(state, task))
            return false;
        state = owned_by(task);
        return true;
    }

    // All of the 4 MB or nothing. What is kept for page addresses (boot modules, servers) is not part of a
    // superpage.
    bool take_superpage(uint32_t address, unsigned task) {
        uint8_t* const first = &state_[address / l4::page_size & ~(frames_per_superpage - 1)];
        uint64_t eight; // most are all free
        for (uint32_t i = 0; i < frames_per_superpage; i += sizeof eight) {
            __builtin_memcpy(&eight, first + i, sizeof eight);
            for (uint32_t j = i; eight != 0 && j < i + sizeof eight; ++j)
                if (first[j] != free && first[j] != owned_by(task))
                    return false;
        }
        __builtin_memset(first, owned_by(task), frames_per_superpage);
        return true;
    }

    // Address of the page, or none.
    uint32_t take_any(unsigned task) {
        while (anywhere_next_ > anywhere_low_) {
            const uint32_t frame = --anywhere_next_;
            if (state_[frame] == free) {
                state_[frame] = owned_by(task);
                return frame * l4::page_size;
            }
        }
        return none;
    }

private:
    // A state is one of these or an owner's task number; no task has these numbers (0 is the kernel's, see
    // owned_by).
    static constexpr uint8_t free = 0, by_address_only = 253, withheld = 254, kernels = 255;

    static constexpr uint8_t owned_by(unsigned task) {
        return task == 0 ? kernels : static_cast<uint8_t>(task);
    }
    static bool can_have(uint8_t state, unsigned task) {
        return state == free || state == by_address_only || state == owned_by(task);
    }
    void mark(uint32_t low, uint32_t high, uint8_t state) {
        const uint32_t last = high > addressable_bytes ? addressable_bytes : high;
        for (uint32_t address = low & ~(l4::page_size - 1); address < last; address += l4::page_size)
            state_[address / l4::page_size] = state;
    }

    uint8_t state_[frame_count] = {};
    uint32_t anywhere_low_ = 0, anywhere_next_ = 0;
};

} // namespace pager
