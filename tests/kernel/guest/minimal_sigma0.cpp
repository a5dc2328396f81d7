// The least that a root task needs of sigma0: every frame or superpage named in a page fault or request, mapped
// writable, as often as it is asked for; the kernel info page; and ports.
#include "kernel-model/abi/io_fpage.hpp"
#include "kernel-model/abi/kernel_info.hpp"
#include "kernel-model/abi/syscalls.hpp"

extern "C" void test_main(uint32_t info_address) {
    l4::ThreadId client;
    l4::Message message;
    l4::wait(client, message);
    for (;;) {
        const bool info = message.w0 == 1 && (message.w1 & 0xFF) == 1;
        constexpr uint32_t superpages = 0x40000000u;
        const bool superpage = message.w0 >= superpages;
        const uint32_t address = info ? info_address : superpage ? message.w0 - superpages : message.w0;
        const unsigned size = superpage ? l4::superpage_bits : l4::page_bits;
        const uint32_t fpage = l4::Fpage::make(address, size, info ? 0 : l4::Fpage::write_bit).raw;
        message = {address, l4::IoFpage::is(message.w0) ? message.w0 : fpage, 0};
        // A client that does not take it gets nothing.
        for (auto result = l4::reply_and_wait(client, message, l4::send_map); !result.ok();)
            result = l4::wait(client, message);
    }
}
