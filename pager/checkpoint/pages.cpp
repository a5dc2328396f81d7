#include "pager/checkpoint/pages.hpp"

#include "pager/checkpoint/assertion.hpp"

namespace pager {
namespace {

constexpr uint32_t page_bytes = store::block_bytes;

// Storage of `count` objects at `next`, which moves behind them.
template<class T>
T* carve(uint8_t*& next, uint32_t count) {
    T* const result = reinterpret_cast<T*>(next);
    next += (count * sizeof(T) + 7) & ~size_t{7};
    return result;
}

constexpr uint32_t frames_short = 256; // below so many free frames only pages that are asked for are read

constexpr uint32_t tcb_pages_max = 256 * 64 / 2; // two TCBs a page

} // namespace

uint32_t Pages::memory_bytes(uint32_t slots, uint32_t frames) {
    const uint32_t tcbs = tcb_pages_max < frames ? tcb_pages_max : frames;
    const auto bytes = [](uint32_t count, uint32_t each) { return (count * each + 7) & ~7u; };
    return store::transfer_bytes_max + bytes(slots, sizeof(Page)) + bytes(PageIndex::places_for(slots), 4) +
           2 * bytes(frames, 4) + bytes(tcbs, 4);
}

void Pages::initialise(void* memory, uint32_t frames, store::Store& store, Platform& platform) {
    store_ = &store;
    platform_ = &platform;
    frames_ = frames;
    auto* next = static_cast<uint8_t*>(memory);
    cluster_ = carve<uint8_t>(next, store::transfer_bytes_max);
    pages_ = carve<Page>(next, store.slots());
    const uint32_t places = PageIndex::places_for(store.slots());
    uint32_t* const index_storage = carve<uint32_t>(next, places);
    dirty_ = carve<uint32_t>(next, frames);
    uint32_t* const pool_storage = carve<uint32_t>(next, frames);
    tcbs_ = carve<uint32_t>(next, tcb_pages_max < frames ? tcb_pages_max : frames);
    pool_.initialise(pool_storage, frames);
    index_.initialise(index_storage, places, store);
    dirty_count_ = tcb_count_ = 0;
    for (uint32_t slot = 0; slot < store.slots(); ++slot) {
        pages_[slot] = {};
        if (store.entry(slot).is_used())
            index_.insert(store.entry(slot).key(), slot);
    }
}

FaultAnswer Pages::fault(store::PageKey key, bool write, store::BlockDevice& through) {
    const uint32_t slot = index_.find(key);
    if (slot == store::no_slot)
        return first_touch(key, write);
    Page& page = pages_[slot];
    assert_state(page);
    if (page.state == PageState::absent) {
        const FaultAnswer placed = page_in(slot, through);
        if (placed.kind != FaultAnswer::Kind::map)
            return placed;
    }
    if (page.state == PageState::tcb)
        return {FaultAnswer::Kind::map, page.frame, true};
    if (write)
        return make_writable(slot);
    return {FaultAnswer::Kind::map, page.frame, page.state == PageState::dirty};
}

FaultAnswer Pages::first_touch(store::PageKey key, bool write) {
    const bool tcb = is_tcb(key);
    if (tcb && !write)
        return {FaultAnswer::Kind::unused};
    if (store_->first_free_slot() == store::no_slot)
        return {FaultAnswer::Kind::no_slot};
    const uint32_t frame = pool_.take();
    if (frame == no_frame)
        return {FaultAnswer::Kind::out_of_frames};
    if (tcb && !pool_.reserve_one()) { // I5: its copy in every stop
        pool_.add(frame);
        return {FaultAnswer::Kind::out_of_frames};
    }
    const uint32_t slot = store_->allocate(key);
    index_.insert(key, slot);
    __builtin_memset(platform_->memory_of(frame), 0, page_bytes);
    platform_->page_placed(key, frame, l4::PageSource::fresh);
    pages_[slot] = {frame, no_frame, PageState::clean};
    if (tcb) {
        pages_[slot].state = PageState::tcb;
        tcbs_[tcb_count_++] = slot;
    } else if (write) {
        add_to_dirty(slot);
    }
    return {FaultAnswer::Kind::map, frame, write};
}

bool Pages::load(store::PageKey key, const void* content) {
    if (index_.find(key) != store::no_slot || is_tcb(key) || store_->first_free_slot() == store::no_slot)
        return false;
    const uint32_t frame = pool_.take();
    if (frame == no_frame)
        return false;
    const uint32_t slot = store_->allocate(key);
    index_.insert(key, slot);
    __builtin_memcpy(platform_->memory_of(frame), content, page_bytes);
    platform_->page_placed(key, frame, l4::PageSource::fresh);
    pages_[slot] = {frame, no_frame, PageState::clean};
    add_to_dirty(slot);
    return true;
}

FaultAnswer Pages::page_in(uint32_t slot, store::BlockDevice& through) {
    page_in_neighbours(slot, through);
    Page& page = pages_[slot];
    if (page.state == PageState::absent) {
        // Alone: frames are short, or the run could not be read.
        const uint32_t frame = pool_.take();
        if (frame == no_frame)
            return {FaultAnswer::Kind::out_of_frames};
        // The checkpointer may run meanwhile; an absent page is in none of its lists.
        if (store_->load(slot, platform_->memory_of(frame), through) != store::LoadStatus::ok) {
            pool_.add(frame);
            return {FaultAnswer::Kind::damaged};
        }
        place(slot, frame);
    }
    return {FaultAnswer::Kind::map, page.frame, false};
}

// After a restart nearly every page is absent, and a disk moves 64 KB in little more time than 4 KB: pages
// that were first used together come back together.
void Pages::page_in_neighbours(uint32_t slot, store::BlockDevice& through) {
    const store::Store::Run run = store_->run_around(slot);
    if (run.count == 1 || pool_.free() < pool_.reserved() + frames_short ||
        store_->load_run(run, cluster_, through) != store::DeviceStatus::ok)
        return;
    for (uint32_t i = 0; i < run.count; ++i) {
        const uint32_t neighbour = run.first + i;
        const uint8_t* const content = cluster_ + size_t{i} * page_bytes;
        const store::DirectoryEntry& entry = store_->entry(neighbour);
        if (pages_[neighbour].state != PageState::absent || !run.is_valid_block_of(entry) ||
            is_tcb(entry.key()) || !store_->verify(neighbour, content))
            continue;
        const uint32_t frame = pool_.take();
        if (frame == no_frame)
            return;
        __builtin_memcpy(platform_->memory_of(frame), content, page_bytes);
        place(neighbour, frame);
    }
}

void Pages::place(uint32_t slot, uint32_t frame) {
    platform_->page_placed(store_->entry(slot).key(), frame, l4::PageSource::store);
    pages_[slot] = {frame, no_frame, PageState::clean};
}

bool Pages::recover_tcb(uint32_t slot) {
    const uint32_t frame = pool_.take();
    check(frame != no_frame && pool_.reserve_one(), "recovery: fewer frames than TCB pages");
    if (store_->load(slot, platform_->memory_of(frame)) != store::LoadStatus::ok)
        return false;
    platform_->page_placed(store_->entry(slot).key(), frame, l4::PageSource::store);
    pages_[slot] = {frame, no_frame, PageState::tcb};
    tcbs_[tcb_count_++] = slot;
    return true;
}

FaultAnswer Pages::make_writable(uint32_t slot) {
    Page& page = pages_[slot];
    platform_->phase(l4::Phase::write_fault);
    switch (page.state) {
    case PageState::dirty:
        break;
    case PageState::clean:
        add_to_dirty(slot);
        break;
    case PageState::frozen:
    case PageState::writing:
        if (!copy_to_save(page))
            return {FaultAnswer::Kind::wait_for_frame};
        platform_->phase(l4::Phase::write_fault);
        platform_->page_copied(store_->entry(slot).key());
        add_to_dirty(slot);
        break;
    case PageState::absent:
    case PageState::tcb:
        assertion_failed("pages: write fault in an impossible state");
    }
    return {FaultAnswer::Kind::map, page.frame, true};
}

bool Pages::copy_to_save(Page& page) {
    check(page.save == no_frame, "pages: a frozen page with a save frame");
    const uint32_t save = pool_.take();
    if (save == no_frame)
        return false;
    platform_->phase(l4::Phase::copy);
    __builtin_memcpy(platform_->memory_of(save), platform_->memory_of(page.frame), page_bytes);
    page.save = save;
    return true;
}

void Pages::add_to_dirty(uint32_t slot) {
    check(dirty_count_ < frames_, "pages: more dirty pages than frames");
    pages_[slot].state = PageState::dirty;
    dirty_[dirty_count_++] = slot;
}

uint32_t Pages::freeze_all(uint32_t* frozen) {
    const uint32_t count = dirty_count_;
    for (uint32_t i = 0; i < count; ++i) {
        Page& page = pages_[dirty_[i]];
        check(page.state == PageState::dirty && page.save == no_frame,
              "stop: the last checkpoint is not saved");
        platform_->revoke_write(page.frame);
        page.state = PageState::frozen;
        frozen[i] = dirty_[i];
    }
    dirty_count_ = 0;
    return count;
}

uint32_t Pages::freeze_all_tcbs(uint32_t* frozen) {
    for (uint32_t i = 0; i < tcb_count_; ++i) {
        Page& page = pages_[tcbs_[i]];
        check(page.state == PageState::tcb && page.save == no_frame, "stop: a TCB's last copy is not saved");
        page.save = pool_.take_reserved();
        __builtin_memcpy(platform_->memory_of(page.save), platform_->memory_of(page.frame), page_bytes);
        frozen[i] = tcbs_[i];
    }
    return tcb_count_;
}

bool Pages::copy_aside(uint32_t slot) {
    Page& page = pages_[slot];
    if (page.state != PageState::frozen)
        return true; // a write fault was faster, or it is a TCB
    if (!copy_to_save(page))
        return false;
    page.state = PageState::clean;
    return true;
}

const void* Pages::begin_write(uint32_t slot, bool& from_save) {
    Page& page = pages_[slot];
    assert_state(page);
    from_save = page.save != no_frame;
    if (from_save)
        return platform_->memory_of(page.save);
    check(page.state == PageState::frozen, "drain: a page without content for the checkpoint");
    page.state = PageState::writing;
    return platform_->memory_of(page.frame);
}

bool Pages::end_write(uint32_t slot, bool from_save) {
    Page& page = pages_[slot];
    assert_state(page);
    if (!from_save) {
        if (page.state != PageState::writing)
            return true; // the client may have written while the disk read: only the copy is sure
        page.state = PageState::clean;
        return false;
    }
    check(page.save != no_frame, "drain: the save frame is gone");
    if (page.state == PageState::tcb)
        pool_.give_back_reserved(page.save);
    else
        pool_.add(page.save);
    page.save = no_frame;
    return false;
}

void Pages::assert_state(const Page& page) const {
    const bool saved = page.save != no_frame;
    switch (page.state) {
    case PageState::absent:
        check(page.frame == no_frame && !saved, "pages: an absent page with a frame");
        break;
    case PageState::clean:
    case PageState::dirty:
    case PageState::tcb:
        check(page.frame != no_frame, "pages: a present page without a frame");
        break;
    case PageState::frozen:
    case PageState::writing:
        check(page.frame != no_frame && !saved, "pages: a frozen page that was also saved");
        break;
    }
}

} // namespace pager
