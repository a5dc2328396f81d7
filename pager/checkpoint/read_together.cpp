// Pages that are wanted all at once after a restart: they are read in the order of their blocks, neighbours in one request.
// Those of the working set go straight into neighbouring frames; recover_tcbs.cpp has the TCB pages.
#include "pager/checkpoint/pages.hpp"
#include "pager/checkpoint/radix_sort.hpp"

namespace pager {

void Pages::sort_by_block(uint32_t* slots, uint32_t* scratch, uint32_t count) const {
    radix_sort(slots, scratch, count, [this](uint32_t slot) { return store_->entry(slot).block; });
}

// How many of these slots, which are in the order of their blocks, one request can read, and what it has to read: with all
// that lies between two which are at most `max_gap` blocks apart. Nothing for a first one without a block.
uint32_t Pages::neighbours(const uint32_t* slots, uint32_t count, uint32_t max_gap, store::Run& run) const {
    const store::DirectoryEntry& first = store_->entry(slots[0]);
    run = first.has_block() ? store::Run{first.block, 1} : store::Run{};
    uint32_t taken = 1;
    for (; run.count != 0 && taken < count; ++taken) {
        const store::DirectoryEntry& next = store_->entry(slots[taken]);
        if (!next.has_block() || next.block - (run.first + run.count) > max_gap ||
            next.block - run.first >= store::transfer_segments_max)
            break;
        run.count = next.block - run.first + 1;
    }
    return taken;
}

uint32_t Pages::collect_working_set(uint32_t* slots, uint32_t capacity) const {
    uint32_t count = 0;
    const auto collect = [&](bool written_lately) {
        for (uint32_t i = resident_count_; i-- > 0 && count < capacity;) {
            const uint32_t slot = resident_[i];
            if (store_->entry(slot).has_block() && is_newest(pages_[slot]) == written_lately)
                slots[count++] = slot;
        }
    };
    collect(true);
    collect(false);
    return count;
}

uint32_t Pages::prepare_prefetch(uint32_t* slots, uint32_t* scratch, uint32_t count) const {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; ++i)
        if (slots[i] < store_->slots() && may_prefetch(slots[i]))
            slots[kept++] = slots[i];
    sort_by_block(slots, scratch, kept);
    return kept;
}

uint32_t Pages::prefetch(const uint32_t* slots, uint32_t count, store::BlockDevice& through) {
    return may_prefetch(slots[0]) ? read_neighbours(slots, count, through) : 1;
}

bool Pages::may_prefetch(uint32_t slot) const {
    return store_->entry(slot).has_block() && !is_tcb(store_->entry(slot).key()) &&
           pages_[slot].state() == PageState::absent;
}

// The first of these slots, which are in the order of their blocks, as many as one request can read; returns how many.
// Those that it cannot read stay absent.
uint32_t Pages::read_neighbours(const uint32_t* slots, uint32_t count, store::BlockDevice& through) {
    store::Run run;
    const uint32_t taken = neighbours(slots, count, gap_usual, run);
    if (run.count == 0)
        return taken;
    const uint32_t frames = pool_.take_neighbours(run.count);
    if (frames == no_frame)
        return taken;
    const bool read = store_->load_run(run, platform_->memory_of(frames), through) == store::DeviceStatus::ok;
    uint32_t next = 0;
    for (uint32_t i = 0; i < run.count; ++i) {
        const uint32_t frame = frames + i * page_bytes, block = run.first + i;
        // The pager thread may have run meanwhile.
        const bool wanted = next < taken && store_->entry(slots[next]).block == block;
        const uint32_t slot = wanted ? slots[next++] : store::no_slot;
        if (read && wanted && pages_[slot].state() == PageState::absent &&
            store_->verify(slot, platform_->memory_of(frame)))
            place(slot, frame);
        else
            pool_.add(frame);
    }
    return taken;
}

} // namespace pager
