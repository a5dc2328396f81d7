// The checkpoint disk's format, byte by byte, of both stores. All numbers are little-endian; the page
// docs/disk-format.md shows the same layout in prose.
//
//   sector 0         label (copy at 64)                  written when the disk is formatted
//   sector 8         session (copy at 72)                written at every start
//   sector 16        root, even generations (copy at 80)
//   sector 24        root, odd generations (copy at 88)
//   sector 128       directory areas: even, odd, even's copy, odd's copy;
//                    each one the recent entries, the index blocks and the directory blocks
//   then             the working set
//   then             the page area: blocks of 4 KB
//                      ab:  block a of every slot, then block b of every slot
//                      log: the home block of every slot, then the circular log
//
// A root names its recent entries and index blocks by checksum, an index block its directory blocks, a directory entry the
// page's content: whatever a root reaches is checked from top to bottom.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pager/store/block_device.hpp"

namespace store {

inline constexpr uint32_t format_version = 4;

enum class StoreKind : uint32_t { ab = 1, log = 2 };
constexpr const char* name_of(StoreKind kind) {
    return kind == StoreKind::ab ? "ab" : "log";
}

// What a page-in reads at once at most: neighbours in an aligned group of blocks.
inline constexpr uint32_t run_blocks_max = 16;
static_assert(run_blocks_max <= transfer_segments_max);

inline constexpr uint32_t no_slot = 0xFFFFFFFFu, no_block = 0xFFFFFFFFu;

// A page's name: task (0: a TCB page) and page number, address[31:12]. Never 0: nobody has a page at 0.
using PageKey = uint32_t;
constexpr PageKey page_key(uint32_t task, uint32_t address) {
    return (task & 0xFFu) << 20 | address >> 12;
}
constexpr uint32_t key_task(PageKey key) {
    return key >> 20 & 0xFFu;
}
constexpr uint32_t key_address(PageKey key) {
    return key << 12;
}

inline constexpr uint32_t label_magic = 0x4C425846, session_magic = 0x45535846, root_magic = 0x4F525846,
                          index_magic = 0x58495846, directory_magic = 0x49445846, recent_magic = 0x43525846,
                          working_set_magic = 0x53575846; // "FXBL" and so on

// A directory entry: where a slot's content is, and what it must be.
struct DirectoryEntry {
    uint32_t key_and_flags = 0; // key 27:0, flags 29:28; bits 31:30 are 0 on disk
    uint32_t checksum = 0;      // CRC-32C of the page; of a zero page 0
    uint32_t block = 0;         // of the page area; of a zero page 0

    static constexpr uint32_t key_mask = 0x0FFFFFFFu;
    static constexpr uint32_t used = 1u << 28; // the slot holds a page of the checkpoint
    static constexpr uint32_t zero = 1u << 29; // it is zero and has no block
    // In memory only.
    static constexpr uint32_t pending = 1u << 30;  // the entry is the running checkpoint's
    static constexpr uint32_t reserved = 1u << 31; // the page's next content has its block reserved
    static constexpr uint32_t flags_on_disk = used | zero, flags_in_memory = pending | reserved;

    constexpr PageKey key() const { return key_and_flags & key_mask; }
    constexpr bool is_used() const { return key_and_flags & used; }
    constexpr bool is_zero() const { return key_and_flags & zero; }
    constexpr bool is_pending() const { return key_and_flags & pending; }
    constexpr bool is_reserved() const { return key_and_flags & reserved; }
    constexpr bool is_removed() const { return key_and_flags == pending; } // by the running checkpoint
    constexpr bool has_block() const { return (key_and_flags & (used | zero)) == used; }
};
static_assert(sizeof(DirectoryEntry) == 12);

inline constexpr uint32_t entries_per_block = 340, children_per_index = 680, index_blocks_max = 6;
inline constexpr uint32_t slots_max = index_blocks_max * children_per_index * entries_per_block; // 5.3 GB

struct DirectoryBlock {
    uint32_t magic = 0;
    uint32_t number = 0; // its place among the directory blocks
    uint32_t reserved[2] = {};
    DirectoryEntry entry[entries_per_block]; // slots number * entries_per_block and following
};
static_assert(sizeof(DirectoryBlock) == block_bytes && offsetof(DirectoryBlock, entry) == 16);

struct IndexBlock {
    uint32_t magic = 0;
    uint32_t number = 0; // its place among the index blocks
    uint32_t generation = 0;
    uint32_t reserved = 0;
    uint32_t checksum[children_per_index] = {}; // CRC-32C of each directory block in use
    uint16_t pages[children_per_index] = {};    // bits 8:0: its used entries

    static constexpr uint16_t pages_mask = 0x1FF;
    static constexpr uint16_t has_tcbs = 1u << 15; // some of its entries are of TCB pages
};
static_assert(sizeof(IndexBlock) == block_bytes && offsetof(IndexBlock, checksum) == 16 &&
              offsetof(IndexBlock, pages) == 16 + 4 * children_per_index);
static_assert(entries_per_block <= IndexBlock::pages_mask);

// Entries of slots that a checkpoint has written: what a restart needs first, before it has read the directory blocks that
// have them too. TCB pages and others have a block each.
struct RecentEntry {
    uint32_t slot = no_slot;
    DirectoryEntry entry;
};
struct RecentBlock {
    static constexpr uint32_t capacity = 255;

    uint32_t magic = 0;
    uint32_t number = 0; // 0: of TCB pages, 1: of others
    uint32_t generation = 0;
    uint32_t count = 0; // items that follow
    RecentEntry item[capacity] = {};
};
inline constexpr uint32_t recent_blocks = 2;
static_assert(sizeof(RecentBlock) == block_bytes && offsetof(RecentBlock, item) == 16);

// Slots whose pages were in use at a snapshot: what may be read ahead after a restart. A mere hint: one copy, and one
// that is torn or of another epoch does no harm.
struct WorkingSetHeader {
    uint32_t magic = 0;
    uint32_t checksum = 0; // CRC-32C of header and slots, taken with this field 0
    uint32_t epoch = 0;
    uint32_t count = 0; // slots that follow, 4 bytes each
};
static_assert(sizeof(WorkingSetHeader) == 16);

inline constexpr uint32_t working_set_blocks_max = 8;
constexpr uint32_t working_set_capacity(uint32_t blocks) {
    return (blocks * block_bytes - static_cast<uint32_t>(sizeof(WorkingSetHeader))) / 4;
}
inline constexpr uint32_t working_set_max = working_set_capacity(working_set_blocks_max); // 32 MB of pages

struct Geometry {
    uint32_t disk_sectors = 0;
    uint32_t slots = 0;
    uint32_t directory_area[2][2] = {}; // first sector, by the generation's parity and copy
    uint32_t page_area = 0;             // first sector
    uint32_t blocks = 0;                // of the page area

    constexpr bool operator==(const Geometry&) const = default;

    constexpr uint32_t directory_blocks() const {
        return (slots + entries_per_block - 1) / entries_per_block;
    }
    constexpr uint32_t index_blocks() const {
        return (directory_blocks() + children_per_index - 1) / children_per_index;
    }
    constexpr uint32_t working_set_blocks() const {
        uint32_t count = 1;
        while (count < working_set_blocks_max && working_set_capacity(count) < slots)
            ++count;
        return count;
    }
    constexpr uint32_t working_set_sector() const {
        return page_area - working_set_blocks() * sectors_per_block;
    }
    constexpr uint32_t recent_sector(uint32_t parity, uint32_t copy, uint32_t number) const {
        return directory_area[parity][copy] + number * sectors_per_block;
    }
    constexpr uint32_t index_sector(uint32_t parity, uint32_t copy, uint32_t number) const {
        return recent_sector(parity, copy, recent_blocks + number);
    }
    constexpr uint32_t directory_sector(uint32_t parity, uint32_t copy, uint32_t number) const {
        return index_sector(parity, copy, index_blocks() + number);
    }
    constexpr uint32_t block_sector(uint32_t block) const { return page_area + block * sectors_per_block; }
};
static_assert(sizeof(Geometry) == 32);

inline constexpr uint32_t label_sector[2] = {0, 64}, session_sector[2] = {8, 72};
inline constexpr uint32_t root_sector[2][2] = {{16, 80}, {24, 88}}; // by the generation's parity and copy
inline constexpr uint32_t directory_first_sector = 128, slots_min = 64;

// ab: two blocks a slot. log: a home block a slot, and a third of that for the log.
constexpr uint32_t blocks_for(StoreKind kind, uint32_t slots) {
    return kind == StoreKind::ab ? 2 * slots : slots + slots / 3;
}

// Whether a slot's content may be in this block.
constexpr bool may_hold(StoreKind kind, const Geometry& geometry, uint32_t slot, uint32_t block) {
    if (block >= geometry.blocks)
        return false;
    return kind == StoreKind::ab ? block % geometry.slots == slot : block == slot || block >= geometry.slots;
}

// The number of slots follows from the disk's size: the largest multiple of 16 for which everything fits. No slots: the
// disk is too small.
constexpr Geometry geometry_for(StoreKind kind, uint32_t disk_sectors) {
    const auto area_sectors = [](uint32_t slots) {
        Geometry geometry;
        geometry.slots = slots;
        return (recent_blocks + geometry.index_blocks() + geometry.directory_blocks()) * sectors_per_block;
    };
    const auto working_set_sectors = [](uint32_t slots) {
        Geometry geometry;
        geometry.slots = slots;
        return geometry.working_set_blocks() * sectors_per_block;
    };
    const auto fits = [&](uint32_t slots) {
        const uint64_t blocks = blocks_for(kind, slots);
        return directory_first_sector + uint64_t{4} * area_sectors(slots) + working_set_sectors(slots) +
                   blocks * sectors_per_block <=
               disk_sectors;
    };
    Geometry geometry;
    if (!fits(slots_min))
        return geometry;
    constexpr uint32_t step = run_blocks_max; // aligned groups of blocks are groups of slots too
    uint32_t slots = slots_min, too_many = slots_max + step;
    while (too_many - slots > step) {
        const uint32_t middle = slots + (too_many - slots) / step / 2 * step;
        (fits(middle) ? slots : too_many) = middle;
    }
    geometry.disk_sectors = disk_sectors;
    geometry.slots = slots;
    for (uint32_t copy = 0; copy < 2; ++copy)
        for (uint32_t parity = 0; parity < 2; ++parity)
            geometry.directory_area[parity][copy] =
                directory_first_sector + (2 * copy + parity) * area_sectors(slots);
    geometry.page_area = directory_first_sector + 4 * area_sectors(slots) + working_set_sectors(slots);
    geometry.blocks = blocks_for(kind, slots);
    return geometry;
}

// The three kinds of single sectors. `checksum` is the CRC-32C of the whole sector with this field 0.
struct SectorHeader {
    uint32_t magic = 0;
    uint32_t checksum = 0;
    uint32_t version = 0;
    StoreKind kind = {};
};

struct LabelSector {
    SectorHeader header;
    Geometry geometry;
    uint8_t zero[512 - 16 - 32] = {};
};

struct SessionSector {
    SectorHeader header;
    uint32_t session = 0; // number of starts on this disk
    uint8_t zero[512 - 20] = {};
};

struct RootSector {
    SectorHeader header;
    uint32_t generation = 0; // counts root writes; its parity is the root place's; never 0
    uint32_t epoch = 0;      // counts checkpoints
    uint64_t clock_us = 0;   // the kernel's clock at the snapshot
    uint32_t session = 0;    // in which the snapshot was taken
    uint32_t pages = 0;      // used entries, TCB pages among them
    uint32_t tcb_pages = 0;
    uint32_t tcb_bytes = 0;
    uint8_t build_id[20] = {};     // of the kernel whose stacks the TCBs hold
    uint32_t log_head = 0;         // the log's block that is written next; ab: 0
    uint32_t log_used = 0;         // no block of this generation is further behind it in the log; ab: 0
    uint32_t directory_blocks = 0; // in use; the rest hold no entry and were perhaps never written
    uint32_t index_checksum[index_blocks_max] = {}; // CRC-32C of each index block
    Geometry geometry;
    uint32_t flags = 0;
    uint32_t recent_checksum[recent_blocks] = {}; // CRC-32C of each block of recent entries
    uint8_t zero[512 - 148] = {};

    // Nothing persistent ran after the snapshot in its session.
    static constexpr uint32_t last_of_session = 1u << 0;
};
static_assert(sizeof(LabelSector) == 512 && offsetof(LabelSector, geometry) == 16);
static_assert(sizeof(SessionSector) == 512 && offsetof(SessionSector, session) == 16);
static_assert(sizeof(RootSector) == 512 && offsetof(RootSector, generation) == 16 &&
              offsetof(RootSector, clock_us) == 24);
static_assert(offsetof(RootSector, pages) == 36 && offsetof(RootSector, build_id) == 48);
static_assert(offsetof(RootSector, log_head) == 68 && offsetof(RootSector, index_checksum) == 80);
static_assert(offsetof(RootSector, geometry) == 104 && offsetof(RootSector, flags) == 136 &&
              offsetof(RootSector, recent_checksum) == 140);

} // namespace store
