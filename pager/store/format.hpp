// The a/b store's format on disk, byte by byte. All numbers are little-endian; the page docs/disk-format.md
// shows the same layout in prose.
//
//   sector 0         label (copy at 64)          written when the disk is formatted
//   sector 8         session (copy at 72)        written at every start
//   sector 16        root, even epochs (copy at 80)
//   sector 24        root, odd epochs (copy at 88)
//   sector 128       directory areas: even, odd, even's copy, odd's copy;
//                    each one index block and the directory blocks
//   then             the a blocks of all slots, then their b blocks
//
// A root names its index by checksum, the index its directory blocks, a directory entry the page's content:
// whatever a root reaches is checked from top to bottom.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pager/store/block_device.hpp"

namespace store {

inline constexpr uint32_t format_version = 1;

// A page's name: task (0: a TCB page) and page number, address[31:12].
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
                          index_magic = 0x58495846, directory_magic = 0x49445846; // "FXBL" and so on

// A directory entry: which block of the slot is valid, and what must be in it.
struct DirectoryEntry {
    uint32_t key_and_flags = 0; // key 27:0, block 28 (0: a, 1: b), used 29; bits 31:30 are 0 on disk
    uint32_t checksum = 0;      // CRC-32C of the page

    static constexpr uint32_t key_mask = 0x0FFFFFFFu, block_b = 1u << 28, used = 1u << 29;
    constexpr PageKey key() const { return key_and_flags & key_mask; }
    constexpr bool is_used() const { return key_and_flags & used; }
    constexpr bool is_block_b() const { return key_and_flags & block_b; }
};
static_assert(sizeof(DirectoryEntry) == 8);

inline constexpr uint32_t entries_per_block = 510, directory_blocks_max = 1020;

struct DirectoryBlock {
    uint32_t magic = 0;
    uint32_t number = 0; // its place among the directory blocks
    uint32_t reserved[2] = {};
    DirectoryEntry entry[entries_per_block]; // slots number * entries_per_block and following
};
static_assert(sizeof(DirectoryBlock) == block_bytes && offsetof(DirectoryBlock, entry) == 16);

struct IndexBlock {
    uint32_t magic;
    uint32_t epoch;
    uint32_t directory_blocks; // in use; the rest hold no entry and were perhaps never written
    uint32_t reserved;
    uint32_t checksum[directory_blocks_max]; // CRC-32C of each directory block
};
static_assert(sizeof(IndexBlock) == block_bytes && offsetof(IndexBlock, checksum) == 16);

struct Geometry {
    uint32_t disk_sectors = 0;
    uint32_t slots = 0;
    uint32_t directory_area[2][2] = {}; // first sector, by epoch parity and copy
    uint32_t block_a_first = 0, block_b_first = 0;

    constexpr bool operator==(const Geometry&) const = default;

    constexpr uint32_t directory_blocks() const {
        return (slots + entries_per_block - 1) / entries_per_block;
    }
    constexpr uint32_t slot_sector(uint32_t slot, bool block_b) const {
        return (block_b ? block_b_first : block_a_first) + slot * sectors_per_block;
    }
};
static_assert(sizeof(Geometry) == 32);

inline constexpr uint32_t label_sector[2] = {0, 64}, session_sector[2] = {8, 72};
inline constexpr uint32_t root_sector[2][2] = {{16, 80}, {24, 88}}; // by epoch parity and copy
inline constexpr uint32_t directory_first_sector = 128, slots_min = 64;
inline constexpr uint32_t slots_max = directory_blocks_max * entries_per_block; // 2 GB of pages

// The number of slots follows from the disk's size. No slots: the disk is too small.
constexpr Geometry geometry_for(uint32_t disk_sectors) {
    const auto sectors_needed = [](uint32_t slots) {
        const uint32_t blocks = (slots + entries_per_block - 1) / entries_per_block;
        return directory_first_sector + 4 * (1 + blocks) * sectors_per_block + slots * 2 * sectors_per_block;
    };
    uint32_t slots = disk_sectors / (2 * sectors_per_block);
    if (slots > slots_max)
        slots = slots_max;
    while (slots >= slots_min && sectors_needed(slots) > disk_sectors)
        --slots;
    Geometry geometry;
    if (slots < slots_min)
        return geometry;
    geometry.disk_sectors = disk_sectors;
    geometry.slots = slots;
    const uint32_t area_sectors = (1 + geometry.directory_blocks()) * sectors_per_block;
    for (uint32_t copy = 0; copy < 2; ++copy)
        for (uint32_t parity = 0; parity < 2; ++parity)
            geometry.directory_area[parity][copy] =
                directory_first_sector + (2 * copy + parity) * area_sectors;
    geometry.block_a_first = directory_first_sector + 4 * area_sectors;
    geometry.block_b_first = geometry.block_a_first + slots * sectors_per_block;
    return geometry;
}
static_assert(geometry_for(256 * 2048).slots == 32630 && geometry_for(1000).slots == 0);

// The three kinds of single sectors. `checksum` is the CRC-32C of the whole sector with this field 0.
struct SectorHeader {
    uint32_t magic = 0;
    uint32_t checksum = 0;
    uint32_t version = 0;
};

struct LabelSector {
    SectorHeader header;
    Geometry geometry;
    uint8_t zero[512 - 12 - 32] = {};
};

struct SessionSector {
    SectorHeader header;
    uint32_t session = 0; // number of starts on this disk
    uint8_t zero[512 - 16] = {};
};

struct RootSector {
    SectorHeader header;
    uint32_t epoch = 0; // its parity is the root place's; never 0
    uint32_t session = 0;
    uint32_t index_checksum = 0; // CRC-32C of the index block
    uint64_t clock_us = 0;       // the kernel's clock at the snapshot
    uint32_t pages = 0;          // used entries, TCB pages among them
    uint32_t tcb_pages = 0;
    uint32_t tcb_bytes = 0;
    uint8_t build_id[20] = {}; // of the kernel whose stacks the TCBs hold
    Geometry geometry;
    uint8_t zero[512 - 96] = {};
};
static_assert(sizeof(LabelSector) == 512 && offsetof(LabelSector, geometry) == 12);
static_assert(sizeof(SessionSector) == 512 && offsetof(SessionSector, session) == 12);
static_assert(sizeof(RootSector) == 512 && offsetof(RootSector, epoch) == 12 &&
              offsetof(RootSector, clock_us) == 24);
static_assert(offsetof(RootSector, pages) == 32 && offsetof(RootSector, build_id) == 44);
static_assert(offsetof(RootSector, geometry) == 64 && offsetof(RootSector, zero) == 96);

} // namespace store
