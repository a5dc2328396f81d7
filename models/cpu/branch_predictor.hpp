// The branch target buffer: conditional branches by local history with a two-bit counter per pattern (the
// two-level scheme of the P6; Yeh and Patt 1991), indirect branches by their last target. Entries are not
// tagged, so branches that share an entry disturb each other. Returns are taken as always predicted (the
// return stack buffer).
#pragma once

#include <bit>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace fixpoint::models {

class BranchPredictor {
public:
    BranchPredictor(uint32_t entries, uint32_t history_bits)
        : mask_{entries - 1}, history_bits_{history_bits}, pattern_mask_{(1u << history_bits) - 1},
          history_(entries, 0), counters_(size_t{entries} << history_bits, 1), targets_(entries, 0) {
        if (!std::has_single_bit(entries) || history_bits > 8)
            throw std::invalid_argument(
                "branch predictor: entries must be a power of two, history at most 8 bits");
    }

    // Both return whether the prediction was right, and learn.
    bool conditional(uint32_t address, bool taken) {
        const uint32_t entry = address & mask_;
        uint8_t& history = history_[entry];
        uint8_t& counter = counters_[(size_t{entry} << history_bits_) | history];
        const bool right = (counter >= 2) == taken;
        counter = next_counter[taken ? 1 : 0][counter];
        history = static_cast<uint8_t>((uint32_t{history} << 1 | (taken ? 1u : 0u)) & pattern_mask_);
        return right;
    }
    bool indirect(uint32_t address, uint32_t target) {
        uint32_t& last = targets_[address & mask_];
        const bool right = last == target;
        last = target;
        return right;
    }
    void reset() {
        history_.assign(history_.size(), 0);
        counters_.assign(counters_.size(), 1);
        targets_.assign(targets_.size(), 0);
    }
    template<class Visitor>
    void visit_state(Visitor&& visit) const {
        for (const uint8_t value : history_)
            visit(uint32_t{value});
        for (const uint8_t value : counters_)
            visit(uint32_t{value});
        for (const uint32_t value : targets_)
            visit(value);
    }

private:
    static constexpr uint8_t next_counter[2][4] = {{0, 0, 1, 2}, {1, 2, 3, 3}}; // saturating

    uint32_t mask_, history_bits_, pattern_mask_;
    std::vector<uint8_t> history_, counters_;
    std::vector<uint32_t> targets_;
};

} // namespace fixpoint::models
