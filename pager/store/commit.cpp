// A checkpoint's way to the disk, in the order of the protocol: pages, flush, directory twice, flush, root
// twice, flush.
#include "pager/store/crc32c.hpp"
#include "pager/store/sector.hpp"
#include "pager/store/store.hpp"

namespace store {

uint32_t Store::allocate(PageKey key) {
    const uint32_t slot = first_free_;
    if (slot == no_slot)
        return no_slot;
    first_free_ = entries_[slot].checksum;
    --free_slots_;
    entries_[slot] = {key | assigned, 0};
    return slot;
}

uint32_t Store::target_sector(uint32_t slot) const {
    const DirectoryEntry& entry = entries_[slot];
    // I4: never the block that the newest checkpoint uses. A page without one starts with a.
    const bool block_b =
        entry.key_and_flags & pending ? entry.is_block_b() : entry.is_used() && !entry.is_block_b();
    return geometry_.slot_sector(slot, block_b);
}

DeviceStatus Store::write_pages(const PageWrite* pages, uint32_t count) {
    Segment segments[transfer_segments_max];
    for (uint32_t first = 0; first < count;) {
        // The longest run of pages whose blocks are neighbours on the disk is one request.
        const uint32_t sector = target_sector(pages[first].slot);
        uint32_t length = 0;
        while (first + length < count &&
               target_sector(pages[first + length].slot) == sector + length * sectors_per_block) {
            segments[length] = {pages[first + length].content, block_bytes};
            ++length;
        }
        for (uint32_t i = first; i < first + length; ++i) {
            DirectoryEntry& entry = entries_[pages[i].slot];
            const bool block_b = target_sector(pages[i].slot) == geometry_.slot_sector(pages[i].slot, true);
            entry.key_and_flags &= ~DirectoryEntry::block_b;
            entry.key_and_flags |= DirectoryEntry::used | pending | (block_b ? DirectoryEntry::block_b : 0);
            entry.checksum = crc32c(pages[i].content, block_bytes);
            const uint32_t number = pages[i].slot / entries_per_block;
            for (; used_blocks_ <= number; ++used_blocks_)
                block_changed_[used_blocks_] = 3;
            block_changed_[number] = 3;
        }
        if (const DeviceStatus status = device_->write(sector, segments, length); status != DeviceStatus::ok)
            return status;
        first += length;
    }
    return DeviceStatus::ok;
}

CommitStatus Store::commit(const Snapshot& snapshot) {
    const uint32_t epoch = root_.epoch + 1, parity = epoch & 1;
    // The data before the directory that names it.
    if (device_->flush() != DeviceStatus::ok)
        return CommitStatus::device_failed;

    // The directory area of this parity belongs to the checkpoint before the newest: I4.
    RootSector root = {};
    if (!write_directory(epoch, root.index_checksum, root.pages))
        return CommitStatus::device_failed;
    // The directory before the root that names it.
    if (device_->flush() != DeviceStatus::ok)
        return CommitStatus::device_failed;

    root.epoch = epoch;
    root.session = snapshot.session;
    root.clock_us = snapshot.clock_us;
    root.tcb_pages = snapshot.tcb_pages;
    root.tcb_bytes = snapshot.tcb_bytes;
    for (uint32_t i = 0; i < sizeof root.build_id; ++i)
        root.build_id[i] = snapshot.build_id[i];
    root.geometry = geometry_;
    // I3: from the first of these two sector writes on, open() finds this epoch.
    for (const uint32_t sector : root_sector[parity])
        if (!write_sector(*device_, sector, root_magic, root))
            return CommitStatus::device_failed;
    // I9: reported committed only when both copies are durable.
    if (device_->flush() != DeviceStatus::ok)
        return CommitStatus::device_failed;

    root_ = root;
    for (uint32_t number = 0; number < used_blocks_; ++number) {
        if ((block_changed_[number] & 1u << parity) == 0)
            continue;
        block_changed_[number] &= static_cast<uint8_t>(~(1u << parity));
        const uint32_t first = number * entries_per_block;
        for (uint32_t slot = first; slot < first + entries_per_block && slot < slots(); ++slot)
            entries_[slot].key_and_flags &= ~pending;
    }
    return CommitStatus::ok;
}

// Fills the index's checksums, writes every changed block to both copies of the area, the index block last.
bool Store::write_directory(uint32_t epoch, uint32_t& index_checksum, uint32_t& pages) {
    const uint32_t parity = epoch & 1;
    for (uint32_t first = 0; first < used_blocks_;) {
        if ((block_changed_[first] & 1u << parity) == 0) {
            ++first;
            continue;
        }
        uint32_t count = 0;
        while (first + count < used_blocks_ && count < transfer_segments_max &&
               (block_changed_[first + count] & 1u << parity) != 0) {
            stage_directory_block(first + count, staging_ + size_t{count} * block_bytes);
            ++count;
        }
        if (!write_staged(parity, 1 + first, count))
            return false;
        first += count;
    }
    auto* index = reinterpret_cast<IndexBlock*>(staging_);
    *index = {index_magic, epoch, used_blocks_, 0, {}};
    pages = 0;
    for (uint32_t number = 0; number < used_blocks_; ++number) {
        index->checksum[number] = block_checksum_[number];
        pages += block_pages_[number];
    }
    index_checksum = crc32c(index, block_bytes);
    return write_staged(parity, 0, 1);
}

void Store::stage_directory_block(uint32_t number, uint8_t* buffer) {
    auto* block = reinterpret_cast<DirectoryBlock*>(buffer);
    block->magic = directory_magic;
    block->number = number;
    block->reserved[0] = block->reserved[1] = 0;
    uint32_t used = 0;
    for (uint32_t i = 0; i < entries_per_block; ++i) {
        const uint32_t slot = number * entries_per_block + i;
        // A slot that only belongs to a page is in no checkpoint yet.
        const bool in_checkpoint = slot < slots() && entries_[slot].is_used();
        block->entry[i] = in_checkpoint ? DirectoryEntry{entries_[slot].key_and_flags & ~(pending | assigned),
                                                         entries_[slot].checksum}
                                        : DirectoryEntry{};
        used += in_checkpoint ? 1 : 0;
    }
    block_checksum_[number] = crc32c(block, block_bytes);
    block_pages_[number] = static_cast<uint16_t>(used);
}

bool Store::write_staged(uint32_t parity, uint32_t first_block, uint32_t count) {
    const Segment segment{staging_, count * block_bytes};
    for (uint32_t copy = 0; copy < 2; ++copy) {
        const uint32_t sector = geometry_.directory_area[parity][copy] + first_block * sectors_per_block;
        if (device_->write(sector, &segment, 1) != DeviceStatus::ok)
            return false;
    }
    return true;
}

} // namespace store
