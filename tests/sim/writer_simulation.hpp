// A writer and its checkpoints in a few lines, to hold the cost models against: pages are drawn for each write, the drain saves the
// dirty ones one by one at a constant rate. No processor, no pager.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <span>
#include <vector>

namespace fixpoint::sim {

enum class SavingOrder { random, hottest_first, coldest_first };

class WriterSimulation {
public:
    struct Counts {
        uint32_t dirty = 0, copied = 0;
    };

    // `shares`: of all writes, the hottest page first.
    WriterSimulation(std::span<const double> shares, SavingOrder order, uint32_t seed)
        : page_of_write_(shares.begin(), shares.end()), pages_(shares.size()), order_(order), random_(seed) {}

    // An interval of so many writes, then a drain of so many.
    Counts checkpoint(unsigned writes, unsigned writes_in_drain) {
        std::vector<bool> is_dirty(pages_), is_copied(pages_);
        for (unsigned i = 0; i < writes; ++i)
            is_dirty[page_of_write_(random_)] = true;
        std::vector<size_t> frozen;
        for (size_t page = 0; page < pages_; ++page)
            if (is_dirty[page])
                frozen.push_back(page); // the hottest first
        if (order_ == SavingOrder::coldest_first)
            std::reverse(frozen.begin(), frozen.end());
        if (order_ == SavingOrder::random)
            std::shuffle(frozen.begin(), frozen.end(), random_);
        std::vector<double> saved_after(pages_); // as a share of the drain
        for (size_t i = 0; i < frozen.size(); ++i)
            saved_after[frozen[i]] = (static_cast<double>(i) + 0.5) / static_cast<double>(frozen.size());
        for (unsigned i = 0; i < writes_in_drain; ++i) {
            const size_t page = page_of_write_(random_);
            if (i + 0.5 < saved_after[page] * writes_in_drain)
                is_copied[page] = true;
        }
        return {static_cast<uint32_t>(frozen.size()),
                static_cast<uint32_t>(std::count(is_copied.begin(), is_copied.end(), true))};
    }

private:
    std::discrete_distribution<size_t> page_of_write_;
    size_t pages_;
    SavingOrder order_;
    std::mt19937 random_;
};

} // namespace fixpoint::sim
