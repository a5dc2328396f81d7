// The persistent pages: where each one is, what its frame holds, and what a page fault does.
//
// A page has a slot in the store for life, and from its first use after a start a frame for life: the frame
// is what clients have mapped. Two things are kept apart: the page's *own frame*, and a *save frame* that may
// hold the content the running checkpoint needs while the own frame already changes.
//
//   own frame   meaning                                                    mapped
//   absent      on disk only                                               -
//   clean       content is in the newest snapshot (or never written zero)  read only
//   dirty       changed since the newest snapshot                          writable
//   frozen      content belongs to the running checkpoint, not yet written read only
//   writing     as frozen; the disk is reading the frame                   read only
//   tcb         a TCB page: always writable, copied whole in every stop    in the kernel's TCB array
//
// Legal transitions, with the function that makes them (`+save`: a save frame holds the checkpoint's content):
//
//   (none)          -> clean       fault: first touch by a read
//   (none)          -> dirty       fault: first touch by a write; load
//   (none)          -> tcb         fault: first write to a TCB page
//   absent          -> clean       fault: page-in, and its neighbours
//   absent          -> tcb         recover_tcb
//   clean, +save    -> dirty, +save  fault: write
//   dirty           -> frozen      freeze
//   tcb             -> tcb+save    freeze_tcb
//   frozen          -> clean+save  copy_aside (eager, stop)
//   frozen          -> writing     begin_write
//   frozen, writing -> dirty+save  fault: copy on write
//   writing         -> clean       end_write
//   any+save        -> any         end_write: the save frame is free again
//
// I2: a save frame is freed only by end_write after its content is on its way out, and an own frame never.
// I5: a page is created only with a slot to save it to; a write that needs a save frame waits until the drain
//     has freed one (the drain itself needs none); TCB pages keep a frame reserved each.
#pragma once

#include <cstdint>

#include "pager/checkpoint/frame_pool.hpp"
#include "pager/checkpoint/page_index.hpp"
#include "pager/checkpoint/platform.hpp"
#include "pager/store/store.hpp"

namespace pager {

enum class PageState : uint8_t { absent, clean, dirty, frozen, writing, tcb };

struct Page {
    uint32_t frame = no_frame;
    uint32_t save = no_frame;
    PageState state = PageState::absent;
};

struct FaultAnswer {
    enum class Kind {
        map,
        unused,         // a TCB page that does not exist
        wait_for_frame, // a copy on write: ask again when the drain has freed a frame
        out_of_frames,  // a page without a frame: the same, but perhaps there will never be one
        no_slot,        // the disk is full
        damaged,        // the page cannot be read from the disk
    } kind = Kind::unused;
    uint32_t frame = no_frame;
    bool writable = false;
};

class Pages {
public:
    Pages() = default;
    Pages(const Pages&) = delete;
    Pages& operator=(const Pages&) = delete;

    // Working memory for a disk with so many slots and a machine with so many frames.
    static uint32_t memory_bytes(uint32_t slots, uint32_t frames);

    // `memory` stays with this object. The store is open; pages of its checkpoint are absent until faulted
    // in.
    void initialise(void* memory, uint32_t frames, store::Store& store, Platform& platform);
    void add_frame(uint32_t frame) { pool_.add(frame); }

    // A page fault. Reads from the disk go `through` the given device.
    FaultAnswer fault(store::PageKey key, bool write, store::BlockDevice& through);
    // Creates a page with this content.
    bool load(store::PageKey key, const void* content);
    // Reads a TCB page of the checkpoint that is being recovered.
    bool recover_tcb(uint32_t slot);

    // The stop's.
    // All dirty pages become frozen; appends their slots.
    uint32_t freeze_all(uint32_t* frozen);
    uint32_t freeze_all_tcbs(uint32_t* frozen);

    // The drain's. copy_aside: false if no frame is free.
    bool copy_aside(uint32_t slot);
    // What to write for the running checkpoint: its content, from own or save frame.
    const void* begin_write(uint32_t slot, bool& from_save);
    // True: the page was copied while the disk read its own frame; it must be written again.
    [[nodiscard]] bool end_write(uint32_t slot, bool from_save);

    const Page& page(uint32_t slot) const { return pages_[slot]; }
    uint32_t find(store::PageKey key) const { return index_.find(key); }
    uint32_t tcb_count() const { return tcb_count_; }
    uint32_t tcb_address(uint32_t i) const { return store::key_address(store_->entry(tcbs_[i]).key()); }
    const FramePool& pool() const { return pool_; }

private:
    static bool is_tcb(store::PageKey key) { return store::key_task(key) == 0; }

    FaultAnswer first_touch(store::PageKey key, bool write);
    FaultAnswer page_in(uint32_t slot, store::BlockDevice& through);
    void page_in_neighbours(uint32_t slot, store::BlockDevice& through);
    void place(uint32_t slot, uint32_t frame);
    FaultAnswer make_writable(uint32_t slot);
    bool copy_to_save(Page& page);
    void add_to_dirty(uint32_t slot);
    void assert_state(const Page& page) const;

    Page* pages_ = nullptr; // by slot
    PageIndex index_;
    FramePool pool_;
    uint32_t* dirty_ = nullptr;  // slots of dirty pages, in order of their becoming so
    uint32_t* tcbs_ = nullptr;   // slots of TCB pages
    uint8_t* cluster_ = nullptr; // transfer_bytes_max: what page-in reads at once
    uint32_t dirty_count_ = 0, tcb_count_ = 0, frames_ = 0;
    store::Store* store_ = nullptr;
    Platform* platform_ = nullptr;
};

} // namespace pager
