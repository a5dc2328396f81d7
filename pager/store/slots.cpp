// Which slot a new page gets.
//
// Of the lowest directory block with a free one: the directory stays short, and pages that were first used together lie
// together. In a block those first that were given back, then the lowest. TCB pages
// all have to be found and read before the first thread runs: they get directory blocks of their own, whose slots lie
// side by side on the disk too; some neighbouring blocks together. That is a preference only: when there is nothing else,
// each takes what the other has.
#include "pager/store/directory.hpp"

namespace store {
namespace {

constexpr uint32_t no_directory_block = 0xFFFFFFFFu;

} // namespace

uint32_t Directory::slots_in(uint32_t number) const {
    const uint32_t first = number * entries_per_block;
    return geometry_.slots - first < entries_per_block ? geometry_.slots - first : entries_per_block;
}

uint32_t Directory::block_with_free_slot(bool for_tcb) const {
    const auto find = [this](uint32_t from, auto&& is_right) {
        for (uint32_t number = from; number < geometry_.directory_blocks(); ++number)
            if (const Block& block = blocks_[number];
                block.free > 0 && !block.is_unread() && is_right(number, block))
                return number;
        return no_directory_block;
    };
    uint32_t found = find(for_tcb ? 0 : lowest_free_,
                          [for_tcb](uint32_t, const Block& block) { return block.is_for_tcbs == for_tcb; });
    if (found == no_directory_block && for_tcb)
        found =
            find(0, [this](uint32_t number, const Block& block) { return block.free == slots_in(number); });
    if (found == no_directory_block)
        found = find(0, [](uint32_t, const Block&) { return true; });
    return found;
}

uint32_t Directory::first_free_slot(bool for_tcb) const {
    const uint32_t number = block_with_free_slot(for_tcb);
    return number == no_directory_block ? no_slot : free_slot_in(number);
}

uint32_t Directory::allocate(PageKey key) {
    const bool for_tcb = key_task(key) == 0;
    const uint32_t number = block_with_free_slot(for_tcb);
    if (number == no_directory_block)
        return no_slot;
    Block& block = blocks_[number];
    if (block.state == BlockState::unused) {
        make_empty(number);
        make_present(number);
    }
    if (for_tcb && !block.is_for_tcbs)
        set_aside_for_tcbs(number);
    else if (!block.is_for_tcbs)
        lowest_free_ = number;
    const uint32_t slot = free_slot_in(number);
    block.first_free = static_cast<uint16_t>(entries_[slot].checksum);
    --block.free;
    --free_slots_;
    entries_[slot] = {key, 0, 0};
    return slot;
}

// With its neighbours, so that the next threads' TCBs, which come when the world has grown, are not far away.
void Directory::set_aside_for_tcbs(uint32_t number) {
    constexpr uint32_t neighbours = 4;
    blocks_[number].is_for_tcbs = true;
    for (uint32_t next = number + 1; next < number + neighbours && next < geometry_.directory_blocks() &&
                                     blocks_[next].free == slots_in(next);
         ++next)
        blocks_[next].is_for_tcbs = true;
}

void Directory::free(uint32_t slot) {
    const uint32_t number = slot / entries_per_block;
    Block& block = blocks_[number];
    entries_[slot] = {0, block.first_free, 0};
    block.first_free = static_cast<uint16_t>(slot % entries_per_block);
    ++block.free;
    ++free_slots_;
    if (number < lowest_free_)
        lowest_free_ = number;
}

void Directory::make_empty(uint32_t number) {
    for (uint32_t i = 0; i < slots_in(number); ++i)
        entries_[number * entries_per_block + i] = {};
}

// Its entries are in memory: links those that are not used.
void Directory::make_present(uint32_t number) {
    Block& block = blocks_[number];
    uint16_t next = 0;
    block.free = 0;
    for (uint32_t place = slots_in(number); place-- > 0;) {
        DirectoryEntry& entry = entries_[number * entries_per_block + place];
        if (entry.is_used())
            continue;
        entry = {0, next, 0};
        next = static_cast<uint16_t>(place);
        ++block.free;
    }
    block.first_free = next;
    block.state = BlockState::present;
    if (number < lowest_free_)
        lowest_free_ = number;
}

} // namespace store
