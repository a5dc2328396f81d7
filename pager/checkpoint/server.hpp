// The checkpoint server's task: two threads over one set of tables.
//
//   lthread 0, pager_thread.cpp         answers page faults and requests (pager/protocol.hpp)
//   lthread 1, checkpointer_thread.cpp  at start: disk, recovery; then a checkpoint at every interval
//
// Both run at the highest priority with infinite time slices, so one gives way to the other only in its own
// blocking IPC: no locks. State that one leaves half changed across an IPC is named where it happens
// (Pages::page_in, drain). The pager thread answers all clients; the checkpointer tells it by IPC when
// waiting ones can be tried again.
#pragma once

#include <cstdint>

#include "kernel-model/abi/kernel_info.hpp"
#include "kernel-model/abi/system_layout.hpp"
#include "pager/checkpoint/driver_disk.hpp"
#include "pager/checkpoint/guest_platform.hpp"
#include "pager/checkpoint/options.hpp"
#include "pager/checkpoint/pages.hpp"
#include "pager/checkpoint/server_memory.hpp"
#include "pager/protocol.hpp"
#include "pager/store/either_store.hpp"

namespace pager {

// From the checkpointer to the pager thread.
enum class Notice : uint32_t { frame_freed = 9, committed = 11, room_made = 13, more_recovered = 15 };

struct Server {
    Server(const l4::KernelInfo& kernel_info, ServerMemory& server_memory, const Options& parsed)
        : info{kernel_info}, memory{server_memory}, options{parsed}, platform{kernel_info},
          store{stores.of_kind(parsed.store)} {}

    const l4::KernelInfo& info;
    ServerMemory& memory;
    const Options& options;
    GuestPlatform platform;
    DriverDisk pager_disk{0}, checkpointer_disk{1, 2};
    store::EitherStore stores;
    store::Store& store; // of the kind that the options name
    Pages pages;

    Readiness readiness = Readiness::not_yet;
    uint32_t* drain_memory = nullptr; // Checkpoint::memory_bytes
    uint32_t frames = 0;              // that it was made for

    bool pages_ready = false;     // the tables can answer faults
    bool going = false;           // the world is set up
    bool recovery_wanted = false; // a fault waits for what has not been recovered yet
    uint32_t recovered_epoch = 0, session = 0;
    uint32_t stopped_epoch = 0;    // of the newest stop
    uint32_t requested_epoch = 0;  // the newest a CHECKPOINT or SHUTDOWN request waits for
    bool shutting_down = false;    // the next checkpoint is the last one
    bool stopped_for_good = false; // its stop is over: no persistent thread gets an answer any more
    bool store_is_short = false;   // a writer was refused since the checkpointer last made room
    uint32_t waiting_writers = 0;  // faults that wait for a frame or for room in the store
    uint32_t waiting_requests = 0; // CHECKPOINT and DURABLE requests without a reply
    uint32_t waiting_discards = 0; // DISCARD requests that wait until the whole directory is known
};

[[noreturn]] void run_pager_thread(Server& server);
[[noreturn]] void run_checkpointer_thread(Server& server);

// Finds the disk's newest checkpoint, or makes a blank disk ours; fills the tables as far as the threads need them; after
// a recovery the persistent threads run as soon as no server does. False: the reason is on the console.
bool recover_or_format(Server& server);
// While they run: the TCBs of the others, what is missing of the directory, then the working set if that is wanted. The
// first checkpoint comes after it.
void finish_recovery(Server& server);
void tell_pager(Notice notice);
// Until the pager thread says something (go, a request): false; or until the time is up.
bool wait_for_pager(uint64_t us);
// Nothing runs any more, and nothing can change the disk.
[[noreturn]] void stop_for_ever();

} // namespace pager
