#include "pager/checkpoint/server_memory.hpp"

#include "kernel-model/abi/syscalls.hpp"
#include "pager/checkpoint/frame_pool.hpp"
#include "pager/runtime/kernel_info.hpp"

namespace pager {
namespace {

constexpr uint32_t info_window = 0xB0000000u; // where the kernel info page is mapped to
// Below: BIOS data, the kernel's image, what the root task may want.
constexpr uint32_t left_to_others = 0x00200000u;
constexpr uint32_t superpage_request = 0x40000000u, any_page_request = 0xFFFFFFFCu;

// The fpage sigma0 gives, or 0.
uint32_t ask_sigma0(l4::Message request, l4::Fpage window) {
    l4::ThreadId sigma0 = l4::sigma0_thread;
    const l4::MessageResult result = l4::ipc(sigma0, l4::send_registers, l4::receive_window(window, false),
                                             l4::Timeouts::infinite(), request);
    return result.ok() && result.mapped() ? request.w1 : 0;
}

} // namespace

const l4::KernelInfo* ServerMemory::ask_for_kernel_info() {
    return map_kernel_info(info_window);
}

void ServerMemory::ask_for_all(const l4::KernelInfo& info) {
    const uint32_t end = info.main_memory.high < frames_end_max ? info.main_memory.high : frames_end_max;
    for (uint32_t low = end & ~(l4::superpage_size - 1); low > l4::superpage_size;) {
        low -= l4::superpage_size;
        if (ask_sigma0({superpage_request + low, 0, 0}, l4::Fpage::whole_space()) != 0 &&
            !add(low, low + l4::superpage_size))
            return;
    }
    for (;;) {
        const l4::Fpage page{ask_sigma0({any_page_request, 0, 0}, l4::Fpage::whole_space())};
        // sigma0 goes downwards.
        if (page.raw == 0 || page.base() < left_to_others || !add(page.base(), page.base() + l4::page_size))
            return;
    }
}

// Pages come from the top downwards, so a range grows at its lower end.
bool ServerMemory::add(uint32_t low, uint32_t high) {
    if (range_count_ > 0 && ranges_[range_count_ - 1].low == high) {
        ranges_[range_count_ - 1].low = low;
        return true;
    }
    if (range_count_ == ranges_max)
        return false;
    ranges_[range_count_++] = {low, high};
    return true;
}

void* ServerMemory::take_table(uint32_t bytes) {
    const uint32_t rounded = (bytes + l4::page_size - 1) & ~(l4::page_size - 1);
    for (uint32_t i = 0; i < range_count_; ++i)
        if (ranges_[i].high - ranges_[i].low >= rounded) {
            void* const table = reinterpret_cast<void*>(ranges_[i].low);
            ranges_[i].low += rounded;
            return table;
        }
    return nullptr;
}

uint32_t ServerMemory::frames() const {
    uint32_t count = 0;
    for (uint32_t i = 0; i < range_count_; ++i)
        count += (ranges_[i].high - ranges_[i].low) / l4::page_size;
    return count;
}

bool ServerMemory::take_range(uint32_t& low, uint32_t& high) {
    while (range_count_ > 0) {
        const Range& range = ranges_[--range_count_];
        low = range.low;
        high = range.high;
        if (low < high)
            return true;
    }
    return false;
}

} // namespace pager
