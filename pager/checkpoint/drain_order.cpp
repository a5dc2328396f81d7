// The order in which the drain writes.
#include "pager/checkpoint/checkpoint.hpp"
#include "pager/checkpoint/radix_sort.hpp"

namespace pager {

void Checkpoint::put_in_order() {
    if (policy_.drain_order == DrainOrder::random) {
        shuffle();
        return;
    }
    const auto sort_by = [this](auto&& key_of) { radix_sort(list_, scratch_, list_count_, key_of); };
    sort_by([this](uint32_t slot) { return store_.target_sector(slot); });
    // Pages that are equally hot stay in the order of their addresses.
    constexpr uint32_t streak_max = 255;
    if (policy_.drain_order == DrainOrder::hottest_first)
        sort_by([this](uint32_t slot) { return streak_max - pages_.page(slot).streak; });
    if (policy_.drain_order == DrainOrder::coldest_first)
        sort_by([this](uint32_t slot) { return uint32_t{pages_.page(slot).streak}; });
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
