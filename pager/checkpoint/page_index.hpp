// (task, page address) -> slot, in constant time: a hash table with open addressing, at most half full.
#pragma once

#include <cstdint>

#include "pager/checkpoint/assertion.hpp"
#include "pager/store/store.hpp"

namespace pager {

class PageIndex {
public:
    // Places of a table for this many pages: a power of two.
    static constexpr uint32_t places_for(uint32_t pages) {
        uint32_t places = 64;
        while (places < 2 * pages)
            places *= 2;
        return places;
    }
    // `storage` holds `places` words and stays the index's.
    void initialise(uint32_t* storage, uint32_t places, const store::Store& store) {
        slots_ = storage;
        mask_ = places - 1;
        store_ = &store;
        for (uint32_t i = 0; i < places; ++i)
            slots_[i] = store::no_slot;
    }
    uint32_t find(store::PageKey key) const {
        for (uint32_t place = home(key);; place = (place + 1) & mask_) {
            const uint32_t slot = slots_[place];
            if (slot == store::no_slot || store_->entry(slot).key() == key)
                return slot;
        }
    }
    void insert(store::PageKey key, uint32_t slot) {
        check(2 * ++count_ <= mask_ + 1, "page index: more pages than slots");
        uint32_t place = home(key);
        while (slots_[place] != store::no_slot)
            place = (place + 1) & mask_;
        slots_[place] = slot;
    }
    // Pages that were displaced past the place move up (Knuth, The Art of Computer Programming 3, 6.4, algorithm R): no
    // marks of dead entries stay behind, so searches do not get longer with time.
    void erase(store::PageKey key) {
        uint32_t hole = home(key);
        while (slots_[hole] == store::no_slot || store_->entry(slots_[hole]).key() != key) {
            check(slots_[hole] != store::no_slot, "page index: no such page");
            hole = (hole + 1) & mask_;
        }
        for (uint32_t place = (hole + 1) & mask_; slots_[place] != store::no_slot;
             place = (place + 1) & mask_) {
            const uint32_t displaced = (place - home(store_->entry(slots_[place]).key())) & mask_;
            if (displaced < ((place - hole) & mask_))
                continue; // its home lies behind the hole
            slots_[hole] = slots_[place];
            hole = place;
        }
        slots_[hole] = store::no_slot;
        --count_;
    }

private:
    // Fibonacci hashing: neighbours in one address space spread over the table.
    uint32_t home(store::PageKey key) const { return (key * 0x9E3779B1u >> 4) & mask_; }

    uint32_t* slots_ = nullptr;
    uint32_t mask_ = 0, count_ = 0;
    const store::Store* store_ = nullptr;
};

} // namespace pager
