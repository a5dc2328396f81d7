// The exact short cut of memory accesses.
//
// An access whose line is the most recently used of its L1 set and whose page is the most recently used of
// its TLB set changes no replacement state and costs no stall; a write also needs the line and the page-table
// entry already dirty. Exactly such accesses have a valid entry here, so one compare decides translation,
// permission and timing. One entry per L1 set (per line of a page, if there are more sets than lines in a
// page), separately for user and supervisor accesses. An entry goes when its line (drop) or its page
// (drop_tlb_set) stops being the most recently used, and with every change of address space or mode
// (drop_all). Dropping more than necessary costs host time only.
//
// An access is looked up by its first byte and compared by its last one: neighbouring lines must have different
// entries, so there are two even for a cache of one set, which are then dropped together.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace fixpoint::models {

class FastPath {
public:
    static constexpr uint32_t invalid = 1; // no line address is odd

    struct Entry {
        uint32_t read_tag = invalid;  // linear address of the line
        uint32_t write_tag = invalid; // likewise, if writes may take the short cut
        uintptr_t target = 0;         // data: host address minus linear address; fetch: physical line address
    };

    FastPath(uint32_t cache_sets, uint32_t line_bytes, uint32_t tlb_sets)
        : entries_{std::max(2u, std::min(cache_sets, page_bytes / line_bytes))},
          line_shift_{static_cast<uint32_t>(std::countr_zero(line_bytes))}, one_set_{cache_sets == 1},
          words_per_set_{(entries_ + 63) / 64}, tables_{std::vector<Entry>(entries_),
                                                        std::vector<Entry>(entries_)},
          used_(size_t{tlb_sets} * words_per_set_, 0) {}

    [[nodiscard]] Entry* table(bool user) { return tables_[user ? 1 : 0].data(); }
    [[nodiscard]] uint32_t index_mask() const { return entries_ - 1; }
    [[nodiscard]] uint32_t index_of(uint32_t address) const {
        return (address >> line_shift_) & (entries_ - 1);
    }

    void fill(bool user, uint32_t linear, bool writable, uintptr_t target, uint32_t tlb_set) {
        if (!enabled_)
            return;
        const uint32_t index = index_of(linear), line = linear >> line_shift_ << line_shift_;
        tables_[user ? 1 : 0][index] = {line, writable ? line : invalid, target};
        used_[size_t{tlb_set} * words_per_set_ + index / 64] |= uint64_t{1} << (index % 64);
    }
    void drop(uint32_t address) {
        drop_entry(index_of(address));
        if (one_set_)
            drop_entry(index_of(address) ^ 1);
    }
    void drop_entry(uint32_t index) {
        tables_[0][index].read_tag = tables_[0][index].write_tag = invalid;
        tables_[1][index].read_tag = tables_[1][index].write_tag = invalid;
    }
    void drop_tlb_set(uint32_t tlb_set) {
        for (uint32_t word = 0; word < words_per_set_; ++word) {
            uint64_t& bits = used_[size_t{tlb_set} * words_per_set_ + word];
            for (; bits != 0; bits &= bits - 1)
                drop_entry(word * 64 + static_cast<uint32_t>(std::countr_zero(bits)));
        }
    }
    void drop_all() {
        for (auto& table : tables_)
            std::fill(table.begin(), table.end(), Entry{});
        std::fill(used_.begin(), used_.end(), 0);
    }
    void enable(bool enabled) {
        enabled_ = enabled;
        drop_all();
    }

private:
    static constexpr uint32_t page_bytes = 4096;

    uint32_t entries_, line_shift_;
    bool one_set_;
    uint32_t words_per_set_;
    bool enabled_ = true;
    std::vector<Entry> tables_[2];
    std::vector<uint64_t> used_; // per TLB set: entries that may depend on it
};

} // namespace fixpoint::models
