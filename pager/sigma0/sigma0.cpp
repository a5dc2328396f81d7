// sigma0: the first address space. It holds all memory idempotently (virtual = physical) at start and gives
// each page away once; it is also the root task's pager. Protocol: L4 X.0, see kernel-model/abi/types.hpp for
// the words.
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
#include "kernel-model/abi/io_fpage.hpp"
#include "kernel-model/abi/kernel_info.hpp"
#include "kernel-model/abi/syscalls.hpp"
#include "kernel-model/abi/system_layout.hpp"
#include "pager/runtime/console_line.hpp"
#include "pager/sigma0/frame_owners.hpp"

extern "C" char image_start[], image_end[]; // server.ld

namespace pager {
namespace {

constexpr uint32_t any_page = 0xFFFFFFFCu, info_request = 1, fpage_request = 3,
                   superpage_offset = 0x40000000u;
// Where sigma0, root, driver and checkpoint server are linked: others get no page there unless they name it.
constexpr uint32_t servers_low = 0x00C00000u, servers_high = 0x01000000u;
constexpr uint32_t conventional_end = 0x00100000u; // below: BIOS data, and what DMA on the ISA bus may want

FrameOwners owners;

void set_up(const l4::KernelInfo& info) {
    owners.set_anywhere_range(conventional_end, info.main_memory.high);
    for (const l4::MemoryRange& range : info.dedicated)
        owners.keep_for_address(range.low, range.high);
    owners.keep_for_address(servers_low, servers_high);
    owners.withhold(info.reserved0.low, info.reserved0.high);
    owners.withhold(info.reserved1.low, info.reserved1.high);
    owners.withhold(reinterpret_cast<uint32_t>(image_start), reinterpret_cast<uint32_t>(image_end));
}

uint32_t answer_fpage_request(unsigned task, l4::Fpage wanted, uint32_t access) {
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

bool asks_for_info_page(uint32_t w1, unsigned task) {
    const uint32_t what = w1 & 0xFFu;
    return what == 1 || (what == 0 && task != 0);
}

// The fpage that answers the request; 0: none.
uint32_t answer(l4::ThreadId client, const l4::Message& request, uint32_t info_address) {
    const unsigned task = client.task();
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
        return answer_fpage_request(task, l4::Fpage{request.w2}, access);
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

[[noreturn]] void serve(uint32_t info_address) {
    l4::ThreadId client;
    l4::Message message;
    bool reply = false;
    uint32_t descriptor = l4::send_registers;
    for (;;) {
        const l4::MessageResult result =
            reply ? l4::reply_and_wait(client, message, descriptor) : l4::wait(client, message);
        reply = result.ok(); // a client that no longer waits gets nothing
        if (!reply)
            continue;
        const uint32_t fpage = answer(client, message, info_address);
        descriptor = fpage == 0 ? l4::send_registers : l4::send_map;
        message = {l4::Fpage{fpage}.base(), fpage, 0};
    }
}

} // namespace
} // namespace pager

extern "C" [[noreturn]] void server_main(uint32_t info_address) {
    const auto* info = reinterpret_cast<const l4::KernelInfo*>(info_address);
    if (info_address == 0 || info->magic != l4::kernel_info_magic) {
        pager::ConsoleLine().text("sigma0: no kernel info page at ").hex(info_address).print();
        for (;;)
            l4::sleep_us(l4::Timeouts::infinite_us);
    }
    pager::set_up(*info);
    pager::serve(info_address);
}
