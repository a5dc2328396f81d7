// Frames when there are none left: pages whose content is durable, or was never anything but zeros, give theirs.
//
// The search goes round all resident pages like a clock's hand. A page that clients have used since the hand last
// came by gets a second chance; but the search is bounded, so after some of these the next victim is taken as it is.
#include "kernel-model/abi/types.hpp"
#include "pager/checkpoint/pages.hpp"

namespace pager {
namespace {

constexpr uint32_t evicted_at_once = 16, second_chances_max = 64;

} // namespace

uint32_t Pages::take_frame() {
    uint32_t frame = pool_.take();
    if (frame == no_frame) {
        evict(evicted_at_once);
        frame = pool_.take();
    }
    return frame;
}

// A search that finds nothing is not repeated until something has changed: a commit, or a page that came or that a stop
// has found unwritten.
void Pages::evict(uint32_t wanted) {
    if (nothing_to_evict_ && fruitless_epoch_ == store_->epoch())
        return;
    const uint32_t wanted_first = wanted;
    uint32_t chances = second_chances_max;
    const uint32_t looks_max = 2 * resident_count_;
    for (uint32_t looks = 0; looks < looks_max && wanted > 0 && resident_count_ > 0; ++looks) {
        if (clock_hand_ >= resident_count_)
            clock_hand_ = 0;
        const uint32_t slot = resident_[clock_hand_];
        if (may_evict(pages_[slot]) && !has_second_chance(pages_[slot], chances) && try_to_evict(slot)) {
            remove_from_resident(slot);
            --wanted;
        } else {
            ++clock_hand_;
        }
    }
    nothing_to_evict_ = wanted == wanted_first;
    fruitless_epoch_ = store_->epoch();
}

bool Pages::has_second_chance(Page& page, uint32_t& chances) {
    if (chances == 0)
        return false;
    const uint32_t status = platform_->take_status(page.frame);
    note_status(page, status);
    if ((status & l4::page_accessed) == 0)
        return false;
    --chances;
    return true;
}

// The next stop will not learn it any more.
void Pages::note_status(Page& page, uint32_t status) {
    if (page.state() == PageState::dirty && (status & l4::page_written) != 0)
        page.must_save = true;
}

// I2. With dirty bits a dirty page may never have been written; that shows when nobody can write any more.
bool Pages::may_evict(const Page& page) const {
    const bool durable = page.fresh || page.frozen_epoch <= store_->epoch();
    const bool perhaps_unwritten = page.state() == PageState::dirty && page.by_bits && !page.must_save;
    return (page.state() == PageState::clean || perhaps_unwritten) && !page.is_saved() && durable;
}

bool Pages::try_to_evict(uint32_t slot) {
    Page& page = pages_[slot];
    note_status(page, platform_->unmap(page.frame));
    if (page.must_save)
        return false;
    platform_->page_evicted(store_->entry(slot).key());
    if (page.state() == PageState::dirty)
        store_->release(slot);
    pool_.add(page.frame);
    page.frame = no_frame;
    page.become(page.fresh ? PageState::zero : PageState::absent);
    page.fresh = false;
    return true;
}

} // namespace pager
