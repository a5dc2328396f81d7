#include "pager/store/directory.hpp"

#include "pager/store/crc32c.hpp"

namespace store {
namespace {

constexpr uint8_t both_areas = 3;
constexpr uint8_t area_bit(uint32_t parity) {
    return static_cast<uint8_t>(1u << parity);
}

DirectoryEntry on_disk(DirectoryEntry entry) {
    entry.key_and_flags &= ~DirectoryEntry::flags_in_memory;
    return entry;
}

} // namespace

uint32_t Directory::memory_bytes(const Geometry& geometry) {
    const uint32_t bytes = geometry.slots * static_cast<uint32_t>(sizeof(DirectoryEntry)) +
                           geometry.directory_blocks() * static_cast<uint32_t>(sizeof(Block));
    return (bytes + 7) & ~7u;
}

void Directory::initialise(StoreKind kind, const Geometry& geometry, void* memory, uint8_t* staging) {
    kind_ = kind;
    geometry_ = geometry;
    staging_ = staging;
    entries_ = static_cast<DirectoryEntry*>(memory);
    blocks_ = reinterpret_cast<Block*>(entries_ + geometry.slots);
    clear();
}

void Directory::clear() {
    for (uint32_t number = 0; number < geometry_.directory_blocks(); ++number) {
        blocks_[number] = {};
        blocks_[number].free = static_cast<uint16_t>(slots_in(number));
    }
    free_slots_ = geometry_.slots;
    used_blocks_ = unread_blocks_ = next_unread_ = lowest_free_ = 0;
    recent_.clear();
}

// I4: until the generation without the page is durable nobody else gets the slot, and with it its blocks.
void Directory::remove(uint32_t slot) {
    entries_[slot] = {DirectoryEntry::pending, 0, 0};
    blocks_[slot / entries_per_block].changed = both_areas;
}

void Directory::content(uint32_t slot, uint32_t block, uint32_t checksum) {
    DirectoryEntry& entry = entries_[slot];
    entry.key_and_flags &= ~DirectoryEntry::zero;
    entry.key_and_flags |= DirectoryEntry::used | (block == no_block ? DirectoryEntry::zero : 0);
    entry.checksum = block == no_block ? 0 : checksum;
    entry.block = block == no_block ? 0 : block;
    const uint32_t number = slot / entries_per_block;
    for (; used_blocks_ <= number; ++used_blocks_) // those between are in use too, empty
        blocks_[used_blocks_].changed = both_areas;
    blocks_[number].changed = both_areas;
}

Directory::ReadStatus Directory::open(BlockDevice& device, const RootSector& root, uint32_t& bad) {
    clear();
    parity_ = root.generation & 1;
    used_blocks_ = root.directory_blocks;
    if (!read_top(device, root, bad))
        return ReadStatus::damaged_index;
    for (uint32_t number = 0; number < used_blocks_; ++number)
        if (blocks_[number].is_for_tcbs && blocks_[number].is_unread() && !read_group(device, number, bad))
            return ReadStatus::damaged_block;
    return ReadStatus::ok;
}

Directory::ReadStatus Directory::read_more(BlockDevice& device, SlotRange& range, uint32_t& bad) {
    range = {};
    while (next_unread_ < used_blocks_ && blocks_[next_unread_].state == BlockState::present)
        ++next_unread_;
    if (next_unread_ == used_blocks_)
        return ReadStatus::ok;
    if (!read_group(device, next_unread_, bad))
        return ReadStatus::damaged_block;
    const uint32_t group = next_unread_ / group_blocks * group_blocks;
    const uint32_t end = (group + group_blocks) * entries_per_block;
    range = present_slots(group * entries_per_block);
    if (range.end > end)
        range.end = end;
    return ReadStatus::ok;
}

SlotRange Directory::present_slots(uint32_t from) const {
    const auto is_present = [this](uint32_t number) { return blocks_[number].state == BlockState::present; };
    const uint32_t blocks = geometry_.directory_blocks();
    uint32_t first = (from + entries_per_block - 1) / entries_per_block;
    while (first < blocks && !is_present(first))
        ++first;
    if (first >= blocks)
        return {};
    uint32_t end = first;
    while (end < blocks && is_present(end))
        ++end;
    const uint32_t end_slot = end * entries_per_block;
    return {first * entries_per_block, end_slot < geometry_.slots ? end_slot : geometry_.slots};
}

// Neighbouring blocks, the first copies in one request: a disk reads 64 KB in little more time than 4 KB. What is bad there,
// one by one. False: `bad` has no good copy.
template<class SectorOf, class Accept>
bool Directory::read_blocks(BlockDevice& device, uint32_t first, uint32_t end, SectorOf&& sector_of,
                            Accept&& accept_copy, uint32_t& bad) {
    const bool all_read = first == end || device.read(sector_of(0, first), staging_,
                                                      (end - first) * sectors_per_block) == DeviceStatus::ok;
    for (uint32_t number = first; number < end; ++number) {
        uint8_t* const buffer = staging_ + size_t{number - first} * block_bytes;
        const auto read_copy = [&](uint32_t copy) {
            return device.read(sector_of(copy, number), buffer, sectors_per_block) == DeviceStatus::ok &&
                   accept_copy(number, buffer, copy);
        };
        const bool accepted = all_read ? accept_copy(number, buffer, 0) : read_copy(0);
        if (!accepted && !read_copy(1)) {
            bad = number;
            return false;
        }
    }
    return true;
}

// The recent entries and the index. Without good recent ones it takes longer, that is all.
bool Directory::read_top(BlockDevice& device, const RootSector& root, uint32_t& bad) {
    const uint32_t end = recent_blocks + (used_blocks_ + children_per_index - 1) / children_per_index;
    const auto sector_of = [this](uint32_t copy, uint32_t number) {
        return geometry_.recent_sector(parity_, copy, number);
    };
    const auto accept_copy = [&](uint32_t number, const uint8_t* buffer, uint32_t) {
        return number < recent_blocks ? accept_recent(root, number, buffer)
                                      : accept_index(root, number - recent_blocks, buffer);
    };
    for (uint32_t first = 0; !read_blocks(device, first, end, sector_of, accept_copy, bad); first = bad + 1)
        if (bad >= recent_blocks) {
            bad -= recent_blocks;
            return false;
        }
    recent_.end();
    return true;
}

bool Directory::accept_recent(const RootSector& root, uint32_t number, const uint8_t* buffer) {
    const auto* recent = reinterpret_cast<const RecentBlock*>(buffer);
    if (crc32c(buffer, block_bytes) != root.recent_checksum[number] || recent->magic != recent_magic ||
        recent->number != number || recent->generation != root.generation ||
        recent->count > RecentBlock::capacity)
        return false;
    for (uint32_t i = 0; i < recent->count; ++i) {
        const auto& [slot, entry] = recent->item[i];
        if (slot / entries_per_block >= used_blocks_ || slot >= geometry_.slots || !entry.is_used() ||
            (entry.has_block() && !may_hold(kind_, geometry_, slot, entry.block)))
            return false;
    }
    for (uint32_t i = 0; i < recent->count; ++i) {
        const auto& [slot, entry] = recent->item[i];
        Block& block = blocks_[slot / entries_per_block];
        if (block.state == BlockState::unused) {
            make_empty(slot / entries_per_block);
            block.state = BlockState::partial;
        }
        entries_[slot] = entry;
        recent_.note(slot, number == 0);
    }
    return true;
}

bool Directory::accept_index(const RootSector& root, uint32_t number, const uint8_t* buffer) {
    const auto* index = reinterpret_cast<const IndexBlock*>(buffer);
    if (crc32c(buffer, block_bytes) != root.index_checksum[number] || index->magic != index_magic ||
        index->number != number || index->generation != root.generation)
        return false;
    const uint32_t first = number * children_per_index;
    for (uint32_t i = 0; i < children_per_index && first + i < used_blocks_; ++i) {
        Block& block = blocks_[first + i];
        block.pages = index->pages[i] & IndexBlock::pages_mask;
        if (block.pages > slots_in(first + i))
            return false;
        block.checksum = index->checksum[i];
        block.free = static_cast<uint16_t>(slots_in(first + i) - block.pages);
        if (block.state == BlockState::unused)
            block.state = BlockState::on_disk;
        block.has_tcbs = block.is_for_tcbs = (index->pages[i] & IndexBlock::has_tcbs) != 0;
        free_slots_ -= block.pages;
        ++unread_blocks_;
    }
    return true;
}

// The group around this block. One that is read is so wholly.
bool Directory::read_group(BlockDevice& device, uint32_t number, uint32_t& bad) {
    const uint32_t first = number / group_blocks * group_blocks;
    const uint32_t end = first + group_blocks < used_blocks_ ? first + group_blocks : used_blocks_;
    return read_blocks(
        device, first, end,
        [this](uint32_t copy, uint32_t at) { return geometry_.directory_sector(parity_, copy, at); },
        [this](uint32_t at, const uint8_t* buffer, uint32_t copy) { return accept(at, buffer, copy); }, bad);
}

bool Directory::accept(uint32_t number, const uint8_t* buffer, uint32_t copy) {
    const auto* block = reinterpret_cast<const DirectoryBlock*>(buffer);
    if (crc32c(buffer, block_bytes) != blocks_[number].checksum || block->magic != directory_magic ||
        block->number != number)
        return false;
    const bool is_partial = blocks_[number].state == BlockState::partial;
    for (uint32_t i = 0; i < slots_in(number); ++i) {
        const uint32_t slot = number * entries_per_block + i;
        const DirectoryEntry& entry = block->entry[i];
        if (entry.has_block() && !may_hold(kind_, geometry_, slot, entry.block))
            return false;
        const uint32_t flags =
            is_partial ? entries_[slot].key_and_flags & DirectoryEntry::flags_in_memory : 0;
        entries_[slot] = entry;
        entries_[slot].key_and_flags |= flags;
    }
    // What the other area holds is unknown: a commit may have been cut short there. A bad copy here is mended when this
    // area's turn comes; the second one may be bad unseen.
    blocks_[number].changed = copy == 0 ? area_bit(parity_ ^ 1) : both_areas;
    make_present(number);
    --unread_blocks_;
    return true;
}

DeviceStatus Directory::write(BlockDevice& device, RootSector& root) {
    root.directory_blocks = used_blocks_;
    if (const DeviceStatus status = write_changed_blocks(device, root.generation & 1);
        status != DeviceStatus::ok)
        return status;
    root.pages = 0;
    for (uint32_t number = 0; number < used_blocks_; ++number)
        root.pages += blocks_[number].pages;
    return write_top(device, root);
}

DeviceStatus Directory::write_changed_blocks(BlockDevice& device, uint32_t parity) {
    const auto is_due = [&](uint32_t number) {
        return number < used_blocks_ && (blocks_[number].changed & area_bit(parity)) != 0;
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

DeviceStatus Directory::write_top(BlockDevice& device, RootSector& root) {
    const uint32_t parity = root.generation & 1;
    uint32_t count = 0;
    for (uint32_t number = 0; number < recent_blocks; ++number)
        stage_recent(number, root, staging_ + size_t{count++} * block_bytes);
    for (uint32_t number = 0; number * children_per_index < used_blocks_; ++number)
        stage_index(number, root, staging_ + size_t{count++} * block_bytes);
    return write_staged(
        device, {geometry_.recent_sector(parity, 0, 0), geometry_.recent_sector(parity, 1, 0)}, count);
}

// What the generation has no more, or other than when it was noted, is as it is now.
void Directory::stage_recent(uint32_t number, RootSector& root, uint8_t* buffer) {
    __builtin_memset(buffer, 0, block_bytes);
    auto* recent = reinterpret_cast<RecentBlock*>(buffer);
    recent->magic = recent_magic;
    recent->number = number;
    recent->generation = root.generation;
    for (uint32_t i = 0; i < recent_.count(); ++i) {
        const uint32_t slot = recent_.slot(i);
        if (recent_.is_tcb(i) == (number == 0) && entry(slot).is_used())
            recent->item[recent->count++] = {slot, on_disk(entry(slot))};
    }
    root.recent_checksum[number] = crc32c(buffer, block_bytes);
}

void Directory::stage_index(uint32_t number, RootSector& root, uint8_t* buffer) {
    auto* index = reinterpret_cast<IndexBlock*>(buffer);
    *index = {};
    index->magic = index_magic;
    index->number = number;
    index->generation = root.generation;
    const uint32_t first = number * children_per_index;
    for (uint32_t i = 0; i < children_per_index && first + i < used_blocks_; ++i) {
        const Block& block = blocks_[first + i];
        index->checksum[i] = block.checksum;
        index->pages[i] = static_cast<uint16_t>(block.pages | (block.has_tcbs ? IndexBlock::has_tcbs : 0u));
    }
    root.index_checksum[number] = crc32c(buffer, block_bytes);
}

void Directory::stage_block(uint32_t number, uint8_t* buffer) {
    auto* block = reinterpret_cast<DirectoryBlock*>(buffer);
    block->magic = directory_magic;
    block->number = number;
    block->reserved[0] = block->reserved[1] = 0;
    uint32_t used = 0;
    bool has_tcbs = false;
    for (uint32_t i = 0; i < entries_per_block; ++i) {
        block->entry[i] = {};
        // A slot that only belongs to a page is in no checkpoint yet.
        if (i >= slots_in(number) || !entry(number * entries_per_block + i).is_used())
            continue;
        block->entry[i] = on_disk(entry(number * entries_per_block + i));
        has_tcbs = has_tcbs || key_task(block->entry[i].key()) == 0;
        ++used;
    }
    blocks_[number].checksum = crc32c(block, block_bytes);
    blocks_[number].pages = static_cast<uint16_t>(used);
    blocks_[number].has_tcbs = has_tcbs;
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
        Block& block = blocks_[number];
        if ((block.changed & written) == 0)
            continue;
        block.changed &= static_cast<uint8_t>(~written);
        if (block.state != BlockState::present)
            continue;
        const uint32_t first = number * entries_per_block;
        for (uint32_t slot = first; slot < first + slots_in(number); ++slot)
            if (entries_[slot].is_removed())
                free(slot);
            else
                entries_[slot].key_and_flags &= ~DirectoryEntry::pending;
    }
}

} // namespace store
