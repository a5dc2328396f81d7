// What the stop does to pages, and the drain.
#include "kernel-model/abi/types.hpp"
#include "pager/checkpoint/pages.hpp"

namespace pager {
namespace {

constexpr uint8_t streak_max = 255;

} // namespace

uint32_t Pages::freeze_all(uint32_t epoch, uint32_t* frozen) {
    uint32_t kept = 0, count = 0;
    asked_end_ = 0;
    for (uint32_t i = 0; i < dirty_count_; ++i) {
        const uint32_t slot = dirty_[i];
        Page& page = pages_[slot];
        if (page.state() == PageState::dirty) {
            check(!page.is_saved(), "stop: the last checkpoint is not saved");
            if (was_written(i)) {
                page.streak = page.frozen_epoch + 1 != epoch ? 1
                              : page.streak < streak_max     ? page.streak + 1
                                                             : streak_max;
                page.frozen_epoch = epoch;
                page.fresh = page.must_save = false;
                freeze(slot);
                frozen[count++] = slot;
            } else if (policy_.tracking == Tracking::protect || store_->is_short()) {
                revoked_.insert(page.frame); // it was hot, or only read
                page.become(PageState::clean);
                page.streak = 0;
                nothing_to_evict_ = false;
                store_->release(slot);
            }
        }
        page.listed = page.state() == PageState::dirty;
        if (page.listed)
            dirty_[kept++] = slot;
    }
    dirty_count_ = kept;
    // In the order of their frames, whatever the order in which they became dirty: what the kernel looks at is in the cache
    // then, and one call does for adjacent ones.
    revoked_.take_runs([this](uint32_t first, uint32_t frames) { platform_->revoke_write(first, frames); });
    return count;
}

// Since the last time. With write protection there is no doubt.
bool Pages::was_written(uint32_t place) {
    const Page& page = pages_[dirty_[place]];
    if (page.by_bits && place >= asked_end_)
        ask_which_were_written(place);
    return !page.by_bits || page.must_save;
}

// Of dirty pages from that place in the list on, as long as their frames are adjacent: the kernel tells of all of them in one
// call. What it says is noted at once: no page may be evicted on the strength of what the kernel has forgotten.
void Pages::ask_which_were_written(uint32_t place) {
    constexpr uint32_t log2_max = 5;
    const uint32_t first = pages_[dirty_[place]].frame;
    const auto is_next = [&](uint32_t count) {
        const Page& page = pages_[dirty_[place + count]];
        return page.state() == PageState::dirty && page.by_bits &&
               page.frame == first + count * store::block_bytes;
    };
    uint32_t log2_frames = 0, count = 1;
    const auto alignment = static_cast<uint32_t>(__builtin_ctz(first / store::block_bytes));
    for (; log2_frames < log2_max && log2_frames < alignment; ++log2_frames) {
        while (count < 2u << log2_frames && place + count < dirty_count_ && is_next(count))
            ++count;
        if (count < 2u << log2_frames)
            break;
    }
    const uint32_t written = platform_->take_written(first, log2_frames);
    asked_end_ = place + (1u << log2_frames);
    for (uint32_t left = written; left != 0; left &= left - 1)
        pages_[dirty_[place + static_cast<uint32_t>(__builtin_ctz(left))]].must_save = true;
}

bool Pages::is_copied_in_stop(const Page& page) const {
    return policy_.copy == CopyPolicy::in_stop ||
           (policy_.hot_intervals != 0 && page.streak >= policy_.hot_intervals);
}

// What finds no free frame is copied on write.
void Pages::freeze(uint32_t slot) {
    Page& page = pages_[slot];
    const bool copied = is_copied_in_stop(page) && copy_to_save(slot);
    if (copied)
        platform_->phase(l4::Phase::stop);
    const bool hot = policy_.hot_intervals != 0 && page.streak >= policy_.hot_intervals;
    if (copied && (hot || policy_.tracking == Tracking::dirty_bits) && store_->reserve(slot)) { // I5
        if (!page.by_bits)
            (void)platform_->take_status(page.frame); // from here on
        page.by_bits = true;
        return; // dirty, writable, saved
    }
    revoked_.insert(page.frame);
    page.become(copied ? PageState::clean : PageState::frozen);
}

uint32_t Pages::freeze_all_tcbs(uint32_t* frozen) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < tcbs_.group_count(); ++i) {
        TcbGroup& group = tcbs_.group(i);
        uint32_t left = (platform_->take_written_tcbs(group.address) & group.used) | group.must_copy;
        for (; left != 0; left &= left - 1) { // what is not in it is as in the snapshot before
            const auto number = static_cast<uint32_t>(__builtin_ctz(left));
            const TcbPage& tcb = tcbs_.page(group.pages[number]);
            copy_tcb(tcb, (group.never_copied >> number & 1) != 0);
            group.never_copied &= ~(1u << number);
            frozen[count++] = tcb.slot;
        }
        group.must_copy = 0;
    }
    return count;
}

void Pages::copy_tcb(const TcbPage& tcb, bool whole) {
    Page& page = pages_[tcb.slot];
    check(page.state() == PageState::tcb && !page.is_saved(), "stop: a TCB's last copy is not saved");
    if (whole)
        __builtin_memcpy(platform_->memory_of(tcb.copy), platform_->memory_of(page.frame),
                         store::block_bytes);
    else
        platform_->copy_tcbs(tcb.copy, page.frame);
    save_in(tcb.slot, tcb.copy);
}

void Pages::unmap_all() {
    for (uint32_t i = 0; i < resident_count_; ++i)
        (void)platform_->unmap(pages_[resident_[i]].frame);
    (void)platform_->unmap(zeros_);
}

bool Pages::copy_aside(uint32_t slot) {
    Page& page = pages_[slot];
    if (page.state() != PageState::frozen)
        return true; // a write fault was faster, or it is a TCB
    if (!copy_to_save_and_sum(slot))
        return false;
    page.become(PageState::clean);
    return true;
}

const void* Pages::content_to_write(uint32_t slot) const {
    const Page& page = pages_[slot];
    page.assert_state();
    if (page.is_saved())
        return platform_->memory_of(page.save);
    check(page.state() == PageState::frozen, "drain: a page without content for the checkpoint");
    return platform_->memory_of(page.frame);
}

void Pages::begin_write(uint32_t slot) {
    Page& page = pages_[slot];
    if (!page.is_saved())
        page.become(PageState::writing);
}

void Pages::end_write(uint32_t slot) {
    Page& page = pages_[slot];
    page.assert_state();
    if (page.state() == PageState::writing) {
        page.become(PageState::clean);
        return;
    }
    check(page.is_saved(), "drain: the save frame is gone");
    if (page.state() != PageState::tcb) // which keeps it
        pool_.add(page.save);
    page.save = no_frame;
}

} // namespace pager
