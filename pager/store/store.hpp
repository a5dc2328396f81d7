// The a/b store: one checkpoint after another on a disk, the newest always wholly recoverable.
//
// Every page has a slot for life, and a slot two blocks, a and b (Skoglund, Ceelen, Liedtke 2000). The
// directory of the newest checkpoint says which of the two is valid; the next checkpoint writes the other
// (I4). Steps of a checkpoint:
//
//   write_pages()*   contents into the blocks that the newest checkpoint does not use
//   commit()         flush; directory area of the new epoch's parity, twice; flush;
//                    root sector, then its copy; flush
//
// Before the root's sector write the previous epoch is what open() finds, after it the new one (I3). commit()
// returns after both root copies are durable, so a root place of which *both* copies are bad means damage,
// never a power cut: of two single-sector writes in flight at most one is torn. open() then refuses to guess
// (I9).
//
// A directory block is written only if it changed since its area was last written, two epochs ago.
//
// No allocation, no exceptions: the caller gives the memory. Portable: the same code runs in the checkpoint
// server, in host tests and in host tools (open() and load() never write).
#pragma once

#include <cstdint>

#include "pager/store/block_device.hpp"
#include "pager/store/format.hpp"

namespace store {

inline constexpr uint32_t no_slot = 0xFFFFFFFFu;

enum class OpenStatus : uint32_t {
    checkpoint,        // root() describes it; its pages are the slots with entry(slot).is_used()
    empty,             // formatted, nothing was ever committed
    blank,             // never formatted: format() may be called
    foreign,           // neither blank nor ours
    damaged_roots,     // both copies of a root place are bad: epoch `damage.epoch` or two before it is lost
    damaged_index,     // both copies of the index of epoch `damage.epoch`
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

enum class LoadStatus : uint32_t { ok, unused, unreadable, wrong_checksum };
enum class CommitStatus : uint32_t { ok, device_failed };

struct PageWrite {
    uint32_t slot = no_slot;
    const void* content = nullptr; // block_bytes
};

struct Snapshot { // what the root says about the instant
    uint64_t clock_us = 0;
    uint32_t session = 0, tcb_bytes = 0, tcb_pages = 0;
    uint8_t build_id[20] = {};
};

class Store {
public:
    Store() = default;
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    // Bytes of working memory for a disk of this size; 0 if the disk is too small.
    static uint32_t memory_bytes(uint32_t disk_sectors);

    // Finds the newest valid checkpoint; writes nothing. `memory` is page aligned and stays the store's.
    // older_allowed: if the newest cannot be read, take the one before, provided that all of it verifies
    // (degraded()).
    [[nodiscard]] OpenStatus open(BlockDevice& device, void* memory, uint32_t bytes,
                                  bool older_allowed = false);
    const Damage& damage() const { return damage_; }
    bool degraded() const { return degraded_; }

    // After open() said blank (or, on request, anything else): makes the disk ours, without a checkpoint.
    [[nodiscard]] bool format();

    // Before anything runs from a recovered checkpoint: writes root copies that are bad or behind again.
    [[nodiscard]] bool repair();

    // Counts this start; returns the session's number, 0 on failure. Durable when it returns.
    [[nodiscard]] uint32_t begin_session();

    // The newest committed checkpoint (epoch 0: none).
    uint32_t epoch() const { return root_.epoch; }
    const RootSector& root() const { return root_; }
    const Geometry& geometry() const { return geometry_; }
    uint32_t slots() const { return geometry_.slots; }
    uint32_t free_slots() const { return free_slots_; }
    uint32_t first_free_slot() const { return first_free_; } // no_slot: none
    const DirectoryEntry& entry(uint32_t slot) const { return entries_[slot]; }

    // Reads the valid block of a slot and verifies it.
    [[nodiscard]] LoadStatus load(uint32_t slot, void* buffer) const { return load(slot, buffer, *device_); }
    // The same through another access path to the same disk, for a thread of its own.
    [[nodiscard]] LoadStatus load(uint32_t slot, void* buffer, BlockDevice& through) const;

    // What one request can read around `slot`: the blocks that lie beside its valid one, of slots [first,
    // first + count) in an aligned group of transfer_segments_max. Those slots whose other block is valid
    // come along unused.
    struct Run {
        uint32_t first = no_slot, count = 0;
        bool block_b = false;
        bool is_valid_block_of(const DirectoryEntry& entry) const {
            return entry.is_used() && entry.is_block_b() == block_b;
        }
    };
    Run run_around(uint32_t slot) const;
    // Reads a run's blocks one behind the other; verify() each before use.
    [[nodiscard]] DeviceStatus load_run(const Run& run, void* buffer, BlockDevice& through) const;
    bool verify(uint32_t slot, const void* content) const;

    // A slot for a new page, lowest first; no_slot if the disk is full. The page is in no checkpoint until
    // written.
    uint32_t allocate(PageKey key);

    // Where write_pages() will put the page: pages in ascending order of this make the fewest and largest
    // requests.
    uint32_t target_sector(uint32_t slot) const;

    // Writes at most transfer_segments_max pages of the running checkpoint. A page may be written again
    // before commit().
    [[nodiscard]] DeviceStatus write_pages(const PageWrite* pages, uint32_t count);

    // Makes the written pages, and all others as they were, epoch() + 1. After a failure it can be called
    // again.
    [[nodiscard]] CommitStatus commit(const Snapshot& snapshot);

private:
    // Flags of entries_ that never reach the disk.
    static constexpr uint32_t pending = 1u << 30;  // flags and checksum are the running checkpoint's
    static constexpr uint32_t assigned = 1u << 31; // the slot belongs to a page

    OpenStatus take_memory(void* memory, uint32_t bytes, uint32_t disk_sectors);
    OpenStatus open_without_checkpoint();
    OpenStatus read_directory(const RootSector& root);
    bool read_index(const RootSector& root, uint32_t& bad_copies);
    bool read_directory_block(const RootSector& root, uint32_t number, uint32_t& bad_copies);
    bool verify_all_pages();
    void make_free_list();
    bool write_directory(uint32_t epoch, uint32_t& index_checksum, uint32_t& pages);
    void stage_directory_block(uint32_t number, uint8_t* buffer);
    bool write_staged(uint32_t parity, uint32_t first_block, uint32_t count);

    BlockDevice* device_ = nullptr;
    Geometry geometry_;
    RootSector root_ = {};
    Damage damage_;
    bool degraded_ = false;
    bool repair_root_[2] = {};       // copies of the newest root that are bad or behind
    bool clear_other_place_ = false; // the newer checkpoint was given up

    DirectoryEntry* entries_ = nullptr; // per slot; a free slot's checksum is the next free slot
    uint8_t* staging_ = nullptr;        // transfer_bytes_max, for directory blocks
    // Per directory block: its checksum, used entries, and in bit p: the area of parity p must get it.
    uint32_t* block_checksum_ = nullptr;
    uint16_t* block_pages_ = nullptr;
    uint8_t* block_changed_ = nullptr;
    uint32_t used_blocks_ = 0; // directory blocks in use
    uint32_t first_free_ = no_slot, free_slots_ = 0;
};

} // namespace store
