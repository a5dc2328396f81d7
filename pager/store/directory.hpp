// The directory: an entry a slot in memory, and the tree of it on disk.
//
//   root sector -> index blocks -> directory blocks -> pages        each parent holds its children's checksums
//
// There are two areas for it, one a parity of the generation, each in two copies: a generation is written to the
// area that the newest valid one does not use (I4). A directory block is written only if it changed since its area
// was last written, two generations ago; the index blocks are always written.
//
// A large world's directory takes longer to read than a restart may last, so it is read in pieces. A block is
//
//   unused      behind the last one in use: all its slots are free, nothing of it is in memory
//   on_disk     in use, not read yet: which of its slots are free is unknown
//   partial     the same, but some of its entries are in memory: recent ones
//   present     in memory
//
//   unused  -> present            allocate
//   on_disk -> partial            open, with the recent entries
//   on_disk, partial -> present   open: with the groups that hold TCB pages, as the index tells; read_more: the rest
//
// To keep the groups of TCB pages few and short, these get directory blocks of their own (slots.cpp). Nothing is written
// before all is present.
//
// Recent entries. What a checkpoint has written was in use then, and is what a restarted world touches first; its entries
// lie scattered over the directory. A copy of some of them is written beside the index and read with it.
#pragma once

#include <cstdint>

#include "pager/store/block_device.hpp"
#include "pager/store/format.hpp"
#include "pager/store/recent_slots.hpp"

namespace store {

struct SlotRange {
    uint32_t first = 0, end = 0;
};

class Directory {
public:
    enum class ReadStatus { ok, damaged_index, damaged_block };

    static uint32_t memory_bytes(const Geometry& geometry);
    // `memory` is aligned to 8 and stays the directory's, whatever it holds now; `staging` (transfer_bytes_max) is
    // shared with its owner. All slots are free.
    void initialise(StoreKind kind, const Geometry& geometry, void* memory, uint8_t* staging);

    // Of a slot whose block is not present: as if it were free.
    const DirectoryEntry& entry(uint32_t slot) const {
        return blocks_[slot / entries_per_block].state >= BlockState::partial ? entries_[slot] : free_entry;
    }
    // Flags that are in memory only.
    void set(uint32_t slot, uint32_t flags) { entries_[slot].key_and_flags |= flags; }
    void clear(uint32_t slot, uint32_t flags) { entries_[slot].key_and_flags &= ~flags; }

    uint32_t free_slots() const { return free_slots_; } // wherever they are
    // The slot that allocate() gives; no_slot: none is free, or none that is known.
    uint32_t first_free_slot(bool for_tcb) const;
    // The slot is in no checkpoint until its first content().
    uint32_t allocate(PageKey key);
    // Gives a slot back that is in no checkpoint.
    void free(uint32_t slot);
    // The next generation does not have the slot's page; then the slot is free.
    void remove(uint32_t slot);

    // The slot's content is now in this block (no_block: it is zero).
    void content(uint32_t slot, uint32_t block, uint32_t checksum);

    // A checkpoint writes the slot. Once for each, before its content().
    void note_recent(uint32_t slot) { recent_.note(slot, key_task(entry(slot).key()) == 0); }
    // It is committed.
    void end_recent() { recent_.end(); }
    // Of the newest checkpoint, TCB pages first. Their entries are known.
    const RecentSlots& recent() const { return recent_; }

    // Replaces everything by what a root names: the index, the recent entries, and the blocks with TCB pages. `bad` says
    // which block has no good copy.
    ReadStatus open(BlockDevice& device, const RootSector& root, uint32_t& bad);
    // Reads the next blocks that are still on disk only; blocks in the device alone. `range`: whose entries there are
    // now. Nothing to do when is_complete().
    ReadStatus read_more(BlockDevice& device, SlotRange& range, uint32_t& bad);
    bool is_complete() const { return unread_blocks_ == 0; }
    // The slots of the present blocks from `from` on that lie side by side; an empty range: there are no more.
    SlotRange present_slots(uint32_t from) const;

    // To both copies of the area of root.generation. Fills in the root's fields about pages and directory.
    [[nodiscard]] DeviceStatus write(BlockDevice& device, RootSector& root);
    // After the root is durable: nothing is pending any more, and what it has removed is free.
    void committed(uint32_t generation);

private:
    enum class BlockState : uint8_t { unused, on_disk, partial, present };
    struct Block {
        uint32_t checksum = 0;
        uint16_t pages = 0;      // used entries of the newest generation
        uint16_t free = 0;       // slots that belong to no page
        uint16_t first_free = 0; // of them, by its place in the block
        BlockState state = BlockState::unused;
        uint8_t changed = 0;      // in bit p: the area of parity p must get it
        bool has_tcbs = false;    // in the newest generation
        bool is_for_tcbs = false; // or is meant to

        bool is_unread() const { return state == BlockState::on_disk || state == BlockState::partial; }
    };
    static constexpr DirectoryEntry free_entry = {};
    // What is read at once: aligned groups of directory blocks.
    static constexpr uint32_t group_blocks = transfer_segments_max;

    void clear();
    uint32_t slots_in(uint32_t number) const;
    uint32_t block_with_free_slot(bool for_tcb) const;
    uint32_t free_slot_in(uint32_t number) const {
        return number * entries_per_block + blocks_[number].first_free;
    }
    void make_empty(uint32_t number);
    void make_present(uint32_t number);
    void set_aside_for_tcbs(uint32_t number);

    template<class SectorOf, class Accept>
    bool read_blocks(BlockDevice& device, uint32_t first, uint32_t end, SectorOf&& sector_of,
                     Accept&& accept_copy, uint32_t& bad);
    bool read_top(BlockDevice& device, const RootSector& root, uint32_t& bad);
    bool accept_recent(const RootSector& root, uint32_t number, const uint8_t* buffer);
    bool accept_index(const RootSector& root, uint32_t number, const uint8_t* buffer);
    bool read_group(BlockDevice& device, uint32_t number, uint32_t& bad);
    bool accept(uint32_t number, const uint8_t* buffer, uint32_t copy);
    DeviceStatus write_changed_blocks(BlockDevice& device, uint32_t parity);
    DeviceStatus write_top(BlockDevice& device, RootSector& root);
    void stage_recent(uint32_t number, RootSector& root, uint8_t* buffer);
    void stage_index(uint32_t number, RootSector& root, uint8_t* buffer);
    void stage_block(uint32_t number, uint8_t* buffer);
    DeviceStatus write_staged(BlockDevice& device, const uint32_t (&sector)[2], uint32_t blocks);

    StoreKind kind_ = {};
    Geometry geometry_;
    DirectoryEntry* entries_ = nullptr; // a free slot's checksum is the next free slot's place in the block
    Block* blocks_ = nullptr;
    uint8_t* staging_ = nullptr;
    RecentSlots recent_;
    uint32_t parity_ = 0;        // of the generation that is read
    uint32_t used_blocks_ = 0;   // directory blocks in use
    uint32_t unread_blocks_ = 0; // of them
    uint32_t next_unread_ = 0;   // no block before it is
    uint32_t free_slots_ = 0;
    uint32_t lowest_free_ = 0; // no block before it that is not for TCBs has a known free slot
};

} // namespace store
