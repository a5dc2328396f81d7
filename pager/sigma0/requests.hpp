// What sigma0 is asked for, and what it gives: the protocol of L4 X.0, and what Hazelnut's programs ask for besides.
//
//   w0 = 0xFFFFFFFC                       any page, from the top of memory downwards
//   w0 < 0x40000000                       that frame (a page fault of the root task looks the same)
//   0x40000000 <= w0 < 0xC0000000         the 4 MB at w0 - 0x40000000
//   w0 = an I/O fpage                     these ports, to the root task only
//   w0 odd, w1 low byte 22 * 4            the 4 MB at w0 - 1, as Hazelnut's resource manager asks for them
//   w0 = 1, w1 low byte 1                 the kernel info page, read only, with its address as send base
//   w0 = an address in that page          the same: a program that has it there gets it back by page fault
//   w0 = 1, w1 low byte 0                 from the kernel: pages wished for its use, none, it took its memory before;
//                                         from others the info page as well, as Hazelnut's l4/sigma0.h of 2002 asks for it
//   w0 = 3, w2 = an fpage                 that of the same header: bit 1 the named fpage, else any; 4 KB or 4 MB, any only 4 KB
//
// Reply: a map item, w0 = its fpage; or w0 = 0, none.
#pragma once

#include "kernel-model/abi/io_fpage.hpp"
#include "kernel-model/abi/system_layout.hpp"
#include "pager/sigma0/frame_owners.hpp"

namespace pager {

struct Sigma0Request {
    l4::ThreadId client;
    uint32_t w0 = 0, w1 = 0, w2 = 0;
};

inline constexpr uint32_t any_page = 0xFFFFFFFCu, info_request = 1, fpage_request = 3,
                          superpage_offset = 0x40000000u;

inline uint32_t answer_fpage_request(FrameOwners& owners, unsigned task, l4::Fpage wanted, uint32_t access) {
    const bool named = wanted.raw & l4::Fpage::write_bit;
    uint32_t address = wanted.base();
    if (address >= FrameOwners::addressable_bytes)
        return 0;
    if (wanted.log2_size() == l4::superpage_bits)
        return named && owners.take_superpage(address, task)
                   ? l4::Fpage::make(address, l4::superpage_bits, access).raw
                   : 0;
    if (wanted.log2_size() != l4::page_bits)
        return 0;
    if (!named)
        address = owners.take_any(task);
    else if (!owners.take(address, task))
        return 0;
    return address == FrameOwners::none ? 0 : l4::Fpage::make(address, l4::page_bits, access).raw;
}

inline bool asks_for_info_page(uint32_t w1, unsigned task) {
    const uint32_t what = w1 & 0xFFu;
    return what == 1 || (what == 0 && task != 0);
}

// The fpage that answers the request; 0: none.
inline uint32_t answer_sigma0_request(FrameOwners& owners, uint32_t info_address,
                                      const Sigma0Request& request) {
    const unsigned task = request.client.task();
    const uint32_t access =
        l4::Fpage::write_bit | (task == 0 ? l4::Fpage::grant_bit : 0); // the kernel's are granted
    if (request.w0 == any_page) {
        const uint32_t address = owners.take_any(task);
        return address == FrameOwners::none ? 0 : l4::Fpage::make(address, l4::page_bits, access).raw;
    }
    if (request.w0 == info_request && !asks_for_info_page(request.w1, task))
        return 0;
    if (request.w0 == info_request || (request.w0 & ~(l4::page_size - 1)) == info_address)
        return l4::Fpage::make(info_address, l4::page_bits).raw;
    if (request.w0 == fpage_request && request.w2 != 0)
        return answer_fpage_request(owners, task, l4::Fpage{request.w2}, access);
    const bool superpage_by_size = (request.w0 & 1) != 0 && (request.w1 & 0xFFu) == l4::superpage_bits << 2;
    if (request.w0 < superpage_offset && superpage_by_size)
        return owners.take_superpage(request.w0, task)
                   ? l4::Fpage::make(request.w0, l4::superpage_bits, access).raw
                   : 0;
    if (request.w0 < superpage_offset)
        return owners.take(request.w0, task) ? l4::Fpage::make(request.w0, l4::page_bits, access).raw : 0;
    if (request.w0 < l4::user_space_end) {
        const uint32_t address = request.w0 - superpage_offset;
        if (address >= FrameOwners::addressable_bytes || !owners.take_superpage(address, task))
            return 0;
        return l4::Fpage::make(address, l4::superpage_bits, access).raw;
    }
    if (l4::IoFpage::is(request.w0) && task == l4::root_task)
        return request.w0 & ~l4::Fpage::grant_bit;
    return 0;
}

} // namespace pager
