#include "workloads/churn/page_model.hpp"

namespace workloads {

PageModel::PageModel(PageRecord* table, uint32_t first, uint32_t count, uint32_t seed)
    : table_(table), first_(first), count_(count) {
    for (uint32_t page = first; page < first + count; ++page) {
        table_[page] = {};
        for (unsigned stripe = 0; stripe < stripes_per_page; ++stripe)
            table_[page].states[stripe] = chain32(chain32(seed, page), stripe);
    }
}

uint32_t PageModel::page_chain(uint32_t page) const {
    uint32_t chain = 0;
    for (const uint32_t state : table_[page].states)
        chain = chain32(chain, state);
    return chain;
}

uint32_t PageModel::chain() const {
    uint32_t chain = 0;
    for (uint32_t page = first_; page < first_ + count_; ++page)
        chain = chain32(chain, page_chain(page));
    return chain;
}

PageRecord& PageModel::current(uint32_t page) {
    PageRecord& record = table_[page];
    if (record.batch != batch_) {
        record.read = record.written = 0;
        record.batch = batch_;
    }
    return record;
}

bool PageModel::claim_for_reading(uint32_t page, StripeMask stripes) {
    PageRecord& record = current(page);
    if ((record.written & stripes) != 0)
        return false;
    record.read |= stripes;
    return true;
}

bool PageModel::claim_for_writing(uint32_t page, StripeMask stripes) {
    PageRecord& record = current(page);
    if (((record.written | record.read) & stripes) != 0)
        return false;
    record.written |= stripes;
    return true;
}

} // namespace workloads
