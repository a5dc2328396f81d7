// The stop. It runs at the highest priority without blocking, so no persistent thread runs between its first
// and last line, and all pages and TCBs are of one instant (I1). No disk access, no fault, nothing to wait
// for (I6).
#include "pager/checkpoint/checkpoint.hpp"

namespace pager {

void Checkpoint::stop() {
    const uint32_t epoch = store_.epoch() + 1;
    platform_.phase(l4::Phase::stop);
    platform_.stop_begins(epoch);
    check(list_count_ == 0, "stop: the last checkpoint is not committed");
    check(store_.can_begin(), "stop: no room in the store"); // I5

    snapshot_ = {};
    snapshot_.clock_us = platform_.clock_us();
    snapshot_.session = world_.session;
    snapshot_.tcb_bytes = world_.tcb_bytes;
    for (uint32_t i = 0; i < sizeof snapshot_.build_id; ++i)
        snapshot_.build_id[i] = world_.build_id[i];

    platform_.save_floating_point();
    platform_.snapshot(epoch);
    const uint32_t frozen = pages_.freeze_all(epoch, list_);
    list_count_ = frozen;
    pages_.begin_removals();
    platform_.snapshot_tables(epoch);
    // TCB pages hold their threads' kernel stacks, so they cannot be write-protected: they are copied at
    // once.
    snapshot_.tcb_pages = pages_.freeze_all_tcbs(list_ + list_count_);
    list_count_ += snapshot_.tcb_pages;

    figures_ = {frozen, snapshot_.tcb_pages, 0};
    platform_.stop_ends(epoch, frozen, snapshot_.tcb_pages);
}

void Checkpoint::stay_stopped() {
    snapshot_.last_of_session = true;
    pages_.unmap_all();
}

} // namespace pager
