// sigma0: the first address space. It holds all memory idempotently (virtual = physical) at start and gives
// each page away once; it is also the root task's pager. What it is asked for: requests.hpp.
#include "kernel-model/abi/kernel_info.hpp"
#include "kernel-model/abi/syscalls.hpp"
#include "kernel-model/abi/system_layout.hpp"
#include "pager/runtime/console_line.hpp"
#include "pager/sigma0/frame_owners.hpp"
#include "pager/sigma0/requests.hpp"

extern "C" char image_start[], image_end[]; // server.ld

namespace pager {
namespace {

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
        const uint32_t fpage =
            answer_sigma0_request(owners, info_address, {client, message.w0, message.w1, message.w2});
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
