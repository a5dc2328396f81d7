#include "pager/checkpoint/checkpoint.hpp"
#include "pager/checkpoint/server.hpp"
#include "pager/runtime/console_line.hpp"

namespace pager {
namespace {

class Listener final : public CheckpointListener {
public:
    explicit Listener(Server& server) : server_{server} {}

    void frame_freed() override {
        if (server_.waiting_writers > 0)
            tell_pager(Notice::frame_freed);
    }
    void disk_failed(const char* what) override {
        ConsoleLine()
            .text("checkpoint: epoch ")
            .decimal(server_.store.epoch() + 1)
            .text(": the disk fails to write ")
            .text(what)
            .text("; trying again")
            .print();
        l4::sleep_us(retry_us);
    }
    PageIns page_ins() override {
        return {server_.pager_disk.requests(), server_.pager_disk.is_busy(), server_.waiting_writers > 0};
    }

private:
    static constexpr uint64_t retry_us = 100'000;
    Server& server_;
};

[[noreturn]] void rest() {
    for (;;)
        l4::sleep_us(l4::Timeouts::infinite_us);
}

// A checkpoint is due at its time, on request, and when nothing else makes room for writers (I5). Before that the store
// may move pages while nobody pages in.
void wait_until_due(Server& server, Checkpoint& checkpoint, uint64_t due_us) {
    constexpr uint64_t quiet_us = 20'000;
    const bool by_interval = server.options.interval_us != 0;
    bool disk_was_quiet = false;
    while (server.requested_epoch <= server.store.epoch()) {
        if (server.store_is_short) {
            server.store_is_short = false;
            if (!checkpoint.make_room_for_writers())
                return;
            tell_pager(Notice::room_made);
            continue;
        }
        const uint64_t now_us = server.platform.clock_us();
        if (by_interval && now_us >= due_us)
            return;
        uint64_t wait_us = by_interval ? due_us - now_us : l4::Timeouts::infinite_us;
        if (server.store.should_move()) {
            if (disk_was_quiet)
                checkpoint.move_some(store::Moving::lazily);
            if (quiet_us < wait_us)
                wait_us = quiet_us;
        }
        const uint32_t requests = server.pager_disk.requests();
        disk_was_quiet = wait_for_pager(wait_us) && server.pager_disk.requests() == requests;
    }
}

} // namespace

void tell_pager(Notice notice) {
    l4::send(l4::pager_thread, {static_cast<uint32_t>(notice), 0, 0});
}

bool wait_for_pager(uint64_t us) {
    l4::Message message;
    return !l4::receive(l4::pager_thread, message, l4::Timeouts::make(l4::Timeouts::infinite_us, us)).ok();
}

void run_checkpointer_thread(Server& server) {
    if (!recover_or_format(server)) {
        server.readiness = Readiness::failed;
        rest();
    }
    Listener listener{server};
    Checkpoint::World world;
    world.session = server.session;
    world.tcb_bytes = server.info.tcb_bytes;
    __builtin_memcpy(world.build_id, server.info.build_id, sizeof world.build_id);
    Checkpoint checkpoint{server.pages,    server.store,       server.checkpointer_disk,
                          server.platform, listener,           server.options.policy,
                          world,           server.drain_memory};
    server.readiness = Readiness::ready;
    finish_recovery(server);

    while (!server.going)
        wait_for_pager(l4::Timeouts::infinite_us);
    uint64_t due_us = server.platform.clock_us() + server.options.interval_us;
    for (;;) {
        wait_until_due(server, checkpoint, due_us);
        checkpoint.make_room_for_stop();
        const uint64_t snapshot_us = server.platform.clock_us();
        server.stopped_epoch = server.store.epoch() + 1;
        checkpoint.stop();
        if (server.shutting_down) {
            checkpoint.stay_stopped();
            server.stopped_for_good = true;
        }
        checkpoint.drain();
        const uint64_t drained_us = server.platform.clock_us();
        checkpoint.commit();
        if (server.options.verbose)
            ConsoleLine()
                .text("checkpoint: epoch ")
                .decimal(server.store.epoch())
                .text(" committed, ")
                .decimal(checkpoint.figures().frozen_pages)
                .text(" pages, ")
                .decimal(checkpoint.figures().tcb_pages)
                .text(" TCB pages, ")
                .decimal(checkpoint.figures().write_requests)
                .text(" requests, drained after ")
                .decimal(drained_us - snapshot_us)
                .text(" us, durable after ")
                .decimal(server.platform.clock_us() - snapshot_us)
                .text(" us")
                .print();
        server.store_is_short = false; // whom the commit does not help says so again
        if (server.waiting_requests > 0 || server.waiting_writers > 0)
            tell_pager(Notice::committed);
        if (server.stopped_for_good)
            rest();
        due_us = snapshot_us + server.options.interval_us;
        if (server.options.interval_us != 0 && server.platform.clock_us() >= due_us)
            l4::probe<l4::Probe::delayed>(server.store.epoch() + 1);
    }
}

} // namespace pager
