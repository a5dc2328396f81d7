// The a/b store (Skoglund, Ceelen, Liedtke 2000): two blocks a slot, a and b. The directory of the newest checkpoint
// says which of the two is valid, the next checkpoint writes the other (I4). A page that is written again and again
// alternates between two neighbours of fixed places: nothing is ever moved, and a page's slot is all the space that
// it can need (I5).
#pragma once

#include "pager/store/store.hpp"

namespace store {

class AbStore final : public Store {
public:
    AbStore() : Store{StoreKind::ab} {}

    uint32_t block_a(uint32_t slot) const { return slot; }
    uint32_t block_b(uint32_t slot) const { return slots() + slot; }

    uint32_t slot_of(uint32_t block) const override {
        const uint32_t slot = block % slots();
        return entry(slot).has_block() && entry(slot).block == block ? slot : no_slot;
    }
    bool reserve(uint32_t) override { return true; }
    void release(uint32_t) override {}
    bool can_reserve() const override { return true; }
    bool can_begin() const override { return true; }

    uint32_t target_sector(uint32_t slot) const override { return geometry().block_sector(target(slot)); }
    uint32_t batch_length(const uint32_t* slots, uint32_t count) const override {
        uint32_t length = 1;
        while (length < count && length < transfer_segments_max &&
               target(slots[length]) == target(slots[0]) + length)
            ++length;
        return length;
    }

private:
    // A page that was never written starts with a.
    uint32_t target(uint32_t slot) const {
        const DirectoryEntry& current = entry(slot);
        if (current.is_pending())
            return current.block;
        return current.is_used() && current.block == block_a(slot) ? block_b(slot) : block_a(slot);
    }
    uint32_t place(const PageWrite& page) override { return target(page.slot); }
};

} // namespace store
