// One cache: tags and dirty bits, true LRU. Content is always in main memory; the cache decides time only.
//
// The ways of a set are kept in order of use, the most recent first, so the replacement state is the order
// itself.
#pragma once

#include "models/cpu/cpu_parameters.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace fixpoint::models {

class Cache {
public:
    explicit Cache(const CacheParameters& parameters)
        : ways_{parameters.ways}, line_shift_{static_cast<uint32_t>(std::countr_zero(parameters.line_bytes))},
          latency_{parameters.latency_cycles} {
        if (!std::has_single_bit(parameters.line_bytes) || parameters.line_bytes < 16 || ways_ == 0 ||
            ways_ > 16 || !std::has_single_bit(parameters.size_bytes / (ways_ * parameters.line_bytes)) ||
            parameters.size_bytes % (ways_ * parameters.line_bytes) != 0)
            throw std::invalid_argument("cache geometry: line size and number of sets must be powers of two");
        sets_ = parameters.size_bytes / (ways_ * parameters.line_bytes);
        lines_.assign(size_t{sets_} * ways_, 0);
    }

    // Accesses the line at `address` if it is there. False: it is not, nothing has changed; see bring_in().
    [[gnu::always_inline]] bool touch(uint32_t address, bool write, bool& order_changed, bool& became_dirty) {
        const uint32_t line = address >> line_shift_ << line_shift_;
        uint32_t* set = set_of(address);
        for (uint32_t way = 0; way < ways_; ++way)
            if ((set[way] & ~dirty_bit) == (line | valid_bit)) {
                uint32_t entry = set[way];
                became_dirty = write && (entry & dirty_bit) == 0;
                order_changed = way != 0;
                if (became_dirty)
                    entry |= dirty_bit;
                for (uint32_t i = way; i > 0; --i)
                    set[i] = set[i - 1];
                set[0] = entry;
                return true;
            }
        return false;
    }
    // Brings in a line that is not there, as the most recently used. The address of a dirty line that had to go, plus
    // 1; 0: none.
    [[gnu::noinline]] uint32_t bring_in(uint32_t address, bool write) {
        uint32_t* set = set_of(address);
        // An empty way if there is one, else the least recently used.
        uint32_t way = 0;
        while (way < ways_ - 1 && set[way] != 0)
            ++way;
        const uint32_t victim = set[way];
        for (; way > 0; --way)
            set[way] = set[way - 1];
        set[0] = (address >> line_shift_ << line_shift_) | valid_bit | (write ? dirty_bit : 0);
        return (victim & dirty_bit) != 0 ? (victim & ~(valid_bit | dirty_bit)) + 1 : 0;
    }
    // Drops the line; what was dirty is lost (its content is in memory).
    void invalidate(uint32_t address) {
        if (uint32_t* entry = find(address))
            *entry = 0;
    }
    // True if the line was dirty; it is clean now.
    bool clean(uint32_t address) {
        uint32_t* entry = find(address);
        if (entry == nullptr || (*entry & dirty_bit) == 0)
            return false;
        *entry &= ~dirty_bit;
        return true;
    }
    void invalidate_all() { std::fill(lines_.begin(), lines_.end(), 0); }

    [[nodiscard]] uint32_t latency() const { return latency_; }
    [[nodiscard]] uint32_t sets() const { return sets_; }
    [[nodiscard]] uint32_t line_bytes() const { return 1u << line_shift_; }
    [[nodiscard]] const std::vector<uint32_t>& lines() const { return lines_; }

private:
    static constexpr uint32_t valid_bit = 1, dirty_bit = 2;

    [[nodiscard]] uint32_t* set_of(uint32_t address) {
        return &lines_[size_t{(address >> line_shift_) & (sets_ - 1)} * ways_];
    }
    uint32_t* find(uint32_t address) {
        const uint32_t line = (address >> line_shift_) << line_shift_;
        uint32_t* set = set_of(address);
        for (uint32_t way = 0; way < ways_; ++way)
            if ((set[way] & ~dirty_bit) == (line | valid_bit))
                return &set[way];
        return nullptr;
    }

    uint32_t ways_, line_shift_, latency_, sets_ = 0;
    std::vector<uint32_t> lines_; // line address, valid and dirty bit; per set the most recently used first
};

} // namespace fixpoint::models
