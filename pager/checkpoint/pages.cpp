#include "pager/checkpoint/pages.hpp"
#include "kernel-model/abi/system_layout.hpp"

#include "pager/checkpoint/assertion.hpp"
#include "pager/store/page_checksum.hpp"

namespace pager {
namespace {

// Storage of `count` objects at `next`, which moves behind them.
template<class T>
T* carve(uint8_t*& next, uint32_t count) {
    T* const result = reinterpret_cast<T*>(next);
    next += (count * sizeof(T) + 7) & ~size_t{7};
    return result;
}

constexpr uint32_t frames_short = 256; // below so many free frames only pages that are asked for are read

constexpr uint32_t tcb_pages_max = l4::tcb_array_size / store::block_bytes;
constexpr uint32_t tcb_pages_for(uint32_t frames) {
    return tcb_pages_max < frames ? tcb_pages_max : frames;
}

} // namespace

uint32_t Pages::memory_bytes(uint32_t slots, uint32_t frames) {
    const auto bytes = [](uint32_t count, uint32_t each) { return (count * each + 7) & ~7u; };
    return store::run_blocks_max * page_bytes + bytes(slots, sizeof(Page)) + bytes(slots, 4) +
           bytes(PageIndex::words_for(slots), 4) + 3 * bytes(frames, 4) +
           2 * bytes(tcb_pages_for(frames), 4) + FrameSet::memory_bytes(frames_end_max) +
           TcbTable::memory_bytes(tcb_pages_for(frames));
}

void Pages::initialise(void* memory, uint32_t frames, store::Store& store, Platform& platform,
                       const Policy& policy) {
    policy_ = policy;
    store_ = &store;
    platform_ = &platform;
    frames_ = frames;
    auto* next = static_cast<uint8_t*>(memory);
    cluster_ = carve<uint8_t>(next, store::run_blocks_max * page_bytes);
    pages_ = carve<Page>(next, store.slots());
    save_checksums_ = carve<uint32_t>(next, store.slots());
    uint32_t* const index_storage = carve<uint32_t>(next, PageIndex::words_for(store.slots()));
    dirty_ = carve<uint32_t>(next, frames);
    resident_ = carve<uint32_t>(next, frames);
    uint32_t* const pool_storage = carve<uint32_t>(next, frames);
    tcbs_to_recover_ = carve<uint32_t>(next, tcb_pages_for(frames));
    tcb_frames_ = carve<uint32_t>(next, tcb_pages_for(frames));
    revoked_.initialise(carve<uint8_t>(next, FrameSet::memory_bytes(frames_end_max)), frames_end_max);
    tcbs_.initialise(next, tcb_pages_for(frames));
    pool_.initialise(pool_storage, frames);
    index_.initialise(index_storage, store.slots(), store);
    dirty_count_ = tcbs_to_recover_count_ = recovered_tcbs_ = resident_count_ = clock_hand_ = 0;
    discarded_ = removing_ = store::no_slot;
    discarded_count_ = removing_count_ = 0;
    zeros_ = no_frame;
    nothing_to_evict_ = false;
    for (uint32_t& bits : initialised_)
        bits = 0;
    for (store::SlotRange range = store.known_slots(0); range.first < range.end;
         range = store.known_slots(range.end))
        learn(range);
    for (uint32_t i = 0; i < store.recent().count(); ++i) {
        const uint32_t slot = store.recent().slot(i);
        initialise_around(slot);
        if (const store::PageKey key = store.entry(slot).key(); index_.find(key) == store::no_slot)
            index_.insert(key, slot);
    }
}

void Pages::add_frames(uint32_t low, uint32_t high) {
    if (zeros_ == no_frame && low < high) {
        zeros_ = low;
        __builtin_memset(platform_->memory_of(zeros_), 0, page_bytes);
        low += page_bytes;
    }
    pool_.add_range(low, high);
}

void Pages::learn(const store::SlotRange& range) {
    bool some_known = false; // recent ones of its block
    for (uint32_t slot = range.first; slot < range.end; ++slot) {
        if (slot % store::entries_per_block == 0)
            some_known = !initialise_around(slot);
        const store::DirectoryEntry& entry = store_->entry(slot);
        if (!entry.is_used())
            continue;
        if (!some_known || index_.find(entry.key()) == store::no_slot)
            index_.insert(entry.key(), slot);
        if (!is_tcb(entry.key()))
            continue;
        check(tcbs_to_recover_count_ < tcb_pages_for(frames_), "recovery: fewer frames than TCB pages");
        tcbs_to_recover_[tcbs_to_recover_count_++] = slot;
    }
}

bool Pages::initialise_around(uint32_t slot) {
    const uint32_t block = slot / store::entries_per_block, bit = 1u << block % 32;
    if ((initialised_[block / 32] & bit) != 0)
        return false;
    initialised_[block / 32] |= bit;
    const uint32_t first = block * store::entries_per_block, end = first + store::entries_per_block;
    for (uint32_t i = first; i < end && i < store_->slots(); ++i)
        pages_[i] = {};
    return true;
}

FaultAnswer Pages::fault(store::PageKey key, bool write, store::BlockDevice& through) {
    const uint32_t slot = index_.find(key);
    if (slot == store::no_slot)
        // The entries of TCB pages are always known.
        return is_tcb(key) || store_->is_complete() ? first_touch(key, write)
                                                    : FaultAnswer{FaultAnswer::Kind::wait_for_recovery};
    Page& page = pages_[slot];
    page.assert_state();
    if (page.state() == PageState::absent && is_tcb(key))
        return {FaultAnswer::Kind::wait_for_recovery};
    if (page.state() == PageState::absent || page.state() == PageState::zero) {
        const FaultAnswer placed = page_in(slot, through);
        if (placed.kind != FaultAnswer::Kind::map)
            return placed;
    }
    if (page.state() == PageState::tcb)
        return {FaultAnswer::Kind::map, page.frame, true};
    if (write || (maps_writable() && page.state() == PageState::clean))
        return make_writable(slot);
    return {FaultAnswer::Kind::map, page.frame, page.state() == PageState::dirty};
}

FaultAnswer Pages::first_touch(store::PageKey key, bool write) {
    const bool tcb = is_tcb(key);
    if (tcb && !write)
        return {FaultAnswer::Kind::unused};
    if (store_->first_free_slot(tcb) == store::no_slot) {
        if (!store_->is_complete())
            return {FaultAnswer::Kind::wait_for_recovery};
        return write ? FaultAnswer{FaultAnswer::Kind::no_slot} : share_zeros(key);
    }
    const bool writable = write || maps_writable();
    if (writable && !store_->can_reserve())
        return {FaultAnswer::Kind::wait_for_store};
    uint32_t frame = no_frame, copy = no_frame;
    if (tcb ? !take_tcb_frames(frame, copy) : (frame = take_frame()) == no_frame)
        return write ? FaultAnswer{FaultAnswer::Kind::out_of_frames} : share_zeros(key);
    const uint32_t slot = store_->allocate(key);
    index_.insert(key, slot);
    initialise_around(slot);
    if (writable)
        check(store_->reserve(slot), "pages: a reservation was promised"); // I5
    if (tcb) {
        __builtin_memset(platform_->memory_of(frame), 0, page_bytes);
        platform_->page_placed(key, frame, l4::PageSource::fresh);
        pages_[slot].frame = frame;
        pages_[slot].become(PageState::tcb);
        tcbs_.add(store::key_address(key), {slot, copy}, true);
        return {FaultAnswer::Kind::map, frame, true};
    }
    place_zeros(slot, frame);
    if (writable)
        add_to_dirty(slot);
    return {FaultAnswer::Kind::map, frame, writable};
}

// Only a writer has to wait. Its fault brings a frame of its own, which the kernel maps over this one.
FaultAnswer Pages::share_zeros(store::PageKey key) {
    platform_->page_placed(key, zeros_, l4::PageSource::fresh);
    return {FaultAnswer::Kind::map, zeros_, false};
}

void Pages::place_zeros(uint32_t slot, uint32_t frame) {
    __builtin_memset(platform_->memory_of(frame), 0, page_bytes);
    platform_->page_placed(store_->entry(slot).key(), frame, l4::PageSource::fresh);
    Page& page = pages_[slot];
    page.frame = frame;
    page.become(PageState::clean);
    page.fresh = true;
    add_to_resident(slot);
}

bool Pages::load(store::PageKey key, const void* content) {
    if (index_.find(key) != store::no_slot || is_tcb(key) || store_->first_free_slot() == store::no_slot ||
        !store_->can_reserve())
        return false;
    const uint32_t frame = pool_.take();
    if (frame == no_frame)
        return false;
    const uint32_t slot = store_->allocate(key);
    index_.insert(key, slot);
    __builtin_memcpy(platform_->memory_of(frame), content, page_bytes);
    platform_->page_placed(key, frame, l4::PageSource::fresh);
    initialise_around(slot);
    Page& page = pages_[slot];
    page.frame = frame;
    page.become(PageState::clean);
    page.fresh = page.must_save = true;
    add_to_resident(slot);
    check(store_->reserve(slot), "pages: a reservation was promised"); // I5
    add_to_dirty(slot);
    return true;
}

FaultAnswer Pages::page_in(uint32_t slot, store::BlockDevice& through) {
    Page& page = pages_[slot];
    if (page.state() == PageState::absent)
        page_in_neighbours(slot, through);
    if (page.state() == PageState::absent || page.state() == PageState::zero) {
        // Alone: it has no content on disk, frames are short, or the run could not be read.
        const uint32_t frame = take_frame();
        if (frame == no_frame)
            return {FaultAnswer::Kind::out_of_frames};
        if (page.state() == PageState::zero) {
            place_zeros(slot, frame);
        } else if (store_->load(slot, platform_->memory_of(frame), through) == store::LoadStatus::ok) {
            // The checkpointer may have run meanwhile; an absent page is in none of its lists, but in those of a prefetch.
            if (page.state() == PageState::absent)
                place(slot, frame);
            else
                pool_.add(frame);
        } else {
            pool_.add(frame);
            return {FaultAnswer::Kind::damaged};
        }
        next_run_ = slot / store::run_blocks_max + 1;
    }
    return {FaultAnswer::Kind::map, page.frame, false};
}

// A disk moves 64 KB in little more time than 4 KB, and pages that were first used together are often used together
// again. After a restart, when nearly every page is absent, all of them come along; when frames are short only if
// the run before has been read last.
void Pages::page_in_neighbours(uint32_t slot, store::BlockDevice& through) {
    if (!store_->entry(slot).has_block())
        return;
    const store::Run run = store_->run_around(slot);
    const bool follows_last = slot / store::run_blocks_max == next_run_;
    if (run.count == 1 || !(has_plenty_of_frames() || follows_last) ||
        store_->load_run(run, cluster_, through) != store::DeviceStatus::ok)
        return;
    next_run_ = slot / store::run_blocks_max + 1;
    for (uint32_t i = 0; i < run.count; ++i) {
        const uint32_t neighbour = store_->slot_of(run.first + i);
        const uint8_t* const content = cluster_ + size_t{i} * page_bytes;
        if (neighbour == store::no_slot || pages_[neighbour].state() != PageState::absent ||
            is_tcb(store_->entry(neighbour).key()) || !store_->verify(neighbour, content))
            continue;
        const uint32_t frame =
            follows_last ? take_frame() : pool_.take(); // nothing is evicted for a mere guess
        if (frame == no_frame)
            return;
        __builtin_memcpy(platform_->memory_of(frame), content, page_bytes);
        place(neighbour, frame);
    }
}

void Pages::place(uint32_t slot, uint32_t frame) {
    const store::PageKey key = store_->entry(slot).key();
    platform_->page_placed(key, frame, l4::PageSource::store);
    Page& page = pages_[slot];
    page.frame = frame;
    page.streak = 0;
    if (is_tcb(key)) {
        page.become(PageState::tcb);
    } else {
        page.become(PageState::clean);
        add_to_resident(slot);
    }
}

bool Pages::has_plenty_of_frames() const {
    return pool_.free() >= frames_short;
}

// One for the page and one for its copy. False: there are no two.
bool Pages::take_tcb_frames(uint32_t& frame, uint32_t& copy) {
    frame = take_frame();
    copy = frame == no_frame ? no_frame : take_frame();
    if (copy == no_frame && frame != no_frame)
        pool_.add(frame);
    return copy != no_frame;
}

FaultAnswer Pages::make_writable(uint32_t slot) {
    Page& page = pages_[slot];
    platform_->phase(l4::Phase::write_fault);
    switch (page.state()) {
    case PageState::dirty:
        break;
    case PageState::clean:
        if (!store_->reserve(slot)) // I5
            return {FaultAnswer::Kind::wait_for_store};
        add_to_dirty(slot);
        break;
    case PageState::frozen:
    case PageState::writing:
        if (!store_->reserve(slot)) // I5
            return {FaultAnswer::Kind::wait_for_store};
        if (!(page.state() == PageState::frozen ? copy_to_save_and_sum(slot) : leave_frame_to_disk(slot))) {
            store_->release(slot);
            return {FaultAnswer::Kind::wait_for_frame};
        }
        platform_->phase(l4::Phase::write_fault);
        platform_->page_copied(store_->entry(slot).key());
        add_to_dirty(slot);
        break;
    case PageState::absent:
    case PageState::zero:
    case PageState::tcb:
    case PageState::discarded:
        assertion_failed("pages: write fault in an impossible state");
    }
    return {FaultAnswer::Kind::map, page.frame, true};
}

bool Pages::copy_to_save(uint32_t slot) {
    Page& page = pages_[slot];
    check(!page.is_saved(), "pages: a frozen page with a save frame");
    const uint32_t save = take_frame();
    if (save == no_frame)
        return false;
    platform_->phase(l4::Phase::copy);
    __builtin_memcpy(platform_->memory_of(save), platform_->memory_of(page.frame), page_bytes);
    save_in(slot, save);
    return true;
}

// The copy is in the cache now; when it is written it must come from memory again, which is most of a checksum's cost.
// Not within a stop, which is to be short.
bool Pages::copy_to_save_and_sum(uint32_t slot) {
    if (!copy_to_save(slot))
        return false;
    save_checksums_[slot] = store::page_checksum(platform_->memory_of(pages_[slot].save));
    return true;
}

// The disk is reading the page's own frame, which therefore becomes the save frame: the page goes on in the copy.
bool Pages::leave_frame_to_disk(uint32_t slot) {
    Page& page = pages_[slot];
    const uint32_t frame = take_frame();
    if (frame == no_frame)
        return false;
    platform_->phase(l4::Phase::copy);
    __builtin_memcpy(platform_->memory_of(frame), platform_->memory_of(page.frame), page_bytes);
    platform_->phase(l4::Phase::write_fault);
    (void)platform_->unmap(page.frame); // who has it mapped finds the copy with its next touch
    save_in(slot, page.frame);
    page.frame = frame;
    platform_->page_placed(store_->entry(slot).key(), frame, l4::PageSource::moved);
    return true;
}

void Pages::add_to_dirty(uint32_t slot) {
    Page& page = pages_[slot];
    page.by_bits = policy_.tracking == Tracking::dirty_bits;
    if (!page.listed) { // or else it was evicted and is back again
        if (dirty_count_ == frames_)
            drop_stale_from_dirty();
        check(dirty_count_ < frames_, "pages: more dirty pages than frames");
        page.listed = true;
        dirty_[dirty_count_++] = slot;
    }
    page.become(PageState::dirty);
}

void Pages::drop_stale_from_dirty() {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < dirty_count_; ++i) {
        Page& page = pages_[dirty_[i]];
        page.listed = page.state() == PageState::dirty;
        if (page.listed)
            dirty_[kept++] = dirty_[i];
    }
    dirty_count_ = kept;
}

} // namespace pager
