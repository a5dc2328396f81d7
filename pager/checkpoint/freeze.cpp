// What the stop does to pages, and the drain.
#include "kernel-model/abi/types.hpp"
#include "pager/checkpoint/pages.hpp"

namespace pager {
namespace {

constexpr uint8_t streak_max = 255;

} // namespace

uint32_t Pages::freeze_all(uint32_t epoch, uint32_t* frozen) {
    uint32_t kept = 0, count = 0;
    for (uint32_t i = 0; i < dirty_count_; ++i) {
        const uint32_t slot = dirty_[i];
        Page& page = pages_[slot];
        if (page.state == PageState::dirty) {
            check(!page.is_saved(), "stop: the last checkpoint is not saved");
            if (was_written(page)) {
                page.streak = page.frozen_epoch + 1 != epoch ? 1
                              : page.streak < streak_max     ? page.streak + 1
                                                             : streak_max;
                page.frozen_epoch = epoch;
                page.fresh = page.must_save = false;
                freeze(slot);
                frozen[count++] = slot;
            } else if (policy_.tracking == Tracking::protect || store_->is_short()) {
                platform_->revoke_write(page.frame); // it was hot, or only read
                page.state = PageState::clean;
                page.streak = 0;
                nothing_to_evict_ = false;
                store_->release(slot);
            }
        }
        page.listed = page.state == PageState::dirty;
        if (page.listed)
            dirty_[kept++] = slot;
    }
    dirty_count_ = kept;
    return count;
}

// Since the last time. With write protection there is no doubt.
bool Pages::was_written(const Page& page) {
    return !page.by_bits || (platform_->take_status(page.frame) & l4::page_written) != 0 || page.must_save;
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
    platform_->revoke_write(page.frame);
    page.state = copied ? PageState::clean : PageState::frozen;
}

uint32_t Pages::freeze_all_tcbs(uint32_t* frozen) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < tcb_count_; ++i) {
        Page& page = pages_[tcbs_[i]];
        check(page.state == PageState::tcb && !page.is_saved(), "stop: a TCB's last copy is not saved");
        const bool written = (platform_->take_status(page.frame) & l4::page_written) != 0;
        if (!written && !page.must_save)
            continue; // as in the snapshot before
        page.must_save = false;
        save_in(tcbs_[i], pool_.take_reserved());
        __builtin_memcpy(platform_->memory_of(page.save), platform_->memory_of(page.frame),
                         store::block_bytes);
        frozen[count++] = tcbs_[i];
    }
    return count;
}

void Pages::unmap_all() {
    for (uint32_t i = 0; i < resident_count_; ++i)
        (void)platform_->unmap(pages_[resident_[i]].frame);
    (void)platform_->unmap(zeros_);
}

bool Pages::copy_aside(uint32_t slot) {
    Page& page = pages_[slot];
    if (page.state != PageState::frozen)
        return true; // a write fault was faster, or it is a TCB
    if (!copy_to_save_and_sum(slot))
        return false;
    page.state = PageState::clean;
    return true;
}

const void* Pages::content_to_write(uint32_t slot) const {
    const Page& page = pages_[slot];
    page.assert_sound();
    if (page.is_saved())
        return platform_->memory_of(page.save);
    check(page.state == PageState::frozen, "drain: a page without content for the checkpoint");
    return platform_->memory_of(page.frame);
}

void Pages::begin_write(uint32_t slot) {
    Page& page = pages_[slot];
    if (!page.is_saved())
        page.state = PageState::writing;
}

void Pages::end_write(uint32_t slot) {
    Page& page = pages_[slot];
    page.assert_sound();
    if (page.state == PageState::writing) {
        page.state = PageState::clean;
        return;
    }
    check(page.is_saved(), "drain: the save frame is gone");
    if (page.state == PageState::tcb)
        pool_.give_back_reserved(page.save);
    else
        pool_.add(page.save);
    page.save = no_frame;
}

} // namespace pager
