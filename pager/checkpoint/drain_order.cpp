// The order in which the drain writes.
#include "pager/checkpoint/checkpoint.hpp"

namespace pager {

bool Checkpoint::comes_before(uint32_t slot, uint32_t other) const {
    const uint32_t streak = pages_.page(slot).streak, other_streak = pages_.page(other).streak;
    if (policy_.drain_order == DrainOrder::hottest_first && streak != other_streak)
        return streak > other_streak;
    if (policy_.drain_order == DrainOrder::coldest_first && streak != other_streak)
        return streak < other_streak;
    return store_.target_sector(slot) < store_.target_sector(other);
}

void Checkpoint::put_in_order() {
    if (policy_.drain_order == DrainOrder::random) {
        shuffle();
        return;
    }
    // Heapsort: in place, no recursion, no bad case.
    const auto sift_down = [this](uint32_t root, uint32_t end) {
        const uint32_t slot = list_[root];
        for (;;) {
            uint32_t child = 2 * root + 1;
            if (child >= end)
                break;
            if (child + 1 < end && comes_before(list_[child], list_[child + 1]))
                ++child;
            if (!comes_before(slot, list_[child]))
                break;
            list_[root] = list_[child];
            root = child;
        }
        list_[root] = slot;
    };
    for (uint32_t i = list_count_ / 2; i-- > 0;)
        sift_down(i, list_count_);
    for (uint32_t end = list_count_; end > 1; --end) {
        const uint32_t largest = list_[0];
        list_[0] = list_[end - 1];
        list_[end - 1] = largest;
        sift_down(0, end - 1);
    }
}

void Checkpoint::shuffle() {
    for (uint32_t left = list_count_; left > 1; --left) {
        random_ = random_ * 1664525u + 1013904223u; // Numerical Recipes; the high bits are the good ones
        const uint32_t chosen = static_cast<uint32_t>(uint64_t{random_} * left >> 32);
        const uint32_t slot = list_[chosen];
        list_[chosen] = list_[left - 1];
        list_[left - 1] = slot;
    }
}

} // namespace pager
