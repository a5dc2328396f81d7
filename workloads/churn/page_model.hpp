// What the manager knows of its pages: the state of every stripe, and who may be using which stripes at the moment.
//
// A *batch* is what runs at the same time. Within it a stripe has either one writer or any number of readers, so
// that the states at its end do not depend on the order in which its commands ran.
#pragma once

#include "workloads/churn/stripes.hpp"

#include <cstdint>

namespace workloads {

using StripeMask = uint32_t; // bit i: stripe i of a page
inline constexpr StripeMask all_stripes = (1u << stripes_per_page) - 1;
constexpr StripeMask stripe_mask(unsigned first, unsigned count) {
    return ((1u << count) - 1) << first & all_stripes;
}

struct PageRecord {
    uint32_t states[stripes_per_page];
    StripeMask read, written; // by commands of the batch
    uint32_t batch;           // that the masks are of
};

class PageModel {
public:
    PageModel() = default;
    // Pages [first, first + count) of the table; their states are drawn from the seed.
    PageModel(PageRecord* table, uint32_t first, uint32_t count, uint32_t seed);

    uint32_t first() const { return first_; }
    uint32_t count() const { return count_; }
    bool has(uint32_t page) const { return page - first_ < count_; }

    uint32_t state(uint32_t page, unsigned stripe) const { return table_[page].states[stripe]; }
    void set_state(uint32_t page, unsigned stripe, uint32_t state) { table_[page].states[stripe] = state; }
    // Of all states of a page: what a child that reads the whole page reports.
    uint32_t page_chain(uint32_t page) const;
    // Of all pages.
    uint32_t chain() const;

    void begin_batch() { ++batch_; }
    // False: somebody else of the batch uses them in a way that does not go together.
    bool claim_for_reading(uint32_t page, StripeMask stripes);
    bool claim_for_writing(uint32_t page, StripeMask stripes);

private:
    PageRecord& current(uint32_t page);

    PageRecord* table_ = nullptr;
    uint32_t first_ = 0, count_ = 0, batch_ = 1;
};

} // namespace workloads
