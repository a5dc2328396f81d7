#include "kernel-model/abi/io_fpage.hpp"
#include "pager/checkpoint/server.hpp"
#include "pager/runtime/console_line.hpp"

namespace pager {
namespace {

constexpr uint32_t load_window = 0xA0000000u; // where the root task's pages are mapped while they are loaded

struct WaitingFault {
    l4::ThreadId client;
    uint32_t address; // with the write bit
};
struct WaitingRequest {
    l4::ThreadId client;
    uint32_t epoch; // to be durable
};
// More clients than this cannot wait at once: a further writer is told to fault again, a further request is
// refused.
constexpr uint32_t waiting_faults_max = 1024, waiting_requests_max = 64;
WaitingFault waiting_faults[waiting_faults_max];
WaitingRequest waiting_requests[waiting_requests_max];
struct WaitingDiscard {
    l4::ThreadId client;
    l4::Message message;
};
constexpr uint32_t waiting_discards_max = 64; // a further one is refused
WaitingDiscard waiting_discards[waiting_discards_max];

// A reply: nothing, nothing yet, words, or a map item.
struct Reply {
    enum class Kind { none, later, words, map } kind = Kind::none;
    l4::Message message;

    static Reply later() { return {Kind::later, {}}; }
    static Reply words(uint32_t w0, uint32_t w1 = 0, uint32_t w2 = 0) { return {Kind::words, {w0, w1, w2}}; }
    bool is_message() const { return kind == Kind::words || kind == Kind::map; }
    uint32_t descriptor() const { return kind == Kind::map ? l4::send_map : l4::send_registers; }
};

class PagerThread {
public:
    explicit PagerThread(Server& server) : server_{server} {}

    [[noreturn]] void run();

private:
    Reply answer(l4::ThreadId client, const l4::Message& message, l4::MessageResult result);
    Reply answer_fault(l4::ThreadId client, uint32_t address);
    Reply try_fault(l4::ThreadId client, uint32_t address);
    Reply answer_request(l4::ThreadId client, const l4::Message& message, bool mapped);
    Reply load(const l4::Message& message, bool mapped);
    Reply discard(l4::ThreadId client, const l4::Message& message);
    void answer_waiting_discards();
    void let_fault_again(unsigned task);
    Reply request_checkpoint(l4::ThreadId client);
    Reply request_durable(l4::ThreadId client, uint32_t epoch, bool demanded);
    Reply durable_reply() const {
        return Reply::words(server_.store.epoch(), server_.session, server_.stopped_epoch);
    }
    Reply request_shutdown(l4::ThreadId client);
    void demand_checkpoint();
    // Whatever it got now would be lost.
    bool stays_stopped(l4::ThreadId client) const {
        return server_.stopped_for_good && client.task() >= l4::first_persistent_task;
    }
    bool next_commit_makes_room();
    bool next_commit_frees_slots();
    void report_full_disk();
    void report_out_of_memory();
    void retry_waiting_faults();
    void answer_waiting_requests();
    void send(l4::ThreadId client, const Reply& reply) {
        l4::Message message = reply.message;
        l4::ipc(client, reply.descriptor(), l4::no_receive, l4::Timeouts::zero(), message);
    }

    Server& server_;
    bool full_disk_said_ = false,
         out_of_memory_said_ = false;                    // since the last time that nobody waited for that
    uint32_t waits_for_slot_ = 0, waits_for_memory_ = 0; // answers of this kind in the last round of retries
};

void PagerThread::run() {
    l4::ThreadId client;
    l4::Message message;
    Reply reply;
    for (;;) {
        // Only loading needs a receive window; later nobody can map anything to the server.
        const uint32_t wait = server_.going
                                  ? l4::open_wait
                                  : l4::receive_window(l4::Fpage::make(load_window, l4::page_bits), true);
        const bool sends = reply.is_message();
        message = reply.message;
        const l4::MessageResult result = l4::ipc(client, sends ? reply.descriptor() : l4::no_send, wait,
                                                 l4::Timeouts::reply(), message); // I6: nobody holds it up
        reply = {};
        if (!result.ok())
            continue; // the client no longer waits
        reply = answer(client, message, result);
        if (result.mapped())
            l4::fpage_unmap(l4::Fpage::make(load_window, l4::page_bits), l4::unmap_own_too | l4::unmap_fully);
    }
}

Reply PagerThread::answer(l4::ThreadId client, const l4::Message& message, l4::MessageResult result) {
    if (client == l4::checkpointer_thread && (message.w0 & request_bit) != 0) {
        if (message.w0 == static_cast<uint32_t>(Notice::committed))
            answer_waiting_requests();
        if (server_.store.is_complete())
            answer_waiting_discards();
        if (!server_.stopped_for_good)
            retry_waiting_faults();
        return {};
    }
    if (stays_stopped(client))
        return {};
    // The phase lasts until the next message: the reply's mapping is part of the fault's cost.
    if ((message.w0 & request_bit) == 0) {
        // A message that only looks like a TCB fault would get its sender a TCB into its own space.
        if (message.w0 >= l4::tcb_array_base && !result.is_tcb_fault())
            return Reply::words(refused);
        return answer_fault(client, message.w0);
    }
    server_.platform.phase(l4::Phase::normal);
    return answer_request(client, message, result.mapped());
}

Reply PagerThread::answer_fault(l4::ThreadId client, uint32_t address) {
    server_.platform.phase(l4::Phase::read_fault);
    Reply reply = try_fault(client, address);
    if (reply.kind != Reply::Kind::later)
        return reply;
    if (server_.waiting_writers == waiting_faults_max)
        return Reply::words(0); // nothing mapped: it faults again
    waiting_faults[server_.waiting_writers++] = {client, address};
    return reply;
}

// later: the client waits. none: for ever, and the console says why.
Reply PagerThread::try_fault(l4::ThreadId client, uint32_t address) {
    const bool write = (address & 2) != 0;
    const uint32_t page_address = address & ~(l4::page_size - 1);
    const bool port = l4::IoFpage::is(address), tcb = !port && page_address >= l4::tcb_array_base;
    const bool persistent = tcb ? page_address - l4::tcb_array_base < l4::tcb_array_size &&
                                      l4::task_of_tcb_address(page_address) >= l4::first_persistent_task
                                : client.task() >= l4::first_persistent_task && page_address != 0 &&
                                      page_address < l4::user_space_end;
    if (tcb && !persistent)
        return Reply::words(0); // unused
    if (!persistent || !server_.pages_ready) {
        ConsoleLine()
            .text("checkpoint: thread ")
            .hex(client.raw)
            .text(port ? " has no right to ports " : " has no page at ")
            .hex(address)
            .print();
        return {};
    }
    const store::PageKey key = store::page_key(tcb ? 0 : client.task(), page_address);
    const FaultAnswer answer = server_.pages.fault(key, write, server_.pager_disk);
    switch (answer.kind) {
    case FaultAnswer::Kind::map: {
        const uint32_t access = answer.writable ? l4::Fpage::write_bit : 0;
        return {Reply::Kind::map,
                {page_address, l4::Fpage::make(answer.frame, l4::page_bits, access).raw, 0}};
    }
    case FaultAnswer::Kind::unused:
        return Reply::words(0);
    case FaultAnswer::Kind::wait_for_frame:
        return Reply::later();
    case FaultAnswer::Kind::wait_for_recovery:
        server_.recovery_wanted = true;
        send(l4::checkpointer_thread, Reply::words(0)); // if it is busy it looks by itself when done
        return Reply::later();
    case FaultAnswer::Kind::wait_for_store:
        server_.store_is_short = true;
        send(l4::checkpointer_thread, Reply::words(0)); // if it is busy it looks by itself when done
        return Reply::later();
    case FaultAnswer::Kind::out_of_frames:
        ++waits_for_memory_;
        if (!next_commit_makes_room())
            report_out_of_memory();
        return Reply::later();
    case FaultAnswer::Kind::no_slot:
        ++waits_for_slot_;
        if (!next_commit_frees_slots())
            report_full_disk();
        return Reply::later();
    case FaultAnswer::Kind::damaged:
        ConsoleLine()
            .text("checkpoint: page ")
            .hex(page_address)
            .text(" of task ")
            .decimal(tcb ? 0 : client.task())
            .text(" cannot be read from the disk; its thread waits for ever")
            .print();
        return {};
    }
    return {};
}

// What a checkpoint has saved can be evicted once that is durable: one that is under way, or one that is taken now.
bool PagerThread::next_commit_makes_room() {
    if (server_.stopped_epoch != server_.store.epoch())
        return true;
    if (!server_.going || server_.pages.dirty_count() == 0)
        return false;
    demand_checkpoint();
    return true;
}

// Pages were discarded, whose slots the commit that is under way frees, or that of a checkpoint that is taken now.
bool PagerThread::next_commit_frees_slots() {
    if (server_.pages.removing_count() > 0)
        return true;
    if (!server_.going || server_.pages.discarded_count() == 0)
        return false;
    demand_checkpoint();
    return true;
}

// Both are said once, and again after nobody had to wait any more.
void PagerThread::report_full_disk() {
    if (!full_disk_said_)
        ConsoleLine()
            .text("checkpoint: the disk is full, all ")
            .decimal(server_.store.slots())
            .text(" page slots are taken; threads that need a new page wait until others are given back. ")
            .text("A world like this needs a larger disk")
            .print();
    full_disk_said_ = true;
}

void PagerThread::report_out_of_memory() {
    if (!out_of_memory_said_)
        ConsoleLine().text("checkpoint: out of memory; threads that need a page wait").print();
    out_of_memory_said_ = true;
}

Reply PagerThread::answer_request(l4::ThreadId client, const l4::Message& message, bool mapped) {
    const bool from_root = client.task() == l4::root_task;
    switch (request_operation(message.w0)) {
    case Request::load:
        return from_root && server_.pages_ready && !server_.going ? load(message, mapped)
                                                                  : Reply::words(refused);
    case Request::status:
        return Reply::words(server_.recovered_epoch, server_.session,
                            static_cast<uint32_t>(server_.readiness));
    case Request::go:
        if (!from_root || server_.readiness != Readiness::ready)
            return Reply::words(refused);
        server_.going = true;
        send(l4::checkpointer_thread, Reply::words(0)); // it waits for this
        return Reply::words(0);
    case Request::discard:
        return discard(client, message);
    case Request::checkpoint:
        return request_checkpoint(client);
    case Request::durable:
        return request_durable(client, message.w1, message.w2 != 0);
    case Request::shutdown:
        return from_root && server_.going && !server_.shutting_down ? request_shutdown(client)
                                                                    : Reply::words(refused);
    }
    return Reply::words(refused);
}

Reply PagerThread::load(const l4::Message& message, bool mapped) {
    const uint32_t task = request_task(message.w0), address = request_address(message.w0);
    if (!mapped || task < l4::first_persistent_task || address == 0 || address >= l4::user_space_end)
        return Reply::words(refused);
    const bool loaded =
        server_.pages.load(store::page_key(task, address), reinterpret_cast<const void*>(load_window));
    if (!loaded && server_.store.free_slots() == 0)
        report_full_disk();
    return Reply::words(loaded ? 0 : refused);
}

// Whose memory it is, and who is above: protocol.hpp. For id_nearest this thread is one of the root task's clan. It never
// waits for a TCB; of an absent one the kernel says that its task is the root task's.
bool may_discard(l4::ThreadId client, unsigned task) {
    return client.task() == l4::root_task || client.task() == task ||
           l4::id_nearest(l4::ThreadId::make(task, 0, 1, 0)).id.task() == client.task();
}

Reply PagerThread::discard(l4::ThreadId client, const l4::Message& message) {
    const unsigned named = request_task(message.w0), task = named == 0 ? client.task() : named;
    const l4::Fpage fpage{message.w1};
    if (!server_.pages_ready || server_.stopped_for_good || task < l4::first_persistent_task ||
        fpage.log2_size() < l4::page_bits || !may_discard(client, task))
        return Reply::words(refused);
    if (!server_.store.is_complete()) { // which pages there are is not known yet
        if (server_.waiting_discards == waiting_discards_max)
            return Reply::words(refused);
        waiting_discards[server_.waiting_discards++] = {client, message};
        return {};
    }
    const uint64_t size = fpage.log2_size() < 32 ? uint64_t{1} << fpage.log2_size() : uint64_t{1} << 32;
    const uint64_t base = fpage.base() & ~(size - 1);
    const uint64_t first = base == 0 ? l4::page_size : base;
    const uint64_t end = base + size < l4::user_space_end ? base + size : l4::user_space_end;
    if (base >= end)
        return Reply::words(refused);
    // Nobody has a page at 0.
    const PageRange range{store::page_key(task, static_cast<uint32_t>(first)),
                          static_cast<uint32_t>((end - first) / l4::page_size)};
    const Pages::DiscardedPart part = server_.pages.discard_some(range, message.w2);
    if (task != client.task())
        let_fault_again(task);
    if (part.pages > 0)
        retry_waiting_faults();
    return Reply::words(0, part.pages, part.next);
}

void PagerThread::answer_waiting_discards() {
    const uint32_t count = server_.waiting_discards;
    server_.waiting_discards = 0;
    for (uint32_t i = 0; i < count; ++i)
        send(waiting_discards[i].client, discard(waiting_discards[i].client, waiting_discards[i].message));
}

// Threads that wait for a page of a task that is deleted must not get it later: nobody would ever give it back.
void PagerThread::let_fault_again(unsigned task) {
    uint32_t still_waiting = 0;
    for (uint32_t i = 0; i < server_.waiting_writers; ++i) {
        const WaitingFault fault = waiting_faults[i];
        if (fault.client.task() == task)
            send(fault.client, Reply::words(0));
        else
            waiting_faults[still_waiting++] = fault;
    }
    server_.waiting_writers = still_waiting;
}

Reply PagerThread::request_checkpoint(l4::ThreadId client) {
    if (server_.readiness != Readiness::ready || server_.waiting_requests == waiting_requests_max)
        return Reply::words(refused);
    // What the client did before this call is in the next snapshot; the one perhaps being written does not
    // have it.
    waiting_requests[server_.waiting_requests++] = {client, server_.stopped_epoch + 1};
    demand_checkpoint();
    return {};
}

Reply PagerThread::request_durable(l4::ThreadId client, uint32_t epoch, bool demanded) {
    if (server_.readiness != Readiness::ready)
        return Reply::words(refused);
    if (demanded)
        demand_checkpoint();
    if (epoch <= server_.store.epoch())
        return durable_reply();
    if (server_.waiting_requests == waiting_requests_max)
        return Reply::words(refused);
    waiting_requests[server_.waiting_requests++] = {client, epoch};
    return {};
}

Reply PagerThread::request_shutdown(l4::ThreadId client) {
    const Reply reply = request_checkpoint(client);
    server_.shutting_down = reply.kind == Reply::Kind::none; // not refused
    return reply;
}

void PagerThread::demand_checkpoint() {
    server_.requested_epoch = server_.stopped_epoch + 1;
    send(l4::checkpointer_thread, Reply::words(0)); // if it is busy it looks by itself when done
}

void PagerThread::retry_waiting_faults() {
    waits_for_slot_ = waits_for_memory_ = 0;
    uint32_t still_waiting = 0;
    for (uint32_t i = 0; i < server_.waiting_writers; ++i) {
        const WaitingFault fault = waiting_faults[i];
        server_.platform.phase(l4::Phase::read_fault);
        const Reply reply = try_fault(fault.client, fault.address);
        if (reply.kind == Reply::Kind::later)
            waiting_faults[still_waiting++] = fault;
        else if (reply.is_message())
            send(fault.client, reply);
    }
    server_.waiting_writers = still_waiting;
    if (full_disk_said_ && waits_for_slot_ == 0) {
        ConsoleLine().text("checkpoint: nobody waits for space on the disk any more").print();
        full_disk_said_ = false;
    }
    out_of_memory_said_ = out_of_memory_said_ && waits_for_memory_ > 0;
}

void PagerThread::answer_waiting_requests() {
    uint32_t still_waiting = 0;
    for (uint32_t i = 0; i < server_.waiting_requests; ++i) {
        const WaitingRequest request = waiting_requests[i];
        if (request.epoch <= server_.store.epoch() && !stays_stopped(request.client))
            send(request.client, durable_reply());
        else
            waiting_requests[still_waiting++] = request;
    }
    server_.waiting_requests = still_waiting;
}

} // namespace

void run_pager_thread(Server& server) {
    PagerThread{server}.run();
}

} // namespace pager
