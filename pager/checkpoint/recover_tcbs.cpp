// The TCB pages of a checkpoint that is being recovered. All of them, with their copies, have their frames before
// anything runs, since nothing could make room for them then (I5); read are first those whose threads ran last, and the
// others while these run already.
#include "pager/checkpoint/pages.hpp"

namespace pager {

uint32_t Pages::recover_tcbs(store::BlockDevice& through) {
    check(tcbs_to_recover_count_ <= pool_.free() / 2,
          "recovery: fewer frames than TCB pages and their copies need");
    check(resident_count_ == 0, "recovery: TCB pages come first");
    const uint32_t recent = put_recent_tcbs_first();
    sort_by_block(tcbs_to_recover_, resident_, recent);
    sort_by_block(tcbs_to_recover_ + recent, resident_, tcbs_to_recover_count_ - recent);
    take_frames_for_recovered_tcbs();
    return read_tcbs(recent != 0 ? recent : tcbs_to_recover_count_, gap_usual, through);
}

uint32_t Pages::recover_other_tcbs(store::BlockDevice& through) {
    return read_tcbs(tcbs_to_recover_count_, gap_among_page_ins, through);
}

// How many these are.
uint32_t Pages::put_recent_tcbs_first() {
    const auto note_place = [this](uint32_t i) { pages_[tcbs_to_recover_[i]].place = i; };
    for (uint32_t i = 0; i < tcbs_to_recover_count_; ++i)
        note_place(i);
    const uint32_t recent = store_->recent().tcb_count();
    for (uint32_t i = 0; i < recent; ++i) {
        const uint32_t slot = store_->recent().slot(i), place = pages_[slot].place;
        check(tcbs_to_recover_[place] == slot, "recovery: a recent TCB page is not among them");
        tcbs_to_recover_[place] = tcbs_to_recover_[i];
        tcbs_to_recover_[i] = slot;
        note_place(place);
        note_place(i);
    }
    return recent;
}

void Pages::take_frames_for_recovered_tcbs() {
    for (uint32_t i = 0; i < tcbs_to_recover_count_; ++i) {
        const uint32_t slot = tcbs_to_recover_[i], copy = pool_.take();
        tcb_frames_[i] = pool_.take();
        tcbs_.add(store::key_address(store_->entry(slot).key()), {slot, copy}, false);
    }
}

// Reads those up to `end`. Between two that are at most that many blocks apart all is read: it takes less time than another
// request.
uint32_t Pages::read_tcbs(uint32_t end, uint32_t gap_max, store::BlockDevice& through) {
    while (recovered_tcbs_ < end) {
        store::Run run;
        const uint32_t run_end = recovered_tcbs_ + neighbours(tcbs_to_recover_ + recovered_tcbs_,
                                                              end - recovered_tcbs_, gap_max, run);
        const uint8_t* const blocks = run.count > 1 ? store_->load_run(run, through) : nullptr;
        for (; recovered_tcbs_ < run_end; ++recovered_tcbs_) {
            const uint32_t slot = tcbs_to_recover_[recovered_tcbs_], frame = tcb_frames_[recovered_tcbs_];
            const uint8_t* const block =
                blocks == nullptr ? nullptr
                                  : blocks + size_t{store_->entry(slot).block - run.first} * page_bytes;
            if (block != nullptr && store_->verify(slot, block))
                __builtin_memcpy(platform_->memory_of(frame), block, page_bytes);
            else if (store_->load(slot, platform_->memory_of(frame), through) != store::LoadStatus::ok)
                return slot;
            place(slot, frame);
        }
    }
    return store::no_slot;
}

} // namespace pager
