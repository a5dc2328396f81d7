#include "sim/observe/page_ins.hpp"

namespace fixpoint::sim {
namespace {

constexpr uint32_t page_of(uint32_t address) {
    return address & ~(l4::page_size - 1);
}

} // namespace

void PageIns::fault_begin(const Sample& at, l4::ThreadId thread, uint32_t address) {
    waiting_[thread.raw] = {at.now, page_of(address), false};
}

void PageIns::page_placed(uint32_t task, uint32_t address, l4::PageSource source) {
    if (source != l4::PageSource::store)
        return;
    for (auto& [thread, fault] : waiting_)
        if (l4::ThreadId{thread}.task() == task && fault.page == page_of(address))
            fault.from_store = true;
}

void PageIns::fault_end(const Sample& at, l4::ThreadId thread) {
    const auto fault = waiting_.find(thread.raw);
    if (fault == waiting_.end())
        return;
    if (fault->second.from_store)
        latencies_.push_back(at.now - fault->second.begin);
    waiting_.erase(fault);
}

} // namespace fixpoint::sim
