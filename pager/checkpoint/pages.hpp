// The persistent pages: what a page fault does to them, what the stop and the drain, how frames are found when memory is
// short, and how programs give pages back. States and transitions: page.hpp.
//
// I2: a save frame is freed only by end_write after its content is on its way out; an own frame only by eviction, when its
//     content is in a checkpoint that is committed.
// I5: a page is created only with a slot to save it to (what is only read while there is none is a frame of zeros that all
//     such pages share, and no page to the store), and is dirty only with a block of the store reserved for what it
//     holds; a write that needs a save frame waits until the drain has freed one (the drain itself needs none); TCB
//     pages have a second frame and a block reserved each.
#pragma once

#include <cstdint>

#include "pager/checkpoint/frame_pool.hpp"
#include "pager/checkpoint/frame_set.hpp"
#include "pager/checkpoint/page.hpp"
#include "pager/checkpoint/page_index.hpp"
#include "pager/checkpoint/platform.hpp"
#include "pager/checkpoint/policy.hpp"
#include "pager/checkpoint/tcb_table.hpp"
#include "pager/store/store.hpp"

namespace pager {

struct FaultAnswer {
    enum class Kind {
        map,
        unused,         // a TCB page that does not exist
        wait_for_frame, // a copy on write: ask again when the drain has freed a frame
        wait_for_store, // no block to save the page to is left: ask again when the store has made room
        out_of_frames,  // a page without a frame, and nothing to evict before the next commit
        no_slot,        // a write, and the disk is full
        wait_for_recovery, // it has not come back yet, or whether there is such a page is not known yet: ask again later
        damaged, // the page cannot be read from the disk
    } kind = Kind::unused;
    uint32_t frame = no_frame;
    bool writable = false;
};

// Pages of one task: neighbouring keys.
struct PageRange {
    store::PageKey first = 0;
    uint32_t count = 0;
};

class Pages {
public:
    Pages() = default;
    Pages(const Pages&) = delete;
    Pages& operator=(const Pages&) = delete;

    // Working memory for a disk with so many slots and a machine with so many frames.
    static uint32_t memory_bytes(uint32_t slots, uint32_t frames);

    // `memory` stays with this object, whatever it holds now. The store is open; pages of its checkpoint are absent
    // until faulted in.
    void initialise(void* memory, uint32_t frames, store::Store& store, Platform& platform,
                    const Policy& policy);
    void add_frames(uint32_t low, uint32_t high);
    // The store has read the entries of more slots.
    void learn(const store::SlotRange& range);

    // A page fault. Reads from the disk go `through` the given device.
    FaultAnswer fault(store::PageKey key, bool write, store::BlockDevice& through);
    // Creates a page with this content.
    bool load(store::PageKey key, const void* content);
    // All TCB pages of the checkpoint that is being recovered get their frames; those are read that this checkpoint has
    // written: their threads ran last. If it does not say which, all. The slot of one that cannot be read, or no_slot.
    uint32_t recover_tcbs(store::BlockDevice& through);
    // The others, while the world runs, which cannot touch them until then.
    uint32_t recover_other_tcbs(store::BlockDevice& through);
    // Those that are there, in the order in which they came.
    uint32_t recovered_tcb_count() const { return recovered_tcbs_; }
    bool are_all_tcbs_recovered() const { return recovered_tcbs_ == tcbs_to_recover_count_; }
    uint32_t recovered_tcb(uint32_t i) const { return tcbs_to_recover_[i]; } // its slot

    // The slots of up to `capacity` resident pages, those first that were written in the last interval.
    uint32_t collect_working_set(uint32_t* slots, uint32_t capacity) const;
    // Leaves of any list of slots those of absent pages, in the order in which prefetch() reads them best; how many.
    // `scratch` is as long.
    uint32_t prepare_prefetch(uint32_t* slots, uint32_t* scratch, uint32_t count) const;
    // Reads the first of these pages, as many as one request can, unless they came by themselves meanwhile; returns how
    // many. False guesses cost frames: not to be called when those are short.
    uint32_t prefetch(const uint32_t* slots, uint32_t count, store::BlockDevice& through);
    bool has_plenty_of_frames() const;

    // Gives pages of a task back (none of TCBs), a limited number at once: from the part of the range that `next` of the
    // call before says, at first 0; `next` 0: all is done.
    struct DiscardedPart {
        uint32_t pages = 0, next = 0;
    };
    DiscardedPart discard_some(const PageRange& range, uint32_t from);

    // The stop's, for the snapshot of `epoch`. Both append the slots that have content for it.
    // All dirty pages become frozen, or are copied at once and stay as they are.
    uint32_t freeze_all(uint32_t epoch, uint32_t* frozen);
    uint32_t freeze_all_tcbs(uint32_t* frozen);
    // What was discarded so far is not part of it.
    void begin_removals();
    // After both: no client has a page mapped. Faults are not to be answered any more.
    void unmap_all();

    // The drain's. copy_aside: false if no frame is free.
    bool copy_aside(uint32_t slot);
    // What to write for the running checkpoint: its content, from own or save frame.
    const void* content_to_write(uint32_t slot) const;
    // It is being written from here on.
    void begin_write(uint32_t slot);
    // page_checksum() of what is to be written, if it was taken when that was copied; otherwise 0.
    uint32_t known_checksum(uint32_t slot) const {
        return pages_[slot].is_saved() ? save_checksums_[slot] : 0;
    }
    // The disk has it.
    void end_write(uint32_t slot);
    // Takes some discarded pages out of the directory of the running checkpoint. False: that were all.
    bool remove_some();

    // The checkpoint is durable.
    void committed();

    const Page& page(uint32_t slot) const { return pages_[slot]; }
    uint32_t find(store::PageKey key) const { return index_.find(key); }
    uint32_t page_count() const { return index_.count(); } // that are known
    uint32_t frames() const { return frames_; }
    uint32_t dirty_count() const { return dirty_count_; }
    uint32_t tcb_count() const { return tcbs_.page_count(); }
    uint32_t tcb_frame_count() const { return 2 * tcbs_.page_count(); }
    // Slots that the running checkpoint's commit will free, and the one's after it.
    uint32_t removing_count() const { return removing_count_; }
    uint32_t discarded_count() const { return discarded_count_; }
    const FramePool& pool() const { return pool_; }

private:
    static constexpr uint32_t page_bytes = store::block_bytes;
    // Blocks that are read for nothing sooner than with another request: usually, and when many page-ins would come between.
    static constexpr uint32_t gap_usual = 3, gap_among_page_ins = 31;

    // Pages are initialised when something is known of a directory block's slots.
    static constexpr uint32_t directory_blocks_max =
        (store::slots_max + store::entries_per_block - 1) / store::entries_per_block;

    static bool is_tcb(store::PageKey key) { return store::key_task(key) == 0; }

    FaultAnswer first_touch(store::PageKey key, bool write);
    FaultAnswer share_zeros(store::PageKey key);
    FaultAnswer page_in(uint32_t slot, store::BlockDevice& through);
    void page_in_neighbours(uint32_t slot, store::BlockDevice& through);
    void place(uint32_t slot, uint32_t frame);
    // The pages of its directory block. False: they were already.
    bool initialise_around(uint32_t slot);
    void sort_by_block(uint32_t* slots, uint32_t* scratch, uint32_t count) const;
    uint32_t neighbours(const uint32_t* slots, uint32_t count, uint32_t max_gap, store::Run& run) const;
    uint32_t read_neighbours(const uint32_t* slots, uint32_t count, store::BlockDevice& through);
    bool may_prefetch(uint32_t slot) const;
    bool is_newest(const Page& page) const { return page.frozen_epoch > store_->epoch(); }
    void place_zeros(uint32_t slot, uint32_t frame);
    // Whatever the fault was. Not while room in the store is short: what is only read then needs none.
    bool maps_writable() const { return policy_.tracking == Tracking::dirty_bits && !store_->is_short(); }
    FaultAnswer make_writable(uint32_t slot);
    bool copy_to_save(uint32_t slot);
    bool copy_to_save_and_sum(uint32_t slot);
    bool leave_frame_to_disk(uint32_t slot);
    void save_in(uint32_t slot, uint32_t frame) {
        pages_[slot].save = frame;
        save_checksums_[slot] = 0; // not known
    }
    void add_to_dirty(uint32_t slot);
    void drop_stale_from_dirty();

    bool was_written(uint32_t place);
    void ask_which_were_written(uint32_t place);
    bool is_copied_in_stop(const Page& page) const;
    void freeze(uint32_t slot);
    void copy_tcb(const TcbPage& tcb, bool whole);

    uint32_t take_frame();
    bool take_tcb_frames(uint32_t& frame, uint32_t& copy);
    uint32_t put_recent_tcbs_first();
    void take_frames_for_recovered_tcbs();
    uint32_t read_tcbs(uint32_t end, uint32_t gap_max, store::BlockDevice& through);
    void evict(uint32_t wanted);
    bool may_evict(const Page& page) const;
    bool has_second_chance(Page& page, uint32_t& chances);
    void note_status(Page& page, uint32_t status);
    bool try_to_evict(uint32_t slot);
    void add_to_resident(uint32_t slot) {
        pages_[slot].place = resident_count_;
        resident_[resident_count_++] = slot;
        nothing_to_evict_ = false;
    }
    void remove_from_resident(uint32_t slot) {
        const uint32_t last = resident_[--resident_count_];
        resident_[pages_[slot].place] = last;
        pages_[last].place = pages_[slot].place;
    }

    void discard(uint32_t slot);

    Page* pages_ = nullptr;                                       // by slot
    uint32_t initialised_[(directory_blocks_max + 31) / 32] = {}; // of them: a bit a directory block
    uint32_t* save_checksums_ = nullptr;                          // by slot
    PageIndex index_;
    FramePool pool_;
    TcbTable tcbs_;
    FrameSet revoked_;             // what the stop is about to take write access from
    uint32_t zeros_ = no_frame;    // nobody ever writes to it
    uint32_t* dirty_ = nullptr;    // slots of dirty pages, in order of their becoming so; some may be evicted
    uint32_t* resident_ = nullptr; // slots of all other pages with a frame
    uint8_t* cluster_ = nullptr;   // store::run_blocks_max pages: what page-in reads at once
    uint32_t* tcbs_to_recover_ = nullptr; // slots of TCB pages
    uint32_t* tcb_frames_ = nullptr;      // theirs
    uint32_t tcbs_to_recover_count_ = 0, recovered_tcbs_ = 0;
    uint32_t dirty_count_ = 0, resident_count_ = 0, frames_ = 0;
    uint32_t asked_end_ = 0; // in dirty_: whether what is before it was written is known in this stop
    uint32_t discarded_ = store::no_slot,
             removing_ = store::no_slot;                // lists: discarded after, before the newest stop
    uint32_t discarded_count_ = 0, removing_count_ = 0; // removing: until the commit
    uint32_t next_run_ = 0;                             // the slots behind those read last, in runs
    uint32_t clock_hand_ = 0;                           // in resident_: where the search for a victim goes on
    bool nothing_to_evict_ = false;
    uint32_t fruitless_epoch_ = 0; // in which a search found that
    store::Store* store_ = nullptr;
    Platform* platform_ = nullptr;
    Policy policy_;
};

} // namespace pager
