// The checkpoint store: one checkpoint after another on a disk, the newest always wholly recoverable.
//
// Every page has a slot until it is given back; the directory says in which block of the disk a slot's content is. The two kinds
// of store differ only in the block that a page is written to (AbStore, LogStore); everything else is here:
// sectors, directory, opening, the order of a commit. Steps of a checkpoint:
//
//   prepare()*       says which contents go to which blocks, none of which the newest checkpoint uses (I4); the caller
//                    writes them, in any order and several at once, and all are written before the commit
//   commit()         flush; directory area of the new generation's parity, twice; flush;
//                    root sector, then its copy; flush
//
// Before the root's sector write open() finds the previous generation, after it the new one (I3). commit()
// returns after both root copies are durable, so a root place of which *both* copies are bad means damage,
// never a power cut: of two single-sector writes in flight at most one is torn. open() then refuses to guess
// (I9).
//
// A generation is one root write, an epoch one checkpoint. They differ where pages were only moved: the same
// epoch is then committed again, in a newer generation (commit_moves()).
//
// No allocation, no exceptions: the caller gives the memory. Portable: the same code runs in the checkpoint
// server, in host tests and in host tools (open() and load() never write).
#pragma once

#include <cstdint>

#include "pager/store/block_device.hpp"
#include "pager/store/directory.hpp"
#include "pager/store/format.hpp"

namespace store {

enum class OpenStatus : uint32_t {
    checkpoint,        // root() describes it; its pages are the slots with entry(slot).is_used()
    empty,             // formatted, nothing was ever committed
    blank,             // never formatted: format() may be called
    foreign,           // neither blank nor ours
    other_kind,        // a store of kind `damage.number`
    damaged_roots,     // both copies of a root place are bad: epoch `damage.epoch` or two before it is lost
    damaged_index,     // both copies of index block `damage.number` of epoch `damage.epoch`
    damaged_directory, // both copies of directory block `damage.number` of epoch `damage.epoch`
    damaged_page,      // with older_allowed only: the older checkpoint is not whole; slot `damage.number`
    wrong_version,     // of format `damage.number`
    too_small,
    no_memory,
    device_failed,
};

struct Damage {
    uint32_t epoch = 0, number = 0;
};

// How much of the directory open() reads: all; or what a world needs to go on, see Store::read_more().
enum class Reading { whole, as_needed };

enum class LoadStatus : uint32_t { ok, unused, unreadable, wrong_checksum };
enum class CommitStatus : uint32_t { ok, device_failed };
// Which pages are moved: those that will not be written anew anyway; those that must go before more pages can become
// dirty, unless only a checkpoint helps there; all.
enum class Moving { lazily, for_writers, for_stop };
enum class MoveStatus : uint32_t { moved, nothing_to_move, device_failed };

struct PageWrite {
    uint32_t slot = no_slot;
    const void* content = nullptr; // block_bytes
    bool is_dirty = false;         // it has changed since; what it is now is reserved too
    uint32_t checksum = 0;         // page_checksum() of the content if it is known already, or 0
};

struct WriteRequest { // neighbouring blocks
    uint32_t sector = 0, segments = 0;
    Segment segment[transfer_segments_max];
};

struct Run { // neighbouring blocks of the page area
    uint32_t first = no_block, count = 0;
};

struct Snapshot { // what the root says about the instant
    uint64_t clock_us = 0;
    uint32_t session = 0, tcb_bytes = 0, tcb_pages = 0;
    uint8_t build_id[20] = {};
    bool last_of_session = false; // of a controlled shutdown: nothing persistent runs after it
};

// Which kind of store a disk holds, by its label or, if that is lost, its roots. False: none.
[[nodiscard]] bool find_kind(BlockDevice& device, StoreKind& kind);

class Store {
public:
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    StoreKind kind() const { return kind_; }

    // Bytes of working memory for a disk of this size; 0 if the disk is too small.
    virtual uint32_t memory_bytes(uint32_t disk_sectors) const;

    // Finds the newest valid checkpoint; writes nothing. `memory` is page aligned and stays the store's, whatever it
    // holds now. older_allowed: if the newest cannot be read, take the one before, provided that all of it verifies
    // (degraded()); then the whole directory is read in any case.
    [[nodiscard]] OpenStatus open(BlockDevice& device, void* memory, uint32_t bytes,
                                  bool older_allowed = false, Reading reading = Reading::whole);
    // After an opening as needed, which has read the recent entries, those of all TCB pages and some others: reads the next part of
    // the directory. `range`: the slots whose entries are known now. checkpoint, or damaged_directory.
    [[nodiscard]] OpenStatus read_more(SlotRange& range);
    // Slots that the newest checkpoint has written, TCB pages first; not all, if these are many. Their entries are known
    // from open() on, unless the copy of them is damaged: then there are none.
    const RecentSlots& recent() const { return directory_.recent(); }
    // All entries are known. Until then a slot that is not counts as free but is not given away; pages cannot be
    // written, moved or committed.
    bool is_complete() const { return directory_.is_complete(); }
    // The slots from `from` on whose entries are known and that lie side by side; an empty range: there are no more.
    SlotRange known_slots(uint32_t from) const { return directory_.present_slots(from); }
    const Damage& damage() const { return damage_; }
    bool degraded() const { return degraded_; }

    // After open() said blank (or, on request, anything else): makes the disk ours, without a checkpoint.
    [[nodiscard]] bool format();

    // Before anything runs from a recovered checkpoint: writes label and root copies that are bad or behind again.
    [[nodiscard]] bool repair();

    // Counts this start; returns the session's number, 0 on failure. Durable when it returns.
    [[nodiscard]] uint32_t begin_session();

    // Whether the checkpoint is *clean*: the last one of a controlled shutdown, and no start has been counted since. So
    // it takes no write of its own to mark a checkpoint clean, nor to clear the mark: the first is part of the commit,
    // the other of begin_session(), after which it tells how the session before ended.
    bool is_clean() const { return clean_; }
    // Finds that out on a disk that was only opened.
    [[nodiscard]] bool find_clean();

    // The newest committed checkpoint (epoch 0: none).
    uint32_t epoch() const { return root_.epoch; }
    const RootSector& root() const { return root_; }
    const Geometry& geometry() const { return geometry_; }
    uint32_t slots() const { return geometry_.slots; }
    uint32_t free_slots() const { return directory_.free_slots(); }
    // The slot that allocate() gives to a page of a task, or to a TCB page; no_slot: none.
    uint32_t first_free_slot(bool for_tcb = false) const { return directory_.first_free_slot(for_tcb); }
    const DirectoryEntry& entry(uint32_t slot) const { return directory_.entry(slot); }

    // Reads the valid content of a slot and verifies it.
    [[nodiscard]] LoadStatus load(uint32_t slot, void* buffer) const { return load(slot, buffer, *device_); }
    // The same through another access path to the same disk, for a thread of its own.
    [[nodiscard]] LoadStatus load(uint32_t slot, void* buffer, BlockDevice& through) const;

    // What one request can read around a slot's valid block (which it must have): of an aligned group of
    // run_blocks_max blocks the part between the first and the last that are valid.
    Run run_around(uint32_t slot) const;
    // Reads a run's blocks one behind the other; verify() each before use.
    [[nodiscard]] DeviceStatus load_run(const Run& run, void* buffer, BlockDevice& through) const;
    // The same into the store's own buffer, as long as nothing else is called here that reads or writes; null: it failed.
    [[nodiscard]] const uint8_t* load_run(const Run& run, BlockDevice& through);
    // Whose valid content is in this block; no_slot: nobody's.
    virtual uint32_t slot_of(uint32_t block) const = 0;
    bool verify(uint32_t slot, const void* content) const;

    // A slot for a new page, lowest first; no_slot if the disk is full (or, not is_complete(), perhaps is not). The
    // page is in no checkpoint until written.
    uint32_t allocate(PageKey key) { return directory_.allocate(key); }
    // Gives back the slot of a page that is in no checkpoint, not even the running one, and has nothing reserved.
    void free(uint32_t slot) { directory_.free(slot); }
    // The page is in the newest checkpoint, but not in the running one, after whose commit the slot is free. Only from
    // the running one's snapshot on: commit_moves() would take the page out of the newest.
    void remove(uint32_t slot) { directory_.remove(slot); }

    // I5: before a page's content may change, the block for its next content is reserved. False: there is none;
    // the writer waits for a commit or for moves. A TCB page, which is in every checkpoint, reserves once for life.
    [[nodiscard]] virtual bool reserve(uint32_t slot) = 0;
    // The page is as it was; it will not be written.
    virtual void release(uint32_t slot) = 0;
    virtual bool can_reserve() const = 0;
    // Reservations that can be done without should be given back.
    virtual bool is_short() const { return false; }
    // All that is reserved has a block: a snapshot may be taken. False: moves and their commit will make it so.
    virtual bool can_begin() const = 0;

    // The order in which the pages of a checkpoint are best written: ascending in this.
    virtual uint32_t target_sector(uint32_t slot) const = 0;
    // How many of these slots, in this order, prepare() puts into one request; at least 1.
    virtual uint32_t batch_length(const uint32_t* slots, uint32_t count) const = 0;

    // Gives blocks to the first of these pages, as many as one request can write (none for zero pages); returns
    // how many. Asked again for the same page with the same content before commit(), it gives the same block.
    uint32_t prepare(const PageWrite* pages, uint32_t count, WriteRequest& request);

    // Makes the written pages, and all others as they were, epoch() + 1. After a failure it can be called
    // again.
    [[nodiscard]] CommitStatus commit(const Snapshot& snapshot);

    // With the next checkpoint's pages: which slots are in use. It is only a hint, and may be lost. False: the disk failed.
    bool write_working_set(const uint32_t* slots, uint32_t count);
    // The last one that was written, at most `capacity` slots; none if it is lost. Nothing about them is sure.
    uint32_t read_working_set(uint32_t* slots, uint32_t capacity);

    // Between checkpoints: moves a few pages to where they do not stand in the way. They count with the next
    // commit, of a checkpoint or of the moves alone.
    [[nodiscard]] virtual MoveStatus move_some(Moving /*how*/) { return MoveStatus::nothing_to_move; }
    // Some do not count yet.
    virtual bool has_moved() const { return false; }
    // It is time for that although nobody waits.
    virtual bool should_move() const { return false; }
    // The newest checkpoint as it is, with its pages where they are now.
    [[nodiscard]] CommitStatus commit_moves();

protected:
    explicit Store(StoreKind kind) : kind_{kind} {}
    ~Store() = default; // never deleted through this interface

    // Takes what it needs from memory_bytes() beyond this class's own part.
    virtual void take_memory(uint8_t* /*memory*/) {}
    // root() is the newest; nothing is known of the directory yet.
    virtual void opened() {}
    // The entries of these slots are known now; those of all.
    virtual void learned(const SlotRange& /*range*/) {}
    virtual void completed() {}
    // The block that this content goes to; no_block: the directory alone says it all.
    virtual uint32_t place(const PageWrite& page) = 0;
    virtual void describe(RootSector& /*root*/) const {}
    virtual void committed() {}

    BlockDevice& device() const { return *device_; }
    uint8_t* staging() const { return staging_; } // transfer_bytes_max, not across calls
    Directory directory_;

private:
    struct RootPlace;

    struct LastSession {
        uint32_t number = 0; // 0: none, or not known
        bool lost = false;   // a start was counted, but neither copy can be read
    };
    LastSession read_session();
    bool is_clean_after(const LastSession& last) const;

    OpenStatus divide_memory(void* memory, uint32_t bytes, uint32_t disk_sectors);
    OpenStatus read_labels();
    OpenStatus read_roots(RootPlace (&place)[2]);
    OpenStatus open_without_checkpoint(const RootPlace (&place)[2]);
    OpenStatus choose_checkpoint(const RootPlace (&place)[2], bool older_allowed, Reading reading);
    OpenStatus read_directory(const RootSector& root, Reading reading);
    OpenStatus directory_status(Directory::ReadStatus status, const RootSector& root, uint32_t bad);
    void make_known();
    bool verify_all_pages();
    CommitStatus write_generation(RootSector root);

    const StoreKind kind_;
    BlockDevice* device_ = nullptr;
    Geometry geometry_;
    RootSector root_ = {};
    Damage damage_;
    LastSession last_session_;
    bool labelled_ = false, foreign_ = false; // what the label sectors say
    bool degraded_ = false;
    bool repair_label_[2] = {};      // copies that are bad
    bool repair_root_[2] = {};       // copies of the newest root that are bad or behind
    bool clear_other_place_ = false; // the newer checkpoint was given up
    bool clean_ = false;
    uint8_t* staging_ = nullptr; // transfer_bytes_max, for directory blocks and moves
};

} // namespace store
