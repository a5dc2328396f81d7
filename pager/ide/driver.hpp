// The driver's side of pager/disk_protocol.hpp: whose request is in which area, how far it is, and who waits.
//
//   free --read, write, flush--> called ----over----> free, with the reply
//   free --submit_write--------> submitted --over---> ended --collect--> free
//                                         \--over, the client already collects--> free
#pragma once

#include "kernel-model/abi/syscalls.hpp"
#include "pager/ide/command_runner.hpp"
#include "pager/ide/ide_channel.hpp"
#include "pager/ide/request_queue.hpp"

namespace pager {

class Driver {
public:
    // `request_page` is where CONNECT has mapped or will map that page.
    Driver(IdeChannel& channel, DiskStatus disk, const DiskRequestPage& request_page)
        : channel_{channel}, disk_{disk} {
        channel_.set_request_page(request_page);
    }

    bool is_connected() const { return client_task_ != 0; }
    // When go_on() must be called at the latest; never: nothing is under way.
    uint64_t deadline_us() const { return runner_.is_idle() ? never : runner_.deadline_us(); }

    void message(l4::ThreadId client, const l4::Message& message, bool mapped);
    void interrupt(uint64_t now_us);
    // After each message, and when the time is up.
    void go_on(uint64_t now_us);

    static constexpr uint64_t never = ~uint64_t{0};

private:
    enum class Stage : uint8_t { free, called, submitted, ended };
    struct Area {
        Stage stage = Stage::free;
        DiskStatus status = DiskStatus::ok; // when ended
        l4::ThreadId client;
        DiskRequest request;
    };

    DiskStatus connect(l4::ThreadId client, bool mapped);
    DiskStatus accept(l4::ThreadId client, const l4::Message& message, DiskRequest::Kind kind, Stage stage);
    void collect(l4::ThreadId client);
    void look(uint64_t now_us);
    void begin_next(uint64_t now_us);
    void request_over(uint32_t area, DiskStatus status);

    IdeChannel& channel_;
    CommandRunner<IdeChannel> runner_{channel_};
    RequestQueue queue_;
    Area areas_[disk_request_areas];
    DiskStatus disk_;
    unsigned client_task_ = 0;
    l4::ThreadId collector_; // waits for the end of a write of its own; nil: nobody
};

} // namespace pager
