// The drain: the frozen content goes to disk, in the order that the policy says; what then lies side by side, in one
// request. Discarded pages leave the directory.
#include "pager/checkpoint/checkpoint.hpp"

namespace pager {

void Checkpoint::drain() {
    platform_.phase(l4::Phase::drain);
    if (policy_.copy == CopyPolicy::eager)
        copy_aside_eagerly();
    while (list_count_ > 0) {
        put_in_order();
        again_count_ = 0;
        for (uint32_t next = 0; next < list_count_;)
            next += write_batch(next);
        list_count_ = again_count_; // what was written to while the disk read it
    }
    remove_discarded();
    platform_.phase(l4::Phase::normal);
}

void Checkpoint::copy_aside_eagerly() {
    constexpr uint32_t pages_at_once = 16; // half a millisecond's work, then the others' turn
    for (uint32_t i = 0; i < list_count_; ++i) {
        if (i % pages_at_once == pages_at_once - 1) {
            platform_.phase(l4::Phase::drain);
            platform_.pause();
        }
        if (!pages_.copy_aside(list_[i]))
            break; // no frame: the rest is copied on write
    }
    platform_.phase(l4::Phase::drain);
}

void Checkpoint::remove_discarded() {
    while (pages_.remove_some()) {
        platform_.pause();
        platform_.phase(l4::Phase::drain);
    }
}

// Writes the pages from list_[first] on that one request can take; returns how many. Pages to be written
// again move to the list's start, which is already done with.
uint32_t Checkpoint::write_batch(uint32_t first) {
    store::PageWrite writes[store::transfer_segments_max];
    bool from_save[store::transfer_segments_max];
    const uint32_t count = store_.batch_length(list_ + first, list_count_ - first);
    for (uint32_t i = 0; i < count; ++i) {
        const uint32_t slot = list_[first + i];
        const void* const content = pages_.begin_write(slot, from_save[i]);
        writes[i] = {slot, content, pages_.page(slot).state == PageState::dirty};
    }
    while (store_.write_pages(writes, count) != store::DeviceStatus::ok)
        listener_.disk_failed("pages");
    ++figures_.write_requests;
    for (uint32_t i = 0; i < count; ++i)
        if (pages_.end_write(writes[i].slot, from_save[i]))
            list_[again_count_++] = writes[i].slot;
    listener_.frame_freed();
    return count;
}

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
