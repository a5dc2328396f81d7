#include "pager/store/directory.hpp"

#include "pager/store/crc32c.hpp"

namespace store {
namespace {

constexpr uint8_t both_areas = 3;
constexpr uint8_t area_bit(uint32_t parity) {
    return static_cast<uint8_t>(1u << parity);
}

} // namespace

uint32_t Directory::memory_bytes(const Geometry& geometry) {
    const uint32_t per_block = sizeof(*block_checksum_) + sizeof(*block_pages_) + sizeof(*block_changed_);
    const uint32_t bytes = geometry.slots * static_cast<uint32_t>(sizeof(DirectoryEntry)) +
                           geometry.directory_blocks() * per_block;
    return (bytes + 7) & ~7u;
}

void Directory::initialise(StoreKind kind, const Geometry& geometry, void* memory, uint8_t* staging) {
    kind_ = kind;
    geometry_ = geometry;
    staging_ = staging;
    entries_ = static_cast<DirectoryEntry*>(memory);
    block_checksum_ = reinterpret_cast<uint32_t*>(entries_ + geometry.slots);
    block_pages_ = reinterpret_cast<uint16_t*>(block_checksum_ + geometry.directory_blocks());
    block_changed_ = reinterpret_cast<uint8_t*>(block_pages_ + geometry.directory_blocks());
    used_blocks_ = 0;
    for (uint32_t slot = 0; slot < geometry.slots; ++slot)
        entries_[slot] = {};
    make_free_list();
}

void Directory::make_free_list() {
    first_free_ = no_slot;
    free_slots_ = 0;
    for (uint32_t slot = geometry_.slots; slot-- > 0;) {
        if (entries_[slot].is_used())
            continue;
        entries_[slot] = {0, first_free_, 0};
        first_free_ = slot;
        ++free_slots_;
    }
}

uint32_t Directory::allocate(PageKey key) {
    const uint32_t slot = first_free_;
    if (slot == no_slot)
        return no_slot;
    first_free_ = entries_[slot].checksum;
    --free_slots_;
    entries_[slot] = {key, 0, 0};
    return slot;
}

void Directory::free(uint32_t slot) {
    entries_[slot] = {0, first_free_, 0};
    first_free_ = slot;
    ++free_slots_;
}

// I4: until the generation without the page is durable nobody else gets the slot, and with it its blocks.
void Directory::remove(uint32_t slot) {
    entries_[slot] = {DirectoryEntry::pending, 0, 0};
    block_changed_[slot / entries_per_block] = both_areas;
}

void Directory::content(uint32_t slot, uint32_t block, uint32_t checksum) {
    DirectoryEntry& entry = entries_[slot];
    entry.key_and_flags &= ~DirectoryEntry::zero;
    entry.key_and_flags |= DirectoryEntry::used | (block == no_block ? DirectoryEntry::zero : 0);
    entry.checksum = block == no_block ? 0 : checksum;
    entry.block = block == no_block ? 0 : block;
    const uint32_t number = slot / entries_per_block;
    for (; used_blocks_ <= number; ++used_blocks_) // those between are in use too, empty
        block_changed_[used_blocks_] = both_areas;
    block_changed_[number] = both_areas;
}

Directory::ReadStatus Directory::read(BlockDevice& device, const RootSector& root, uint32_t& bad) {
    for (uint32_t slot = 0; slot < geometry_.slots; ++slot)
        entries_[slot] = {};
    used_blocks_ = root.directory_blocks;
    const uint32_t parity = root.generation & 1;
    for (uint32_t number = 0; number < used_blocks_; ++number) {
        if (number % children_per_index == 0 && !read_index(device, root, number / children_per_index)) {
            bad = number / children_per_index;
            return ReadStatus::damaged_index;
        }
        if (!read_block(device, parity, number)) {
            bad = number;
            return ReadStatus::damaged_block;
        }
    }
    make_free_list();
    return ReadStatus::ok;
}

bool Directory::read_index(BlockDevice& device, const RootSector& root, uint32_t number) {
    const auto* index = reinterpret_cast<const IndexBlock*>(staging_);
    for (uint32_t copy = 0; copy < 2; ++copy) {
        const uint32_t sector = geometry_.index_sector(root.generation & 1, copy, number);
        if (device.read(sector, staging_, sectors_per_block) != DeviceStatus::ok ||
            crc32c(staging_, block_bytes) != root.index_checksum[number] || index->magic != index_magic ||
            index->number != number || index->generation != root.generation)
            continue;
        const uint32_t first = number * children_per_index;
        for (uint32_t i = 0; i < children_per_index && first + i < used_blocks_; ++i)
            block_checksum_[first + i] = index->checksum[i];
        return true;
    }
    return false;
}

bool Directory::read_block(BlockDevice& device, uint32_t parity, uint32_t number) {
    const auto* block = reinterpret_cast<const DirectoryBlock*>(staging_);
    for (uint32_t copy = 0; copy < 2; ++copy) {
        if (device.read(geometry_.directory_sector(parity, copy, number), staging_, sectors_per_block) !=
                DeviceStatus::ok ||
            crc32c(staging_, block_bytes) != block_checksum_[number] || block->magic != directory_magic ||
            block->number != number)
            continue;
        uint32_t used = 0;
        for (uint32_t i = 0; i < entries_per_block; ++i) {
            const uint32_t slot = number * entries_per_block + i;
            const DirectoryEntry& entry = block->entry[i];
            if (slot >= geometry_.slots || !entry.is_used())
                continue;
            if (entry.has_block() && !may_hold(kind_, geometry_, slot, entry.block))
                return false;
            entries_[slot] = entry;
            ++used;
        }
        block_pages_[number] = static_cast<uint16_t>(used);
        // What the other area holds is unknown: a commit may have been cut short there. A bad copy here is mended
        // when this area's turn comes; the second one may be bad unseen.
        block_changed_[number] = copy == 0 ? area_bit(parity ^ 1) : both_areas;
        return true;
    }
    return false;
}

DeviceStatus Directory::write(BlockDevice& device, RootSector& root) {
    root.directory_blocks = used_blocks_;
    if (const DeviceStatus status = write_changed_blocks(device, root.generation & 1);
        status != DeviceStatus::ok)
        return status;
    root.pages = 0;
    for (uint32_t number = 0; number < used_blocks_; ++number)
        root.pages += block_pages_[number];
    return write_index(device, root);
}

DeviceStatus Directory::write_changed_blocks(BlockDevice& device, uint32_t parity) {
    const auto is_due = [&](uint32_t number) {
        return number < used_blocks_ && (block_changed_[number] & area_bit(parity)) != 0;
    };
    for (uint32_t first = 0; first < used_blocks_;) {
        uint32_t count = 0;
        for (; count < transfer_segments_max && is_due(first + count); ++count)
            stage_block(first + count, staging_ + size_t{count} * block_bytes);
        if (count == 0) {
            ++first;
            continue;
        }
        const DeviceStatus status = write_staged(
            device,
            {geometry_.directory_sector(parity, 0, first), geometry_.directory_sector(parity, 1, first)},
            count);
        if (status != DeviceStatus::ok)
            return status;
        first += count;
    }
    return DeviceStatus::ok;
}

DeviceStatus Directory::write_index(BlockDevice& device, RootSector& root) {
    const uint32_t parity = root.generation & 1;
    for (uint32_t number = 0; number * children_per_index < used_blocks_; ++number) {
        auto* index = reinterpret_cast<IndexBlock*>(staging_);
        *index = {};
        index->magic = index_magic;
        index->number = number;
        index->generation = root.generation;
        const uint32_t first = number * children_per_index;
        for (uint32_t i = 0; i < children_per_index && first + i < used_blocks_; ++i)
            index->checksum[i] = block_checksum_[first + i];
        root.index_checksum[number] = crc32c(index, block_bytes);
        const DeviceStatus status = write_staged(
            device, {geometry_.index_sector(parity, 0, number), geometry_.index_sector(parity, 1, number)},
            1);
        if (status != DeviceStatus::ok)
            return status;
    }
    return DeviceStatus::ok;
}

void Directory::stage_block(uint32_t number, uint8_t* buffer) {
    auto* block = reinterpret_cast<DirectoryBlock*>(buffer);
    block->magic = directory_magic;
    block->number = number;
    block->reserved[0] = block->reserved[1] = 0;
    uint32_t used = 0;
    for (uint32_t i = 0; i < entries_per_block; ++i) {
        const uint32_t slot = number * entries_per_block + i;
        // A slot that only belongs to a page is in no checkpoint yet.
        const bool in_checkpoint = slot < geometry_.slots && entries_[slot].is_used();
        block->entry[i] = {};
        if (!in_checkpoint)
            continue;
        block->entry[i] = entries_[slot];
        block->entry[i].key_and_flags &= DirectoryEntry::key_mask | DirectoryEntry::flags_on_disk;
        ++used;
    }
    block_checksum_[number] = crc32c(block, block_bytes);
    block_pages_[number] = static_cast<uint16_t>(used);
}

DeviceStatus Directory::write_staged(BlockDevice& device, const uint32_t (&sector)[2], uint32_t blocks) {
    const Segment segment{staging_, blocks * block_bytes};
    for (const uint32_t first : sector)
        if (const DeviceStatus status = device.write(first, &segment, 1); status != DeviceStatus::ok)
            return status;
    return DeviceStatus::ok;
}

void Directory::committed(uint32_t generation) {
    const uint8_t written = area_bit(generation & 1);
    for (uint32_t number = 0; number < used_blocks_; ++number) {
        if ((block_changed_[number] & written) == 0)
            continue;
        block_changed_[number] &= static_cast<uint8_t>(~written);
        const uint32_t first = number * entries_per_block;
        for (uint32_t slot = first; slot < first + entries_per_block && slot < geometry_.slots; ++slot)
            if (entries_[slot].is_removed())
                free(slot);
            else
                entries_[slot].key_and_flags &= ~DirectoryEntry::pending;
    }
}

} // namespace store
