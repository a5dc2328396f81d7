// console_log: a persistent task between the programs of a world with output commit and the console driver. The root
// task starts it before all others, as task l4::console_log_task. See line_log.hpp and pager/console/held_lines.hpp.
//
//   lthread 0  takes lines and sends them on; owns the log. While the driver is full it waits there, and the programs here
//   lthread 1  the collector: waits for the driver to release lines, and notices when it has started anew
//
// Programs and this task are of one world, so a recovery leaves their messages as they were. Calls to the driver and to the
// checkpoint server are aborted by it and made again. A recovery that finds no call under way is noticed by the collector,
// whose next call is the first that a new driver gets.
#include "kernel-model/abi/probes.hpp"
#include "kernel-model/abi/syscalls.hpp"
#include "pager/protocol.hpp"
#include "workloads/console_log/line_log.hpp"
#include "workloads/runtime/program.hpp"
#include "workloads/runtime/text_line.hpp"

namespace workloads {

WORKLOAD_PROGRAM_HEADER(1, 0, "");

namespace {

using pager::ConsoleRequest;

constexpr uint32_t retry_us = 1000;
constexpr unsigned page_fault_1_s = 5; // nobody holds the others up for ever; the client tries again
constexpr uint32_t collector_stack_top = heap_base + 0x10000u;

struct Waiter {
    l4::ThreadId client;
    uint32_t number; // of the line that must have left
};
constexpr unsigned waiters_max = 256;

constinit LineLog line_log;
constinit Waiter waiters[waiters_max] = {};
constinit unsigned waiter_count = 0;

void reply(l4::ThreadId client) {
    l4::Message message;
    l4::ipc(client, l4::send_registers, l4::no_receive, l4::Timeouts::zero(), message);
}

void send_lines() {
    while (const LineLog::Line* const line = line_log.to_send()) {
        pager::LineMessage letter;
        l4::ThreadId driver = l4::console_driver_thread;
        l4::Message message{static_cast<uint32_t>(ConsoleRequest::print), line->number, line_log.oldest()};
        const l4::MessageResult result = l4::ipc(driver, pager::send_line(letter, line->text, line->length),
                                                 l4::receive_registers, l4::Timeouts::infinite(), message);
        if (!result.ok()) { // a recovery, or not started yet
            line_log.send_again();
            l4::sleep_us(retry_us);
            continue;
        }
        line_log.released(message.w2);
        line_log.expected(message.w1);
    }
}

void demand_checkpoint() {
    for (;;) {
        l4::ThreadId server = l4::pager_thread;
        l4::Message message{pager::request_word(pager::Request::durable), 0, 1};
        if (l4::call(server, message).ok() && message.w0 != pager::refused)
            return;
        l4::sleep_us(retry_us);
    }
}

// A thread waits for one reply at a time: what it waited for before, it has given up.
void forget_waiter(l4::ThreadId client) {
    for (unsigned i = 0; i < waiter_count; ++i)
        if (waiters[i].client == client)
            waiters[i--] = waiters[--waiter_count];
}

void answer_waiters() {
    for (unsigned i = 0; i < waiter_count; ++i)
        if (waiters[i].number < line_log.oldest()) {
            reply(waiters[i].client);
            waiters[i--] = waiters[--waiter_count];
        }
}

void flush(l4::ThreadId client) {
    if (line_log.last() < line_log.oldest())
        return reply(client);
    if (waiter_count == waiters_max)
        return; // as many tasks as there are: some of them are gone
    waiters[waiter_count++] = {client, line_log.last()};
    demand_checkpoint();
}

void handle(l4::ThreadId client, const l4::Message& message, uint32_t length) {
    forget_waiter(client);
    switch (static_cast<ConsoleRequest>(message.w0)) {
    case ConsoleRequest::print:
        l4::probe<l4::Probe::line_received>(line_log.append(length));
        send_lines();
        reply(client);
        break;
    case ConsoleRequest::flush:
        flush(client);
        break;
    case ConsoleRequest::released:
        if (!(client == l4::console_collector_thread))
            break;
        line_log.released(message.w1);
        if (message.w2 == 0)
            break;
        line_log.send_again();
        send_lines();
        if (waiter_count != 0) // what was demanded of the server is forgotten too
            demand_checkpoint();
        break;
    case ConsoleRequest::durable:
        break; // the driver's
    }
    answer_waiters();
}

void collector_entry() {
    uint32_t known = 0;
    for (;;) {
        l4::ThreadId driver = l4::console_driver_thread;
        l4::Message message{static_cast<uint32_t>(ConsoleRequest::released), known, 0};
        if (!l4::call(driver, message).ok()) {
            l4::sleep_us(retry_us);
            continue;
        }
        if (message.w1 > known)
            known = message.w1;
        l4::send(l4::console_log_thread,
                 {static_cast<uint32_t>(ConsoleRequest::released), message.w1, message.w2});
    }
}

} // namespace

void program_main(const StartupPage&) {
    l4::lthread_ex_regs(l4::console_collector_thread.lthread(), reinterpret_cast<uint32_t>(&collector_entry),
                        collector_stack_top);
    pager::LineMessage letter;
    for (;;) {
        l4::ThreadId client;
        l4::Message message;
        const l4::MessageResult result =
            l4::ipc(client, l4::no_send, pager::receive_line(letter, line_log.room()),
                    l4::Timeouts::infinite().with_page_faults(0, page_fault_1_s), message);
        if (result.ok())
            handle(client, message, result.strings() == 1 ? letter.strings[0].send_size : 0);
    }
}

} // namespace workloads

namespace pager {
void assertion_failed(const char* what) {
    l4::print_string(what);
    workloads::rest();
}
} // namespace pager
