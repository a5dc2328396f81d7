// The disk driver's task: one thread, one request at a time (pager/disk_protocol.hpp). It is not persistent:
// at every start it finds the disk anew.
#include "kernel-model/abi/syscalls.hpp"
#include "kernel-model/abi/system_layout.hpp"
#include "pager/disk_protocol.hpp"
#include "pager/ide/ide_channel.hpp"
#include "pager/runtime/console_line.hpp"

namespace pager {
namespace {

constexpr uint32_t request_page_address = 0xB0000000u; // the receive window of CONNECT

IdeChannel channel;

class Driver {
public:
    explicit Driver(DiskStatus disk) : disk_{disk} {}

    l4::Message answer(l4::ThreadId client, const l4::Message& request, bool mapped) {
        const auto reply = [](DiskStatus status, uint32_t w1 = 0) {
            return l4::Message{static_cast<uint32_t>(status), w1, 0};
        };
        const auto operation = static_cast<DiskOperation>(request.w0);
        if (operation == DiskOperation::connect) {
            // The first to connect keeps the disk: the root task starts the checkpoint server before anything
            // else.
            if (!mapped || client_task_ != 0 || client.task() >= l4::first_persistent_task)
                return reply(DiskStatus::bad_request);
            client_task_ = client.task();
            return reply(disk_);
        }
        if (client.task() != client_task_)
            return reply(DiskStatus::bad_request);
        if (disk_ != DiskStatus::ok)
            return reply(disk_);
        switch (operation) {
        case DiskOperation::read:
        case DiskOperation::write:
            return reply(transfer(operation == DiskOperation::write, request));
        case DiskOperation::flush:
            return reply(channel.flush());
        case DiskOperation::identify:
            return reply(DiskStatus::ok, channel.sectors());
        default:
            return reply(DiskStatus::bad_request);
        }
    }

    bool connected() const { return client_task_ != 0; }

private:
    static DiskStatus transfer(bool write, const l4::Message& request) {
        const uint32_t count = request.w2 & 0xFFFFu, area = request.w2 >> 16;
        if (count == 0 || count > disk_segments_max || area >= disk_request_areas)
            return DiskStatus::bad_request;
        const auto* page = reinterpret_cast<const DiskRequestPage*>(request_page_address);
        return channel.transfer(write, request.w1, page->area[area], count);
    }

    DiskStatus disk_;
    unsigned client_task_ = 0;
};

} // namespace
} // namespace pager

extern "C" [[noreturn]] void server_main(const char*) {
    using namespace pager;
    const DiskStatus disk = channel.initialise();
    if (disk != DiskStatus::ok)
        ConsoleLine().text("ide: no disk, status ").decimal(static_cast<uint32_t>(disk)).print();
    Driver driver{disk};

    const uint32_t window = l4::receive_window(l4::Fpage::make(request_page_address, l4::page_bits), true);
    l4::ThreadId client;
    l4::Message message;
    bool reply = false;
    for (;;) {
        const uint32_t wait = driver.connected() ? l4::open_wait : window;
        const l4::MessageResult result =
            l4::ipc(client, reply ? l4::send_registers : l4::no_send, wait, l4::Timeouts::reply(), message);
        reply = result.ok(); // a client that no longer waits gets nothing
        if (reply)
            message = driver.answer(client, message, result.mapped());
    }
}
