// The disk driver's task: one thread that waits for clients and for the disk in one place. It is not persistent: at
// every start it finds the disk anew.
#include "kernel-model/abi/syscalls.hpp"
#include "pager/ide/driver.hpp"
#include "pager/runtime/console_line.hpp"
#include "pager/runtime/kernel_info.hpp"

namespace pager {
namespace {

constexpr uint32_t request_page_address = 0xB0000000u; // the receive window of CONNECT
constexpr uint32_t info_window = request_page_address + l4::page_size;

IdeChannel channel;

l4::Timeouts wait_until(uint64_t deadline_us, uint64_t now_us) {
    const uint64_t wait_us = deadline_us == Driver::never ? l4::Timeouts::infinite_us
                             : deadline_us > now_us       ? deadline_us - now_us
                                                          : 0;
    return l4::Timeouts::make(0, wait_us);
}

[[noreturn]] void serve(Driver& driver, const l4::KernelInfo& info) {
    const uint32_t window = l4::receive_window(l4::Fpage::make(request_page_address, l4::page_bits), true);
    for (;;) {
        l4::ThreadId client;
        l4::Message message;
        const l4::MessageResult result =
            l4::ipc(client, l4::no_send, driver.is_connected() ? l4::open_wait : window,
                    wait_until(driver.deadline_us(), kernel_clock_us(info)), message);
        const uint64_t now_us = kernel_clock_us(info);
        if (result.ok() && client == IdeChannel::interrupt)
            driver.interrupt(now_us);
        else if (result.ok())
            driver.message(client, message, result.mapped());
        driver.go_on(now_us);
    }
}

} // namespace
} // namespace pager

extern "C" [[noreturn]] void server_main(const char*) {
    using namespace pager;
    const l4::KernelInfo* const info = map_kernel_info(info_window);
    if (info == nullptr) {
        ConsoleLine().text("ide: sigma0 gives no kernel info page").print();
        for (;;)
            l4::sleep_us(l4::Timeouts::infinite_us);
    }
    const DiskStatus disk = channel.initialise();
    if (disk != DiskStatus::ok)
        ConsoleLine().text("ide: no disk, status ").decimal(static_cast<uint32_t>(disk)).print();
    Driver driver{channel, disk, *reinterpret_cast<const DiskRequestPage*>(request_page_address)};
    serve(driver, *info);
}
