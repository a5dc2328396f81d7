// The console driver's task: prints the lines of programs, and holds those of the console log until a checkpoint
// covers them (I10, held_lines.hpp). It is not persistent: at every start it knows nothing, and the log tells it again.
//
//   lthread 0  answers clients; owns all state
//   lthread 1  the releaser: waits for the checkpoint server, which answers it when an epoch is durable and never
//              waits for anybody here (I6)
//
// A line that comes gets its epoch at once: the server is asked for the newest stop, and the next one covers the line. The
// server answers when that is durable, and the releaser tells lthread 0. When the buffer is full the log gets no reply and
// so its clients wait, and a checkpoint is demanded: with interval 0 nothing else would make room.
//
// The UART stays the kernel's, which prints a line in one call: so lines of the kernel, of the servers and of programs do not
// mix. What the kernel and the servers say themselves comes at once; it is about this start of the machine.
//
// Argument: numbers=1: lines that were held are printed with their numbers ("17: text"), by which a reader can tell a
// repetition.
#include "kernel-model/abi/probes.hpp"
#include "kernel-model/abi/syscalls.hpp"
#include "kernel-model/abi/system_layout.hpp"
#include "pager/console/held_lines.hpp"
#include "pager/protocol.hpp"
#include "pager/runtime/console_line.hpp"

extern "C" char image_start[], image_end[]; // server.ld

namespace pager {
namespace {

constexpr uint64_t retry_us = 1000;

// What has happened by now is covered by this epoch.
uint32_t covering_epoch(bool taken_now) {
    for (;;) {
        l4::ThreadId server = l4::pager_thread;
        l4::Message message{request_word(Request::durable), 0, taken_now};
        if (l4::call(server, message).ok() && message.w0 != refused)
            return message.w2 + 1;
        l4::sleep_us(retry_us); // it is not ready yet
    }
}

class Driver {
public:
    explicit Driver(bool prints_numbers) : prints_numbers_{prints_numbers} {}

    [[noreturn]] void run();

private:
    // False: no reply now.
    bool answer(l4::ThreadId client, l4::Message& message, const char* text, uint32_t length);
    bool take_line(l4::Message& message, const char* text, uint32_t length);
    void release(uint32_t durable_epoch);
    void print(uint32_t number, const char* text, uint32_t length) const;
    l4::Message state() const { return {0, held_.next(), held_.released()}; }
    static void send(l4::ThreadId client, l4::Message message) {
        l4::ipc(client, l4::send_registers, l4::no_receive, l4::Timeouts::zero(), message);
    }

    HeldLines held_;
    const bool prints_numbers_;
    bool log_waits_ = false, releaser_waits_ = false; // for a reply
    bool collector_waits_ = false, collector_came_ = false;
    uint32_t collected_ = 0; // what the collector knows to be released
};

void Driver::run() {
    // Page faults in a client's memory may take as long as a page-in takes, but nobody holds the others up for ever: the client
    // tries again.
    constexpr unsigned page_fault_1_s = 5;
    const l4::Timeouts timeouts =
        l4::Timeouts::reply().with_page_faults(l4::Timeouts::page_fault_zero, page_fault_1_s);
    LineMessage letter;
    char text[console_line_bytes_max];
    l4::ThreadId client;
    l4::Message message;
    bool reply = false;
    for (;;) {
        const l4::MessageResult result = l4::ipc(client, reply ? l4::send_registers : l4::no_send,
                                                 receive_line(letter, text), timeouts, message);
        const bool has_line = result.strings() == 1;
        reply = result.ok() && answer(client, message, text, has_line ? letter.strings[0].send_size : 0);
    }
}

bool Driver::answer(l4::ThreadId client, l4::Message& message, const char* text, uint32_t length) {
    switch (static_cast<ConsoleRequest>(message.w0)) {
    case ConsoleRequest::print:
        if (message.w1 == 0) {
            l4::probe<l4::Probe::line_received>();
            print(0, text, length);
            message = {};
            return true;
        }
        if (client == l4::console_log_thread)
            return take_line(message, text, length);
        break;
    case ConsoleRequest::released:
        if (!(client == l4::console_collector_thread))
            break;
        collected_ = message.w1;
        message = {0, held_.released(), !collector_came_};
        collector_waits_ = collector_came_ && held_.released() <= collected_;
        collector_came_ = true;
        return !collector_waits_;
    case ConsoleRequest::durable:
        if (!(client == l4::console_releaser_thread))
            break;
        release(message.w1);
        message = {0, held_.awaited_epoch(), 0};
        releaser_waits_ = held_.awaited_epoch() == 0;
        return !releaser_waits_;
    case ConsoleRequest::flush:
        break; // the log's
    }
    message = {refused, 0, 0};
    return true;
}

bool Driver::take_line(l4::Message& message, const char* text, uint32_t length) {
    if (held_.expects(message.w1, message.w2)) {
        held_.add(covering_epoch(false), text, length);
        if (releaser_waits_) {
            send(l4::console_releaser_thread, {0, held_.awaited_epoch(), 0});
            releaser_waits_ = false;
        }
    }
    message = state();
    log_waits_ = held_.is_full();
    if (log_waits_)
        (void)covering_epoch(true);
    return !log_waits_;
}

void Driver::release(uint32_t durable_epoch) {
    while (const HeldLines::Line* const line = held_.releasable(durable_epoch)) {
        print(line->number, line->text, line->length);
        held_.pop();
    }
    if (log_waits_ && !held_.is_full()) {
        send(l4::console_log_thread, state());
        log_waits_ = false;
    }
    if (collector_waits_ && held_.released() > collected_) {
        send(l4::console_collector_thread, {0, held_.released(), 0});
        collector_waits_ = false;
    }
}

void Driver::print(uint32_t number, const char* text, uint32_t length) const {
    constexpr uint32_t number_bytes_max = 12; // "4294967295: "
    char line[number_bytes_max + console_line_bytes_max + 2];
    uint32_t at = 0;
    if (number != 0 && prints_numbers_) {
        char digits[10];
        unsigned count = 0;
        for (uint32_t rest = number; rest != 0; rest /= 10)
            digits[count++] = static_cast<char>('0' + rest % 10);
        while (count > 0)
            line[at++] = digits[--count];
        line[at++] = ':';
        line[at++] = ' ';
    }
    __builtin_memcpy(line + at, text, length);
    at += length;
    line[at++] = '\n';
    line[at] = 0;
    l4::probe<l4::Probe::line_released>(number);
    l4::print_string(line);
}

constexpr uint32_t releaser_stack_bytes = 4096;
alignas(16) uint8_t releaser_stack[releaser_stack_bytes];

void releaser_entry() {
    uint32_t durable_epoch = 0;
    for (;;) {
        l4::ThreadId driver = l4::console_driver_thread, server = l4::pager_thread;
        l4::Message message{static_cast<uint32_t>(ConsoleRequest::durable), durable_epoch, 0};
        (void)l4::call(driver, message);
        message = {request_word(Request::durable), message.w1, 0};
        if (l4::call(server, message).ok() && message.w0 != refused)
            durable_epoch = message.w0;
        else
            l4::sleep_us(retry_us); // too many wait there
    }
}

// A page that comes while a line is printed would only delay it; but the server's answers must find the releaser.
void touch_own_image() {
    for (auto* at = reinterpret_cast<volatile char*>(image_start); at < image_end; at += l4::page_size)
        (void)*at;
}

void start_releaser() {
    const auto stack_top = reinterpret_cast<uint32_t>(releaser_stack) + releaser_stack_bytes;
    l4::lthread_ex_regs(l4::console_releaser_thread.lthread(), reinterpret_cast<uint32_t>(&releaser_entry),
                        stack_top - sizeof(uint32_t), l4::root_thread.with_lthread(1));
    l4::thread_schedule(l4::console_releaser_thread, l4::schedule_param(l4::priority_console_driver));
}

bool equal(const char* text, const char* other) {
    while (*text != 0 && *text == *other)
        ++text, ++other;
    return *text == *other;
}

} // namespace

void assertion_failed(const char* what) {
    ConsoleLine().text(what).print();
    l4::probe<l4::Probe::panic>();
    for (;;)
        l4::sleep_us(l4::Timeouts::infinite_us);
}

} // namespace pager

extern "C" [[noreturn]] void server_main(const char* arguments) {
    using namespace pager;
    touch_own_image();
    const bool numbers = equal(arguments, "numbers=1");
    if (!numbers && !equal(arguments, "") && !equal(arguments, "numbers=0"))
        ConsoleLine().text("console: unknown argument: ").text(arguments).print();
    start_releaser();
    static Driver driver{numbers}; // too large for the stack
    driver.run();
}
