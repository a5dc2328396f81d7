#include "pager/store/log_store.hpp"

#include "pager/store/crc32c.hpp"

namespace store {
namespace {

bool is_zero(const void* content) {
    const auto* bytes = static_cast<const uint8_t*>(content);
    for (uint32_t i = 0; i < block_bytes; i += sizeof(uint64_t)) {
        uint64_t word;
        __builtin_memcpy(&word, bytes + i, sizeof word);
        if (word != 0)
            return false;
    }
    return true;
}

// A reservation that does not hold would overwrite the newest checkpoint: stop before it is too late.
void require(bool holds) {
    if (!holds)
        __builtin_trap();
}

} // namespace

uint32_t LogStore::memory_bytes(uint32_t disk_sectors) const {
    const uint32_t common = Store::memory_bytes(disk_sectors);
    const Geometry geometry = geometry_for(StoreKind::log, disk_sectors);
    return common == 0 ? 0 : common + (geometry.blocks - geometry.slots) * uint32_t{sizeof(*owner_)};
}

uint32_t LogStore::tail() const {
    return (head_ + log_blocks() - used_) % log_blocks();
}

uint32_t LogStore::slot_of(uint32_t block) const {
    const uint32_t slot = block < slots() ? block : owner_[block - slots()];
    return slot < slots() && entry(slot).has_block() && entry(slot).block == block ? slot : no_slot;
}

// As long as some entries are unknown, all counts as used that was when the root was written.
void LogStore::opened() {
    head_ = root().log_head % log_blocks();
    used_ = root().log_used < log_blocks() ? root().log_used : log_blocks();
    looked_at_ = reserved_ = standing_ = 0;
    writing_ = passed_over_ = moved_ = false;
}

void LogStore::learned(const SlotRange& range) {
    for (uint32_t slot = range.first; slot < range.end; ++slot) {
        if (entry(slot).is_used() && is_standing(slot))
            ++standing_;
        if (entry(slot).has_block() && entry(slot).block >= slots())
            owner_[entry(slot).block - slots()] = slot;
    }
}

void LogStore::committed() {
    writing_ = passed_over_ = moved_ = false;
    looked_at_ = 0;
    while (used_ > 0 && slot_of(slots() + tail()) == no_slot)
        --used_;
}

bool LogStore::reserve(uint32_t slot) {
    if (!can_reserve())
        return false;
    if (is_standing(slot)) {
        ++standing_;
        return true;
    }
    ++reserved_;
    directory_.set(slot, DirectoryEntry::reserved);
    return true;
}

void LogStore::release(uint32_t slot) {
    require(reserved_ > 0);
    --reserved_;
    directory_.clear(slot, DirectoryEntry::reserved);
}

uint32_t LogStore::batch_length(const uint32_t*, uint32_t count) const {
    return count < transfer_segments_max ? count : transfer_segments_max;
}

uint32_t LogStore::place(const PageWrite& page) {
    const DirectoryEntry& before = entry(page.slot);
    if (before.is_pending())
        return before.is_zero() ? no_block : before.block;
    if (!is_standing(page.slot)) {
        release(page.slot); // it becomes a used block
        if (page.is_dirty)
            directory_.set(page.slot, DirectoryEntry::reserved);
    }
    writing_ = true;
    if (is_zero(page.content))
        return no_block;
    require(used_ < log_blocks());
    const uint32_t block = head_;
    owner_[block] = page.slot;
    head_ = (head_ + 1) % log_blocks();
    ++used_;
    return slots() + block;
}

MoveStatus LogStore::move_some(Moving how) {
    if (writing_)
        return MoveStatus::nothing_to_move;
    if (how != Moving::lazily && passed_over_) {
        looked_at_ = 0;
        passed_over_ = false;
    }
    Move moves[transfer_segments_max];
    uint32_t blocks[transfer_segments_max];
    const uint32_t looked_at_before = looked_at_;
    const uint32_t count = collect(how, moves, blocks);
    if (count == 0)
        return MoveStatus::nothing_to_move;
    if (read_for_moves(moves, blocks, count) && write_home(moves, count))
        return MoveStatus::moved;
    looked_at_ = looked_at_before;
    return MoveStatus::device_failed;
}

// In the log's order, as they are read.
uint32_t LogStore::collect(Moving how, Move* moves, uint32_t* blocks) {
    uint32_t count = 0;
    for (; looked_at_ < used_ && count < transfer_segments_max; ++looked_at_) {
        const uint32_t block = slots() + (tail() + looked_at_) % log_blocks();
        const uint32_t slot = slot_of(block);
        if (slot == no_slot)
            continue;
        if (entry(slot).is_reserved() && how != Moving::for_stop) {
            if (how == Moving::for_writers)
                break;
            passed_over_ = true;
            continue;
        }
        moves[count].slot = slot;
        blocks[count++] = block;
    }
    return count;
}

// Neighbours in one request. A page that cannot be read is as lost at home, where its checksum does not hold either,
// as it was in the log, where it would stand in the tail's way for ever.
bool LogStore::read_for_moves(Move* moves, const uint32_t* blocks, uint32_t count) {
    for (uint32_t first = 0; first < count;) {
        uint8_t* const buffer = staging() + size_t{first} * block_bytes;
        Run run{blocks[first], 1};
        while (first + run.count < count && blocks[first + run.count] == run.first + run.count)
            ++run.count;
        DeviceStatus status = load_run(run, buffer, device());
        if (status == DeviceStatus::medium_error && run.count > 1) {
            run.count = 1;
            status = load_run(run, buffer, device());
        }
        if (status == DeviceStatus::failed)
            return false;
        for (uint32_t i = 0; i < run.count; ++i) {
            Move& move = moves[first + i];
            const uint8_t* const content = buffer + size_t{i} * block_bytes;
            move.content = status == DeviceStatus::ok && verify(move.slot, content) ? content : nullptr;
        }
        first += run.count;
    }
    for (uint32_t i = 1; i < count; ++i) // by home block, as they are written
        for (uint32_t at = i; at > 0 && moves[at - 1].slot > moves[at].slot; --at) {
            const Move later = moves[at];
            moves[at] = moves[at - 1];
            moves[at - 1] = later;
        }
    return true;
}

bool LogStore::write_home(const Move* moves, uint32_t count) {
    for (uint32_t first = 0; first < count;) {
        WriteRequest request;
        request.sector = geometry().block_sector(moves[first].slot);
        const auto continues = [&](uint32_t i) {
            return i < count && moves[i].content != nullptr &&
                   moves[i].slot == moves[first].slot + request.segments;
        };
        for (uint32_t i = first; continues(i); ++i)
            request.segment[request.segments++] = {moves[i].content, block_bytes};
        if (request.segments > 0 &&
            device().write(request.sector, request.segment, request.segments) != DeviceStatus::ok)
            return false;
        const uint32_t done = request.segments > 0 ? request.segments : 1; // or one that is lost
        moved_ = true;
        for (uint32_t i = first; i < first + done; ++i)
            directory_.content(moves[i].slot, moves[i].slot, entry(moves[i].slot).checksum);
        first += done;
    }
    return true;
}

} // namespace store
