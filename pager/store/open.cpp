// Finding the newest valid checkpoint. Nothing here writes to the disk.
//
// Which root counts: of each place (epochs of one parity) the newer of its two copies; of the two places the
// newer epoch. A place whose copies are *both* bad cannot come from a power cut (store.hpp): it may have held
// a committed epoch newer than the other place's, so open() stops there (I9).
#include "pager/store/crc32c.hpp"
#include "pager/store/sector.hpp"
#include "pager/store/store.hpp"

namespace store {

namespace {

struct RootPlace {
    RootSector root[2] = {};
    SectorState state[2] = {SectorState::zero, SectorState::zero};

    bool has_root() const { return state[0] == SectorState::ours || state[1] == SectorState::ours; }
    bool is_lost() const { return is_bad(state[0]) && is_bad(state[1]); }
    // Copy 0 is written first: of two copies of one epoch they are equal, of two epochs the newer counts.
    uint32_t newest_copy() const {
        if (state[0] != SectorState::ours)
            return 1;
        return state[1] == SectorState::ours && root[1].epoch > root[0].epoch ? 1 : 0;
    }
    const RootSector& newest() const { return root[newest_copy()]; }

    static bool is_bad(SectorState state) { return state != SectorState::ours && state != SectorState::zero; }
};

constexpr uint32_t align_up(uint32_t bytes) {
    return (bytes + 7) & ~7u;
}

} // namespace

uint32_t Store::memory_bytes(uint32_t disk_sectors) {
    const Geometry geometry = geometry_for(disk_sectors);
    if (geometry.slots == 0)
        return 0;
    const uint32_t per_block = sizeof(*block_checksum_) + sizeof(*block_pages_) + sizeof(*block_changed_);
    return transfer_bytes_max + geometry.slots * static_cast<uint32_t>(sizeof(DirectoryEntry)) +
           align_up(geometry.directory_blocks() * per_block);
}

OpenStatus Store::take_memory(void* memory, uint32_t bytes, uint32_t disk_sectors) {
    geometry_ = geometry_for(disk_sectors);
    if (geometry_.slots == 0)
        return OpenStatus::too_small;
    if (bytes < memory_bytes(disk_sectors))
        return OpenStatus::no_memory;
    const uint32_t blocks = geometry_.directory_blocks();
    auto* next = static_cast<uint8_t*>(memory);
    staging_ = next;
    next += transfer_bytes_max;
    entries_ = reinterpret_cast<DirectoryEntry*>(next);
    next += geometry_.slots * sizeof(DirectoryEntry);
    block_checksum_ = reinterpret_cast<uint32_t*>(next);
    next += blocks * sizeof(*block_checksum_);
    block_pages_ = reinterpret_cast<uint16_t*>(next);
    next += blocks * sizeof(*block_pages_);
    block_changed_ = next;
    return OpenStatus::empty;
}

OpenStatus Store::open(BlockDevice& device, void* memory, uint32_t bytes, bool older_allowed) {
    device_ = &device;
    root_ = {};
    damage_ = {};
    degraded_ = clear_other_place_ = false;
    repair_root_[0] = repair_root_[1] = false;
    if (const OpenStatus status = take_memory(memory, bytes, device.sector_count());
        status != OpenStatus::empty)
        return status;
    make_free_list();

    RootPlace place[2];
    for (uint32_t parity = 0; parity < 2; ++parity)
        for (uint32_t copy = 0; copy < 2; ++copy) {
            RootSector& root = place[parity].root[copy];
            SectorState& state = place[parity].state[copy];
            state = read_sector(device, root_sector[parity][copy], root_magic, root);
            if (state == SectorState::other_version) {
                damage_.number = root.header.version;
                return OpenStatus::wrong_version;
            }
            if (state == SectorState::ours &&
                (root.epoch == 0 || (root.epoch & 1) != parity || root.geometry != geometry_))
                state = SectorState::torn;
        }

    if (!place[0].has_root() && !place[1].has_root()) {
        const OpenStatus status = open_without_checkpoint();
        const bool lost = place[0].is_lost() || place[1].is_lost();
        if (lost && status != OpenStatus::foreign && status != OpenStatus::wrong_version) {
            damage_.epoch = place[1].is_lost() ? 1 : 2;
            return OpenStatus::damaged_roots;
        }
        return status;
    }

    uint32_t parity = 0;
    if (!place[0].has_root() || (place[1].has_root() && place[1].newest().epoch > place[0].newest().epoch))
        parity = 1;
    OpenStatus newest = OpenStatus::checkpoint;
    if (place[parity ^ 1].is_lost()) {
        // Its epoch was the one before, or the one after and then perhaps reported committed.
        damage_.epoch = place[parity].newest().epoch + 1;
        newest = OpenStatus::damaged_roots;
        if (!older_allowed)
            return newest;
    } else {
        newest = read_directory(place[parity].newest());
        if (newest != OpenStatus::checkpoint) {
            parity ^= 1;
            if (!older_allowed || !place[parity].has_root())
                return newest;
        }
    }
    if (newest != OpenStatus::checkpoint) {
        degraded_ = clear_other_place_ = true;
        const Damage lost = damage_;
        if (read_directory(place[parity].newest()) != OpenStatus::checkpoint || !verify_all_pages())
            return OpenStatus::damaged_page;
        damage_ = lost;
    }
    for (uint32_t copy = 0; copy < 2; ++copy)
        repair_root_[copy] =
            place[parity].state[copy] != SectorState::ours || place[parity].root[copy].epoch != root_.epoch;
    make_free_list();
    return OpenStatus::checkpoint;
}

// No valid root: was anything ever here?
OpenStatus Store::open_without_checkpoint() {
    bool labelled = false, foreign = false;
    for (const uint32_t sector : label_sector) {
        LabelSector label;
        const SectorState state = read_sector(*device_, sector, label_magic, label);
        if (state == SectorState::other_version) {
            damage_.number = label.header.version;
            return OpenStatus::wrong_version;
        }
        labelled = labelled || (state == SectorState::ours && label.geometry == geometry_);
        foreign = foreign || state == SectorState::foreign;
    }
    if (labelled)
        return OpenStatus::empty;
    return foreign ? OpenStatus::foreign : OpenStatus::blank;
}

OpenStatus Store::read_directory(const RootSector& root) {
    const uint32_t parity = root.epoch & 1;
    for (uint32_t slot = 0; slot < slots(); ++slot)
        entries_[slot] = {};
    uint32_t bad_copies = 0;
    if (!read_index(root, bad_copies)) {
        damage_ = {root.epoch, 0};
        return OpenStatus::damaged_index;
    }
    for (uint32_t number = 0; number < used_blocks_; ++number) {
        uint32_t bad_block_copies = 0;
        if (!read_directory_block(root, number, bad_block_copies)) {
            damage_ = {root.epoch, number};
            return OpenStatus::damaged_directory;
        }
        // What the other area holds is unknown: a commit may have been cut short there. A bad copy here is
        // mended when this area's turn comes.
        block_changed_[number] =
            static_cast<uint8_t>(1u << (parity ^ 1) | (bad_block_copies != 0 ? 1u << parity : 0));
    }
    root_ = root;
    return OpenStatus::checkpoint;
}

bool Store::read_index(const RootSector& root, uint32_t& bad_copies) {
    for (const uint32_t area : geometry_.directory_area[root.epoch & 1]) {
        const auto* index = reinterpret_cast<const IndexBlock*>(staging_);
        if (device_->read(area, staging_, sectors_per_block) != DeviceStatus::ok ||
            crc32c(staging_, block_bytes) != root.index_checksum || index->magic != index_magic ||
            index->epoch != root.epoch || index->directory_blocks > geometry_.directory_blocks()) {
            ++bad_copies;
            continue;
        }
        used_blocks_ = index->directory_blocks;
        for (uint32_t number = 0; number < used_blocks_; ++number)
            block_checksum_[number] = index->checksum[number];
        return true;
    }
    return false;
}

bool Store::read_directory_block(const RootSector& root, uint32_t number, uint32_t& bad_copies) {
    for (const uint32_t area : geometry_.directory_area[root.epoch & 1]) {
        const auto* block = reinterpret_cast<const DirectoryBlock*>(staging_);
        if (device_->read(area + (1 + number) * sectors_per_block, staging_, sectors_per_block) !=
                DeviceStatus::ok ||
            crc32c(staging_, block_bytes) != block_checksum_[number] || block->magic != directory_magic ||
            block->number != number) {
            ++bad_copies;
            continue;
        }
        uint32_t used = 0;
        for (uint32_t i = 0; i < entries_per_block; ++i) {
            const uint32_t slot = number * entries_per_block + i;
            if (slot >= slots() || !block->entry[i].is_used())
                continue;
            entries_[slot] = block->entry[i];
            entries_[slot].key_and_flags |= assigned;
            ++used;
        }
        block_pages_[number] = static_cast<uint16_t>(used);
        return true;
    }
    return false;
}

LoadStatus Store::load(uint32_t slot, void* buffer, BlockDevice& through) const {
    const DirectoryEntry& entry = entries_[slot];
    if (!entry.is_used())
        return LoadStatus::unused;
    if (through.read(geometry_.slot_sector(slot, entry.is_block_b()), buffer, sectors_per_block) !=
        DeviceStatus::ok)
        return LoadStatus::unreadable;
    return verify(slot, buffer) ? LoadStatus::ok : LoadStatus::wrong_checksum;
}

Store::Run Store::run_around(uint32_t slot) const {
    Run run{slot & ~(transfer_segments_max - 1), 0, entries_[slot].is_block_b()};
    uint32_t end = run.first + transfer_segments_max < slots() ? run.first + transfer_segments_max : slots();
    while (!run.is_valid_block_of(entries_[run.first]))
        ++run.first;
    while (!run.is_valid_block_of(entries_[end - 1]))
        --end;
    run.count = end - run.first;
    return run;
}

DeviceStatus Store::load_run(const Run& run, void* buffer, BlockDevice& through) const {
    return through.read(geometry_.slot_sector(run.first, run.block_b), buffer, run.count * sectors_per_block);
}

bool Store::verify(uint32_t slot, const void* content) const {
    return entries_[slot].is_used() && crc32c(content, block_bytes) == entries_[slot].checksum;
}

bool Store::verify_all_pages() {
    for (uint32_t slot = 0; slot < slots(); ++slot)
        if (entries_[slot].is_used() && load(slot, staging_) != LoadStatus::ok) {
            damage_ = {root_.epoch, slot};
            return false;
        }
    return true;
}

// Lowest first, so that the directory stays short.
void Store::make_free_list() {
    if (root_.epoch == 0) {
        used_blocks_ = 0;
        for (uint32_t slot = 0; slot < slots(); ++slot)
            entries_[slot] = {};
    }
    first_free_ = no_slot;
    free_slots_ = 0;
    for (uint32_t slot = slots(); slot-- > 0;) {
        if (entries_[slot].is_used())
            continue;
        entries_[slot] = {0, first_free_};
        first_free_ = slot;
        ++free_slots_;
    }
}

} // namespace store
