// Pages that programs give back.
//
// For clients the page is gone at once: its next touch finds a fresh page, in another slot. For the checkpoints it goes
// step by step, since up to two of them have it: the newest, and the one that is being written if the page was discarded
// after its stop.
//
//   discarded between commit and stop     the next checkpoint does not have it any more
//   discarded between stop and commit     the running one has it, and what it has is still written; the one after that
//                                         does not
//
// Hence two lists, one for either side of the newest stop. The stop only turns one into the other; the drain takes the
// pages on it out of the directory that is about to be written, and its commit frees their slots (I4: until then no other
// page gets the slot, and its blocks stay as they are). Nothing is taken out before the stop: the log store may commit
// moves there, and a directory of the newest checkpoint has to name all its pages.
#include "kernel-model/abi/types.hpp"
#include "pager/checkpoint/pages.hpp"

namespace pager {
namespace {

// What a request may do at once: some hundred microseconds' work.
constexpr uint32_t looks_at_once = 1024, discards_at_once = 64;
constexpr uint32_t removals_at_once = 256;

} // namespace

Pages::DiscardedPart Pages::discard_some(const PageRange& range, uint32_t from) {
    // Whichever are fewer: the addresses or the slots.
    const bool by_address = range.count <= store_->slots();
    const uint32_t end = by_address ? range.count : store_->slots();
    DiscardedPart done;
    uint32_t looks = 0;
    for (; from < end && looks < looks_at_once && done.pages < discards_at_once; ++from, ++looks) {
        store::PageKey key = range.first + from;
        if (!by_address) {
            key = store_->entry(from).key();
            if (key - range.first >= range.count)
                continue;
        }
        const uint32_t slot = index_.find(key);
        if (slot == store::no_slot ||
            (!by_address && slot != from)) // the slot of one that is discarded already
            continue;
        discard(slot);
        ++done.pages;
    }
    done.next = from < end ? from : 0;
    return done;
}

void Pages::discard(uint32_t slot) {
    Page& page = pages_[slot];
    page.assert_state();
    const store::PageKey key = store_->entry(slot).key();
    index_.erase(key);
    switch (page.state()) {
    case PageState::dirty:
        store_->release(slot);
        [[fallthrough]];
    case PageState::clean:
        (void)platform_->unmap(page.frame);
        remove_from_resident(slot);
        pool_.add(page.frame);
        break;
    case PageState::frozen:
    case PageState::writing:
        (void)platform_->unmap(page.frame);
        remove_from_resident(slot);
        save_in(slot, page.frame); // I2: the running checkpoint has yet to write it
        break;
    case PageState::absent:
    case PageState::zero:
        break;
    case PageState::tcb:
    case PageState::discarded:
        assertion_failed("pages: a discard in an impossible state");
    }
    platform_->page_released(key);
    page.frame = no_frame;
    if (!store_->entry(slot).is_used() && !page.is_saved()) {
        page.become_none();
        store_->free(slot);
        return;
    }
    page.become(PageState::discarded);
    page.place = discarded_;
    discarded_ = slot;
    ++discarded_count_;
}

void Pages::begin_removals() {
    check(removing_ == store::no_slot && removing_count_ == 0,
          "stop: the last checkpoint's removals are not done");
    removing_ = discarded_;
    removing_count_ = discarded_count_;
    discarded_ = store::no_slot;
    discarded_count_ = 0;
}

bool Pages::remove_some() {
    for (uint32_t i = 0; i < removals_at_once && removing_ != store::no_slot; ++i) {
        const uint32_t slot = removing_;
        Page& page = pages_[slot];
        page.assert_state();
        check(page.state() == PageState::discarded && !page.is_saved(),
              "drain: a removed page is still to be written");
        removing_ = page.place;
        page.become_none();
        store_->remove(slot);
    }
    return removing_ != store::no_slot;
}

void Pages::committed() {
    check(removing_ == store::no_slot, "commit: a discarded page is still in the directory");
    removing_count_ = 0;
}

} // namespace pager
