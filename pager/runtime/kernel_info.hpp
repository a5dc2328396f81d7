// The kernel info page, for servers that sigma0 answers.
#pragma once

#include "kernel-model/abi/kernel_info.hpp"
#include "kernel-model/abi/syscalls.hpp"

namespace pager {

// Maps it at `window`; nullptr if sigma0 does not give it.
inline const l4::KernelInfo* map_kernel_info(uint32_t window) {
    l4::Message request{1, 1, 0};
    l4::ThreadId sigma0 = l4::sigma0_thread;
    const l4::MessageResult result =
        l4::ipc(sigma0, l4::send_registers, l4::receive_window(l4::Fpage::make(window, l4::page_bits), false),
                l4::Timeouts::infinite(), request);
    if (!result.ok() || !result.mapped() || request.w1 == 0)
        return nullptr;
    const auto* info = reinterpret_cast<const l4::KernelInfo*>(window);
    return info->magic == l4::kernel_info_magic ? info : nullptr;
}

// The kernel writes both halves in its timer interrupt: read until they fit.
inline uint64_t kernel_clock_us(const l4::KernelInfo& info) {
    const auto* halves = reinterpret_cast<const volatile uint32_t*>(&info.clock_us);
    for (;;) {
        const uint32_t high = halves[1], low = halves[0];
        if (high == halves[1])
            return static_cast<uint64_t>(high) << 32 | low;
    }
}

} // namespace pager
