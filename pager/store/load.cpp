// Reading pages.
#include "pager/store/page_checksum.hpp"
#include "pager/store/store.hpp"

namespace store {

LoadStatus Store::load(uint32_t slot, void* buffer, BlockDevice& through) const {
    for (;;) {
        const DirectoryEntry before = entry(slot);
        if (!before.is_used())
            return LoadStatus::unused;
        if (before.is_zero()) {
            __builtin_memset(buffer, 0, block_bytes);
            return LoadStatus::ok;
        }
        const bool read =
            through.read(geometry_.block_sector(before.block), buffer, sectors_per_block) == DeviceStatus::ok;
        if (entry(slot).block != before.block)
            continue; // moved while the disk read, and perhaps overwritten
        if (!read)
            return LoadStatus::unreadable;
        return verify(slot, buffer) ? LoadStatus::ok : LoadStatus::wrong_checksum;
    }
}

Run Store::run_around(uint32_t slot) const {
    const uint32_t first = entry(slot).block & ~(run_blocks_max - 1);
    uint32_t begin = first, end = first + run_blocks_max;
    if (end > geometry_.blocks)
        end = geometry_.blocks;
    while (slot_of(begin) == no_slot)
        ++begin;
    while (slot_of(end - 1) == no_slot)
        --end;
    return {begin, end - begin};
}

DeviceStatus Store::load_run(const Run& run, void* buffer, BlockDevice& through) const {
    return through.read(geometry_.block_sector(run.first), buffer, run.count * sectors_per_block);
}

const uint8_t* Store::load_run(const Run& run, BlockDevice& through) {
    return load_run(run, staging_, through) == DeviceStatus::ok ? staging_ : nullptr;
}

bool Store::verify(uint32_t slot, const void* content) const {
    return entry(slot).has_block() && page_checksum(content) == entry(slot).checksum;
}

} // namespace store
