// (task, page address) -> slot, in constant time: a hash table with open addressing, at most half full.
//
// It has room for as many pages as the disk has slots, most of which are not there at a start: pieces of it are cleared
// when something comes into them.
#pragma once

#include <cstdint>

#include "pager/checkpoint/assertion.hpp"
#include "pager/store/store.hpp"

namespace pager {

class PageIndex {
public:
    // Words of a table for this many pages.
    static constexpr uint32_t words_for(uint32_t pages) {
        return places_for(pages) + words_of_bits(places_for(pages) / piece_places);
    }
    // Of them the table itself: a power of two.
    static constexpr uint32_t places_for(uint32_t pages) {
        uint32_t places = 64;
        while (places < 2 * pages)
            places *= 2;
        return places;
    }
    // `storage` holds words_for(pages) words, whatever they are now, and stays the index's.
    void initialise(uint32_t* storage, uint32_t pages, const store::Store& store) {
        const uint32_t places = places_for(pages);
        slots_ = storage;
        cleared_ = storage + places;
        mask_ = places - 1;
        count_ = 0;
        store_ = &store;
        for (uint32_t i = 0; i < words_of_bits(places / piece_places); ++i)
            cleared_[i] = 0;
    }
    uint32_t count() const { return count_; }
    uint32_t find(store::PageKey key) const {
        for (uint32_t place = home(key);; place = (place + 1) & mask_) {
            const uint32_t slot = slot_at(place);
            if (slot == store::no_slot || store_->entry(slot).key() == key)
                return slot;
        }
    }
    void insert(store::PageKey key, uint32_t slot) {
        check(2 * ++count_ <= mask_ + 1, "page index: more pages than slots");
        uint32_t place = home(key);
        while (slot_at(place) != store::no_slot)
            place = (place + 1) & mask_;
        clear_piece_of(place);
        slots_[place] = slot;
    }
    // Pages that were displaced past the place move up (Knuth, The Art of Computer Programming 3, 6.4, algorithm R): no
    // marks of dead entries stay behind, so searches do not get longer with time.
    void erase(store::PageKey key) {
        uint32_t hole = home(key);
        while (slot_at(hole) == store::no_slot || store_->entry(slots_[hole]).key() != key) {
            check(slot_at(hole) != store::no_slot, "page index: no such page");
            hole = (hole + 1) & mask_;
        }
        for (uint32_t place = (hole + 1) & mask_; slot_at(place) != store::no_slot;
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
    static constexpr uint32_t group_pages = 8, piece_places = 16, bits_per_word = 32;

    static constexpr uint32_t words_of_bits(uint32_t bits) {
        return (bits + bits_per_word - 1) / bits_per_word;
    }
    bool is_cleared(uint32_t piece) const {
        return (cleared_[piece / bits_per_word] >> piece % bits_per_word & 1) != 0;
    }
    uint32_t slot_at(uint32_t place) const {
        return is_cleared(place / piece_places) ? slots_[place] : store::no_slot;
    }
    void clear_piece_of(uint32_t place) {
        const uint32_t piece = place / piece_places;
        if (is_cleared(piece))
            return;
        for (uint32_t i = 0; i < piece_places; ++i)
            slots_[piece * piece_places + i] = store::no_slot;
        cleared_[piece / bits_per_word] |= 1u << piece % bits_per_word;
    }
    // Fibonacci hashing of groups of neighbours, which are often looked for together: a group is a line of the cache.
    uint32_t home(store::PageKey key) const {
        return ((key / group_pages * 0x9E3779B1u >> 7) * group_pages + key % group_pages) & mask_;
    }

    uint32_t* slots_ = nullptr;
    uint32_t* cleared_ = nullptr; // a bit a piece
    uint32_t mask_ = 0, count_ = 0;
    const store::Store* store_ = nullptr;
};

} // namespace pager
