// Fetching code the long way, and making blocks of decoded instructions of it.
#include "models/cpu/core.hpp"

#include "models/cpu/handlers.hpp"

namespace fixpoint::models {

bool Core::fetch_slow(uint32_t linear, uint32_t& physical) {
    current = nullptr;
    if (linear - segment[seg_cs].base > code_limit) // not EIP: it may be the second page of an instruction
        return raise_protection();
    Mmu::Translation translation;
    if (!mmu.translate(linear, AccessKind::fetch, user(), translation))
        return raise(vector::page_fault, mmu.fault_error());
    physical = translation.physical;
    if (map.readable(physical) == nullptr) {
        caches.uncached_access();
        return true;
    }
    caches.fetch_access(physical);
    fetch_path.fill(user(), linear, false, physical & line_mask, translation.tlb_set);
    return true;
}

Block* Core::locate(uint32_t linear, uint32_t physical) {
    if (Block* known = blocks.find(physical, mode))
        return known;
    if (blocks.full()) {
        blocks.flush();
        block = &no_block_;
    }
    Block* made = build_block(linear, physical, false);
    if (made == nullptr)
        return nullptr;
    if (made->provisional)
        made->mode |= Block::dead; // no hint may lead to it
    else
        blocks.insert(made);
    return made;
}

size_t Core::fetch_bytes(uint32_t physical, uint32_t second_page, size_t wanted, uint8_t* bytes) {
    constexpr uint32_t page_bytes = 4096;
    const uint32_t left = page_bytes - physical % page_bytes;
    for (uint32_t i = 0; i < wanted; ++i) {
        if (i >= left && second_page == Block::no_page)
            return i;
        const uint32_t address = i < left ? physical + i : second_page + (i - left);
        bytes[i] = static_cast<uint8_t>(map.read(address, 1));
    }
    return wanted;
}

// nullptr: fetching the second page of a crossing instruction faulted.
//
// What a device answers may be another thing next time, and asking it may have effects: its code is fetched for
// each instruction anew, whoever observes.
Block* Core::build_block(uint32_t linear, uint32_t physical, bool single) {
    constexpr unsigned longest = 15;
    constexpr uint32_t page_bytes = 4096;
    Block* made = blocks.allocate();
    made->physical = physical;
    made->mode = mode;
    made->second_page = Block::no_page;
    made->chain[0] = made->chain[1] = &no_block_;
    constexpr uint32_t one_by_one = block_mode::single_step | block_mode::shadowed;
    bool from_device = map.readable(physical) == nullptr;
    const unsigned most = single || from_device || (mode & one_by_one) != 0 ? 1 : Block::max_instructions;
    const bool observed = (mode & block_mode::observed) != 0;
    uint32_t offset = 0, micro_ops = 0, extra_cycles = 0;
    bool ends = false, ended_by_next = false;
    unsigned count = 0, instructions = 0;
    const auto cycles_so_far = [&] {
        return (micro_ops + parameters.retire_width - 1) / parameters.retire_width + extra_cycles;
    };
    while (instructions < most && !ends) {
        uint8_t bytes[longest];
        if (offset >= page_bytes - physical % page_bytes)
            break;
        size_t available = fetch_bytes(physical + offset, Block::no_page, longest, bytes);
        Decoded decoded = decoder.decode(bytes, available, mode);
        ended_by_next = (decoded.incomplete || decoded.provisional) && instructions != 0;
        if (ended_by_next)
            break; // it gets a block of its own
        if (decoded.incomplete) {
            const uint32_t next_page = (linear | (page_bytes - 1)) + 1;
            uint32_t second = 0;
            if (!fetch_slow(next_page, second))
                return nullptr;
            made->second_page = second & ~(page_bytes - 1);
            from_device |= map.readable(second) == nullptr;
            available = fetch_bytes(physical, made->second_page, longest, bytes);
            decoded = decoder.decode(bytes, available, mode);
        }
        made->provisional = decoded.provisional || from_device;
        Op& op = made->ops[count + (observed && count != 0 ? 1 : 0)];
        op = decoded.op;
        op.number = made->instructions;
        op.eip_offset = static_cast<uint16_t>(offset);
        op.cycles_before = static_cast<uint16_t>(cycles_so_far());
        offset += decoded.length;
        op.next_offset = static_cast<uint16_t>(offset);
        if (decoded.relative)
            op.immediate += offset;
        if (observed && count != 0) {
            Op& observing = made->ops[count++];
            observing = op;
            observing.handler = observe_handler();
        }
        ++count;
        ++instructions;
        micro_ops += decoded.cost.micro_ops;
        extra_cycles += decoded.cost.extra_cycles;
        made->instructions = static_cast<uint8_t>(made->instructions + (decoded.counts ? 1 : 0));
        ends = decoded.ends_block || made->second_page != Block::no_page;
    }
    made->cycles = cycles_so_far();
    made->bytes = static_cast<uint16_t>(offset);
    made->extent = static_cast<uint16_t>(offset + (ended_by_next ? longest : 0));
    made->lines = static_cast<uint8_t>(((physical & ~line_mask) + offset - 1) / caches.line_bytes() + 1);
    Op& end = made->ops[count];
    end = Op{};
    end.handler = end_of_block_handler();
    end.number = made->instructions;
    end.eip_offset = end.next_offset = made->bytes;
    end.cycles_before = static_cast<uint16_t>(made->cycles);
    made->op_count = static_cast<uint8_t>(count + 1);
    return made;
}

} // namespace fixpoint::models
