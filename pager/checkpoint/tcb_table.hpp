// The TCB pages, by address.
//
// Most threads sleep most of the time, so in most stops few of the TCB pages were written to; but which, the stop must ask
// for all of them. So they are kept in *groups* of neighbours in the TCB array, of which the kernel tells in one call. Where
// their frames lie does not matter.
//
// Each TCB page owns a second frame for its copy: a stop can never run out of frames (I5), and what never changes in a TCB
// page needs to be copied only once.
#pragma once

#include <cstdint>

#include "kernel-model/abi/system_layout.hpp"
#include "pager/checkpoint/assertion.hpp"

namespace pager {

struct TcbPage {
    uint32_t slot, copy; // copy: a frame
};

// In used, must_copy and never_copied bit i is the page at address + i * l4::page_size.
struct TcbGroup {
    uint32_t address;
    uint32_t used;
    uint32_t must_copy;                  // by the next stop, whatever the kernel says
    uint32_t never_copied;               // the copy's frame holds anything
    uint16_t pages[l4::tcb_group_pages]; // numbers of pages; of unused ones undefined
};
static_assert(l4::tcb_group_pages == 32, "a bit each in a word");

class TcbTable {
public:
    static constexpr uint32_t groups_max = l4::tcb_array_size / l4::tcb_group_bytes;
    static_assert(groups_max * l4::tcb_group_pages <= 1u << 16, "pages have 16-bit numbers");

    static constexpr uint32_t memory_bytes(uint32_t pages) {
        return groups_max * static_cast<uint32_t>(sizeof(TcbGroup)) +
               pages * static_cast<uint32_t>(sizeof(TcbPage));
    }
    // `memory` stays this object's.
    void initialise(void* memory, uint32_t pages_max) {
        groups_ = static_cast<TcbGroup*>(memory);
        pages_ = reinterpret_cast<TcbPage*>(groups_ + groups_max);
        pages_max_ = pages_max;
        page_count_ = group_count_ = 0;
        for (uint16_t& number : group_of_)
            number = no_group;
    }

    void add(uint32_t address, const TcbPage& page, bool must_copy) {
        check(page_count_ < pages_max_, "TCB table: more pages than there is room for");
        TcbGroup& group = group_at(address);
        const uint32_t number = address % l4::tcb_group_bytes / l4::page_size, bit = 1u << number;
        check((group.used & bit) == 0, "TCB table: a page twice");
        group.used |= bit;
        group.must_copy |= must_copy ? bit : 0;
        group.never_copied |= bit;
        group.pages[number] = static_cast<uint16_t>(page_count_);
        pages_[page_count_++] = page;
    }

    // Groups and pages in the order in which they came.
    uint32_t page_count() const { return page_count_; }
    uint32_t group_count() const { return group_count_; }
    const TcbPage& page(uint32_t i) const { return pages_[i]; }
    TcbGroup& group(uint32_t i) { return groups_[i]; }

private:
    static constexpr uint16_t no_group = groups_max;
    static_assert(l4::tcb_array_base % l4::tcb_group_bytes == 0);

    // Made if need be.
    TcbGroup& group_at(uint32_t address) {
        check(address - l4::tcb_array_base < l4::tcb_array_size, "TCB table: an address outside the array");
        uint16_t& number = group_of_[(address - l4::tcb_array_base) / l4::tcb_group_bytes];
        if (number == no_group) {
            number = static_cast<uint16_t>(group_count_);
            TcbGroup& group = groups_[group_count_++];
            group.address = address - address % l4::tcb_group_bytes;
            group.used = group.must_copy = group.never_copied = 0;
        }
        return groups_[number];
    }

    TcbGroup* groups_ = nullptr;
    TcbPage* pages_ = nullptr;
    uint32_t pages_max_ = 0, page_count_ = 0, group_count_ = 0;
    uint16_t group_of_[groups_max] = {}; // number of the group by its place in the array
};

} // namespace pager
