// From a disk to a running world.
//
//   recover_or_format   root, recent entries and index; the directory blocks with TCB pages; the TCB pages that the
//                       checkpoint has written, whose threads ran last: the kernel adopts, and so enqueues, them
//   (threads run)       pages come back by page fault. A fault on a page that no known entry names, or on a TCB page that
//   finish_recovery     is not there yet, waits: for the other TCB pages; for the rest of the directory, with which a page
//                       that is not in it is new. Then the working set, if wanted
//
// Nothing before the first instruction takes time in proportion to the world's size or the number of threads that sleep. A
// crash in here changes nothing: only session and root copies are written (I3, I9).
#include "pager/checkpoint/checkpoint.hpp"
#include "pager/checkpoint/server.hpp"
#include "pager/runtime/console_line.hpp"

namespace pager {
namespace {

bool fail(ConsoleLine& line) {
    line.print();
    return false;
}

// What cannot be read is named; nothing is guessed (I9).
bool report_open_failure(const store::Store& store, store::OpenStatus status) {
    ConsoleLine line;
    line.text("checkpoint: ");
    const store::Damage& damage = store.damage();
    switch (status) {
    case store::OpenStatus::damaged_roots:
        line.text("both copies of a root are bad: epoch ").decimal(damage.epoch).text(" may be lost");
        break;
    case store::OpenStatus::damaged_index:
        line.text("both copies of index block ").decimal(damage.number);
        line.text(" of epoch ").decimal(damage.epoch).text(" are bad");
        break;
    case store::OpenStatus::damaged_directory:
        line.text("both copies of directory block ").decimal(damage.number);
        line.text(" of epoch ").decimal(damage.epoch).text(" are bad");
        break;
    case store::OpenStatus::damaged_page:
        line.text("the older epoch ")
            .decimal(damage.epoch)
            .text(" is not whole: slot ")
            .decimal(damage.number);
        return fail(line.text(" does not verify"));
    case store::OpenStatus::foreign:
        return fail(line.text("the disk holds something else; format=force overwrites it"));
    case store::OpenStatus::other_kind:
        line.text("the disk holds a store of kind ")
            .text(name_of(static_cast<store::StoreKind>(damage.number)));
        line.text(", not ").text(name_of(store.kind()));
        return fail(line.text("; format=force makes a new one"));
    case store::OpenStatus::wrong_version:
        return fail(line.text("the disk has format version ").decimal(damage.number));
    case store::OpenStatus::too_small:
        return fail(line.text("the disk is too small"));
    case store::OpenStatus::no_memory:
        return fail(line.text("too little memory for the store's tables"));
    default:
        return fail(line.text("the disk fails"));
    }
    return fail(line.text("; recover=older tries the checkpoint before"));
}

bool find_disk(Server& server) {
    DiskStatus status = DriverDisk::connect();
    if (status == DiskStatus::ok)
        status = server.checkpointer_disk.identify();
    if (status == DiskStatus::ok)
        status = server.pager_disk.identify();
    if (status == DiskStatus::ok)
        return true;
    ConsoleLine line;
    return fail(line.text("checkpoint: no disk, driver status ").decimal(static_cast<uint32_t>(status)));
}

// TCBs are kernel stacks: only the kernel build that made them can run them.
bool kernel_fits(const Server& server) {
    const store::RootSector& root = server.store.root();
    ConsoleLine line;
    if (root.tcb_bytes != server.info.tcb_bytes)
        return fail(line.text("checkpoint: not recovered: its TCBs have ")
                        .decimal(root.tcb_bytes)
                        .text(" bytes, this kernel's ")
                        .decimal(server.info.tcb_bytes));
    if (__builtin_memcmp(root.build_id, server.info.build_id, sizeof root.build_id) == 0)
        return true;
    line.text("checkpoint: not recovered: it is of kernel build ").bytes(root.build_id, sizeof root.build_id);
    return fail(line.text(", this kernel is ").bytes(server.info.build_id, sizeof server.info.build_id));
}

bool open_store(Server& server) {
    const uint32_t bytes = server.store.memory_bytes(server.checkpointer_disk.sector_count());
    void* const memory = bytes == 0 ? nullptr : server.memory.take_table(bytes);
    store::OpenStatus status = bytes == 0 ? store::OpenStatus::too_small : store::OpenStatus::no_memory;
    if (memory != nullptr)
        status = server.store.open(server.checkpointer_disk, memory, bytes, server.options.older_allowed,
                                   store::Reading::as_needed);
    const bool holds_other = status == store::OpenStatus::foreign || status == store::OpenStatus::other_kind;
    const bool may_format =
        status == store::OpenStatus::blank || (holds_other && server.options.format_forced);
    if (may_format) {
        ConsoleLine line;
        return server.store.format() || fail(line.text("checkpoint: formatting failed"));
    }
    if (status != store::OpenStatus::checkpoint && status != store::OpenStatus::empty)
        return report_open_failure(server.store, status);
    ConsoleLine line;
    return (status == store::OpenStatus::empty || kernel_fits(server)) &&
           (server.store.repair() || fail(line.text("checkpoint: cannot repair label or root")));
}

bool make_tables(Server& server) {
    const uint32_t frames = server.memory.frames(); // a little more than will be left
    void* const memory = server.memory.take_table(Pages::memory_bytes(server.store.slots(), frames));
    server.drain_memory = static_cast<uint32_t*>(server.memory.take_table(Checkpoint::memory_bytes(frames)));
    server.frames = frames;
    ConsoleLine line;
    if (memory == nullptr || server.drain_memory == nullptr)
        return fail(line.text("checkpoint: too little memory for the tables of ")
                        .decimal(server.store.slots())
                        .text(" slots"));
    server.pages.initialise(memory, frames, server.store, server.platform, server.options.policy);
    uint32_t low, high;
    while (server.memory.take_range(low, high))
        server.pages.add_frames(low, high);
    server.pages_ready = true;
    return true;
}

// All that are there but the first `adopted`. A task's first TCB page first: the task's own state is in it.
bool adopt_tcb_pages(const Server& server, uint32_t adopted) {
    for (int pass = 0; pass < 2; ++pass)
        for (uint32_t i = adopted; i < server.pages.recovered_tcb_count(); ++i) {
            const uint32_t slot = server.pages.recovered_tcb(i);
            const uint32_t address = store::key_address(server.store.entry(slot).key());
            const bool is_first = (address - l4::tcb_array_base) % (l4::threads_per_task * l4::tcb_size) == 0;
            if (is_first != (pass == 0))
                continue;
            const l4::RecoveryResult result = l4::adopt_tcb_page(
                address, l4::Fpage::make(server.pages.page(slot).frame, l4::page_bits, l4::Fpage::write_bit));
            ConsoleLine line;
            if (result != l4::RecoveryResult::ok)
                return fail(line.text("checkpoint: TCB page ")
                                .hex(address)
                                .text(" refused by the kernel, code ")
                                .decimal(static_cast<uint32_t>(result)));
        }
    return true;
}

bool fail_to_read_tcb(const Server& server, uint32_t slot) {
    ConsoleLine line;
    return fail(line.text("checkpoint: TCB page ")
                    .hex(store::key_address(server.store.entry(slot).key()))
                    .text(" cannot be read: not recovered"));
}

bool recover_threads(Server& server) {
    if (const uint32_t bad = server.pages.recover_tcbs(server.checkpointer_disk); bad != store::no_slot)
        return fail_to_read_tcb(server, bad);
    ConsoleLine line;
    if (l4::recovery(l4::RecoveryOperation::begin, 0, server.store.root().clock_us) != l4::RecoveryResult::ok)
        return fail(line.text("checkpoint: the kernel refuses recovery"));
    return adopt_tcb_pages(server, 0);
}

void tell_waiting(const Server& server) {
    if (server.waiting_writers > 0 || server.waiting_discards > 0)
        tell_pager(Notice::more_recovered);
}

} // namespace

bool recover_or_format(Server& server) {
    server.platform.phase(l4::Phase::recovery);
    if (!find_disk(server))
        return false;
    l4::probe<l4::Probe::recovery_begin>();
    if (!open_store(server) || !make_tables(server))
        return false;
    ConsoleLine line;
    // Durable before anything persistent runs, so that a program that was rolled back can notice.
    server.session = server.store.begin_session();
    if (server.session == 0)
        return fail(line.text("checkpoint: the session number cannot be written"));
    const uint32_t epoch = server.store.epoch();
    if (epoch != 0 && !recover_threads(server))
        return false;
    server.recovered_epoch = server.stopped_epoch = epoch;

    line.text("checkpoint: ");
    if (epoch != 0)
        line.text(server.store.degraded() ? "degraded: went back to epoch " : "recovered epoch ")
            .decimal(epoch)
            .text(", session ")
            .decimal(server.session)
            .text(", ");
    line.decimal(server.pages.pool().free()).text(" frames, ").decimal(server.store.slots()).text(" slots");
    line.text(epoch == 0                ? ", fresh start"
              : server.store.is_clean() ? ", after a controlled shutdown"
                                        : ", after a crash");
    line.print();
    l4::probe<l4::Probe::recovery_end>(epoch, server.store.is_clean());
    server.platform.phase(l4::Phase::normal);
    return true;
}

namespace {

// The threads' first faults have the disk for themselves, as long as nobody needs more.
void give_way_to_page_ins(Server& server, uint64_t until_us) {
    for (uint64_t now_us; (now_us = server.platform.clock_us()) < until_us && !server.recovery_wanted;)
        (void)wait_for_pager(until_us - now_us);
}

// I9: where what is needed cannot be read the world has run on, but nothing of that is on the disk, nor will be. The same holds
// for the directory below.
void recover_other_threads(Server& server, uint64_t head_start_end_us) {
    if (server.pages.are_all_tcbs_recovered())
        return;
    give_way_to_page_ins(server, head_start_end_us);
    const uint32_t adopted = server.pages.recovered_tcb_count();
    if (const uint32_t bad = server.pages.recover_other_tcbs(server.checkpointer_disk);
        bad != store::no_slot) {
        (void)fail_to_read_tcb(server, bad);
        stop_for_ever();
    }
    if (!adopt_tcb_pages(server, adopted))
        stop_for_ever();
    server.recovery_wanted = false;
    tell_waiting(server);
}

void read_rest_of_directory(Server& server, uint64_t head_start_end_us) {
    while (!server.store.is_complete()) {
        give_way_to_page_ins(server, head_start_end_us);
        store::SlotRange range;
        const store::OpenStatus status = server.store.read_more(range);
        if (status != store::OpenStatus::checkpoint) {
            report_open_failure(server.store, status);
            stop_for_ever();
        }
        server.pages.learn(range);
        server.recovery_wanted = false;
        tell_waiting(server);
    }
}

// A checkpoint that somebody waits for is more urgent.
void prefetch_working_set(Server& server) {
    uint32_t* const slots = server.drain_memory; // nothing is drained yet
    uint32_t* const scratch = slots + server.frames;
    uint32_t count = server.store.read_working_set(slots, server.frames);
    count = server.pages.prepare_prefetch(slots, scratch, count);
    for (uint32_t done = 0; done < count && server.pages.has_plenty_of_frames() &&
                            server.requested_epoch <= server.store.epoch();)
        done += server.pages.prefetch(slots + done, count - done, server.checkpointer_disk);
}

} // namespace

void finish_recovery(Server& server) {
    server.platform.phase(l4::Phase::recovery);
    constexpr uint64_t head_start_us = 50'000;
    const uint64_t head_start_end_us = server.platform.clock_us() + head_start_us;
    recover_other_threads(server, head_start_end_us);
    read_rest_of_directory(server, head_start_end_us);
    if (server.options.policy.prefetch)
        prefetch_working_set(server);
    server.platform.phase(l4::Phase::normal);
}

} // namespace pager
