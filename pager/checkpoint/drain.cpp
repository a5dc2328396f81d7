// The drain: the frozen content goes to disk, in the order that the policy says; what then lies side by side, in one
// request. Discarded pages leave the directory.
#include "pager/checkpoint/checkpoint.hpp"
#include "pager/checkpoint/radix_sort.hpp"

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
        writes[i] = {slot, content, pages_.page(slot).state == PageState::dirty, pages_.known_checksum(slot)};
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
