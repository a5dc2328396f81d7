// The slots that a checkpoint writes, as many as the blocks of recent entries have room for: TCB pages and others apart,
// so that neither crowds out the other.
#pragma once

#include <cstdint>

#include "pager/store/format.hpp"

namespace store {

class RecentSlots {
public:
    void clear() {
        tcbs_ = others_ = 0;
        ended_ = false;
    }
    // The first one after end() begins anew.
    void note(uint32_t slot, bool tcb) {
        if (ended_)
            clear();
        uint32_t& count = tcb ? tcbs_ : others_;
        if (count < RecentBlock::capacity)
            slots_[tcb ? 0 : 1][count++] = slot;
    }
    void end() { ended_ = true; }

    // TCB pages come first.
    uint32_t count() const { return tcbs_ + others_; }
    uint32_t tcb_count() const { return tcbs_; }
    bool is_tcb(uint32_t i) const { return i < tcbs_; }
    uint32_t slot(uint32_t i) const { return is_tcb(i) ? slots_[0][i] : slots_[1][i - tcbs_]; }

private:
    uint32_t slots_[recent_blocks][RecentBlock::capacity] = {};
    uint32_t tcbs_ = 0, others_ = 0;
    bool ended_ = false;
};

} // namespace store
