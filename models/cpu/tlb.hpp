// One translation look-aside buffer, non-coherent, true LRU in every set (the most recently used way first).
#pragma once

#include "models/cpu/cpu_parameters.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace fixpoint::models {

class Tlb {
public:
    struct Entry {
        static constexpr uint32_t user = 1, writable = 2, dirty = 4, global = 8; // bits of rights()

        uint32_t page = invalid_page; // linear address of the page
        uint32_t target = 0;          // its frame, with the rights in the low bits

        [[nodiscard]] bool holds_page() const { return page != invalid_page; }
        [[nodiscard]] uint32_t frame() const { return target & ~0xFFFu; }
        [[nodiscard]] uint32_t rights() const { return target & 0xFFFu; }

        bool operator==(const Entry&) const = default;
    };

    Tlb(const TlbParameters& parameters, unsigned page_shift)
        : ways_{parameters.ways}, page_shift_{page_shift} {
        if (ways_ == 0 || ways_ > 64 || parameters.entries % ways_ != 0 ||
            !std::has_single_bit(parameters.entries / ways_))
            throw std::invalid_argument("TLB geometry: the number of sets must be a power of two");
        sets_ = parameters.entries / ways_;
        entries_.assign(parameters.entries, Entry{});
    }

    // The size of the large pages changes with the paging mode. Empty the TLB with it.
    void set_page_shift(unsigned page_shift) { page_shift_ = page_shift; }

    [[nodiscard]] uint32_t sets() const { return sets_; }
    [[nodiscard]] uint32_t set_of(uint32_t linear) const { return (linear >> page_shift_) & (sets_ - 1); }

    // The entry, now the most recently used of its set, or nullptr. `order_changed`: another one was.
    [[gnu::always_inline]] Entry* lookup(uint32_t linear, bool& order_changed) {
        const uint32_t page = page_of(linear);
        Entry* set = &entries_[size_t{set_of(linear)} * ways_];
        order_changed = false;
        if (set->page == page)
            return set;
        for (uint32_t way = 1; way < ways_; ++way)
            if (set[way].page == page) {
                const Entry found = set[way];
                for (uint32_t i = way; i > 0; --i)
                    set[i] = set[i - 1];
                *set = found;
                order_changed = true;
                return set;
            }
        return nullptr;
    }
    // Replaces the page's own entry if there is one, else an empty one, else the least recently used.
    void insert(uint32_t linear, Entry entry) {
        entry.page = page_of(linear);
        Entry* set = &entries_[size_t{set_of(linear)} * ways_];
        uint32_t way = ways_ - 1;
        for (uint32_t other = ways_; other-- > 0;)
            if (set[other].page == invalid_page)
                way = other;
        for (uint32_t other = 0; other < ways_; ++other)
            if (set[other].page == entry.page)
                way = other;
        std::rotate(set, set + way, set + way + 1);
        set[0] = entry;
    }
    // True if there was one.
    bool invalidate_page(uint32_t linear) {
        const uint32_t page = page_of(linear);
        Entry* set = &entries_[size_t{set_of(linear)} * ways_];
        bool found = false;
        for (uint32_t way = 0; way < ways_; ++way)
            if (set[way].page == page) {
                set[way] = Entry{};
                found = true;
            }
        return found;
    }
    void invalidate_all(bool keep_global) {
        for (Entry& entry : entries_)
            if (!keep_global || (entry.target & Entry::global) == 0)
                entry = Entry{};
    }
    [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

private:
    static constexpr uint32_t invalid_page = 1;

    [[nodiscard]] uint32_t page_of(uint32_t linear) const { return (linear >> page_shift_) << page_shift_; }

    uint32_t ways_, page_shift_, sets_ = 0;
    std::vector<Entry> entries_;
};

} // namespace fixpoint::models
