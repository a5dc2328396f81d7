// The directory: an entry a slot in memory, and the tree of it on disk.
//
//   root sector -> index blocks -> directory blocks -> pages        each parent holds its children's checksums
//
// There are two areas for it, one a parity of the generation, each in two copies: a generation is written to the
// area that the newest valid one does not use (I4). A directory block is written only if it changed since its area
// was last written, two generations ago; the index blocks are always written.
#pragma once

#include <cstdint>

#include "pager/store/block_device.hpp"
#include "pager/store/format.hpp"

namespace store {

class Directory {
public:
    enum class ReadStatus { ok, damaged_index, damaged_block };

    static uint32_t memory_bytes(const Geometry& geometry);
    // `memory` is aligned to 8 and stays the directory's, `staging` (transfer_bytes_max) is shared with its owner.
    // All slots are free.
    void initialise(StoreKind kind, const Geometry& geometry, void* memory, uint8_t* staging);

    const DirectoryEntry& entry(uint32_t slot) const { return entries_[slot]; }
    // Flags that are in memory only.
    void set(uint32_t slot, uint32_t flags) { entries_[slot].key_and_flags |= flags; }
    void clear(uint32_t slot, uint32_t flags) { entries_[slot].key_and_flags &= ~flags; }

    uint32_t free_slots() const { return free_slots_; }
    uint32_t first_free_slot() const { return first_free_; }
    // Lowest first, so that the directory stays short, but first of all those given back; no_slot: all are taken. The
    // slot is in no checkpoint until its first content().
    uint32_t allocate(PageKey key);
    // Gives a slot back that is in no checkpoint.
    void free(uint32_t slot);
    // The next generation does not have the slot's page; then the slot is free.
    void remove(uint32_t slot);

    // The slot's content is now in this block (no_block: it is zero).
    void content(uint32_t slot, uint32_t block, uint32_t checksum);

    // Replaces everything by what a root names; `bad` says which block of it has no good copy.
    ReadStatus read(BlockDevice& device, const RootSector& root, uint32_t& bad);
    // To both copies of the area of root.generation. Fills in the root's fields about pages and directory.
    [[nodiscard]] DeviceStatus write(BlockDevice& device, RootSector& root);
    // After the root is durable: nothing is pending any more, and what it has removed is free.
    void committed(uint32_t generation);

private:
    bool read_index(BlockDevice& device, const RootSector& root, uint32_t number);
    bool read_block(BlockDevice& device, uint32_t parity, uint32_t number);
    void make_free_list();
    DeviceStatus write_changed_blocks(BlockDevice& device, uint32_t parity);
    DeviceStatus write_index(BlockDevice& device, RootSector& root);
    void stage_block(uint32_t number, uint8_t* buffer);
    DeviceStatus write_staged(BlockDevice& device, const uint32_t (&sector)[2], uint32_t blocks);

    StoreKind kind_ = {};
    Geometry geometry_;
    DirectoryEntry* entries_ = nullptr; // a free slot's checksum is the next free slot
    uint8_t* staging_ = nullptr;
    // Per directory block: its checksum, used entries, and in bit p: the area of parity p must get it.
    uint32_t* block_checksum_ = nullptr;
    uint16_t* block_pages_ = nullptr;
    uint8_t* block_changed_ = nullptr;
    uint32_t used_blocks_ = 0; // directory blocks in use
    uint32_t first_free_ = no_slot, free_slots_ = 0;
};

} // namespace store
