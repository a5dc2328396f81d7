// IPC in one task: registers, call, open wait, FIFO order of senders, timeouts, sleeping, cancelling, errors.
#include "tests/kernel/guest/checks.hpp"

#include <initializer_list>

using namespace kernel_test;
using l4::IpcError;

namespace {

constexpr unsigned echo = 1, sender_a = 2, sender_b = 3, sender_c = 4, silent = 5, late = 6;

void send_once() {
    l4::send(l4::root_thread, {l4::my_id().lthread(), 0, 0});
    l4::sleep_us(l4::Timeouts::infinite_us);
}

void never_receives() {
    l4::sleep_us(l4::Timeouts::infinite_us);
}

void sends_late() {
    l4::sleep_us(20'000);
    l4::send(l4::root_thread, {77, 0, 0});
    l4::sleep_us(l4::Timeouts::infinite_us);
}

void test_call() {
    start_thread(echo, count_words_up);
    for (uint32_t round = 0; round < 1000; ++round) {
        l4::Message message{round, 2 * round, 3 * round};
        l4::ThreadId server = own_thread(echo);
        const l4::MessageResult result =
            l4::ipc(server, l4::send_registers, l4::receive_registers, l4::Timeouts::infinite(), message);
        if (!result.ok() || server != own_thread(echo) || message.w0 != round + 1 ||
            message.w1 != 2 * round + 2 || message.w2 != 3 * round + 3) {
            check(false, "call returns the server's words and id");
            return;
        }
    }
    check(true, "call");
}

void test_senders_are_served_in_order() {
    for (unsigned lthread : {sender_b, sender_a, sender_c}) {
        start_thread(lthread, send_once);
        l4::thread_switch(); // it runs into its send and polls
    }
    unsigned order = 0;
    for (int count = 0; count < 3; ++count) {
        l4::ThreadId from;
        l4::Message message;
        check(l4::wait(from, message).ok() && from == own_thread(message.w0), "open wait names the sender");
        order = order * 10 + message.w0;
    }
    check(order == sender_b * 100 + sender_a * 10 + sender_c,
          "senders that poll are served first come, first served");
}

void test_closed_receive_takes_only_its_partner() {
    start_thread(sender_a, send_once);
    l4::thread_switch();
    start_thread(sender_b, send_once);
    l4::thread_switch();
    l4::Message message;
    check(l4::receive(own_thread(sender_b), message).ok() && message.w0 == sender_b,
          "closed receive, second in line");
    check(l4::receive(own_thread(sender_a), message).ok() && message.w0 == sender_a,
          "the first is still there");
}

void test_errors_and_timeouts(const volatile l4::KernelInfo& info) {
    l4::Message message;
    check(has_error(l4::send(l4::ThreadId::make(99, 3, 1, 4), {}), IpcError::no_such_thread),
          "send to nobody");
    check(has_error(l4::send(own_thread(echo).with_lthread(40), {}), IpcError::no_such_thread),
          "send to no lthread");
    check(has_error(l4::send(l4::my_id(), {}), IpcError::no_such_thread), "send to oneself");
    check(has_error(l4::receive(l4::ThreadId::make(99, 3, 1, 4), message), IpcError::no_such_thread),
          "receive from nobody");
    check(has_error(l4::receive(l4::ThreadId::interrupt(5), message), IpcError::no_such_thread),
          "receive from an interrupt of somebody else's");

    start_thread(silent, never_receives);
    l4::thread_switch();
    check(has_error(l4::send(own_thread(silent), {}, l4::Timeouts::zero()), IpcError::send_timeout),
          "zero send timeout");
    check(
        has_error(l4::receive(own_thread(silent), message, l4::Timeouts::zero()), IpcError::receive_timeout),
        "zero receive timeout");
    uint64_t before = info.clock_us;
    check(has_error(l4::send(own_thread(silent), {}, l4::Timeouts::make(10'000, 0)), IpcError::send_timeout),
          "send timeout");
    uint64_t elapsed = info.clock_us - before;
    check(elapsed >= 9'000 && elapsed < 40'000, "a send timeout of 10 ms lasts about 10 ms");
    before = info.clock_us;
    check(has_error(l4::receive(own_thread(silent), message, within_us(10'000)), IpcError::receive_timeout),
          "receive timeout");
    elapsed = info.clock_us - before;
    check(elapsed >= 9'000 && elapsed < 40'000, "a receive timeout of 10 ms lasts about 10 ms");
    before = info.clock_us;
    l4::sleep_us(30'000);
    elapsed = info.clock_us - before;
    check(elapsed >= 29'000 && elapsed < 60'000, "sleep");

    start_thread(late, sends_late);
    check(l4::receive(own_thread(late), message, within_us(500'000)).ok() && message.w0 == 77,
          "a message before the timeout");
    l4::ThreadId echo_id = own_thread(echo);
    message = {1, 1, 1};
    check(l4::ipc(echo_id, l4::send_registers, l4::receive_registers, l4::Timeouts::make(0, 100'000), message)
                  .ok() &&
              message.w0 == 2,
          "call with finite timeouts");
}

volatile uint32_t cancelled_with = 0;

void waits_to_be_cancelled() {
    l4::Message message;
    cancelled_with = l4::receive(l4::root_thread, message).raw;
    l4::sleep_us(l4::Timeouts::infinite_us);
}
volatile bool went_elsewhere = false;
void elsewhere() {
    went_elsewhere = true;
    l4::sleep_us(l4::Timeouts::infinite_us);
}

void test_cancel() {
    constexpr unsigned lthread = 7;
    start_thread(lthread, waits_to_be_cancelled);
    l4::thread_switch();
    start_thread(lthread, elsewhere); // a new EIP cancels the wait
    l4::thread_switch();
    check(went_elsewhere && cancelled_with == 0, "ex_regs moves a waiting thread");

    start_thread(lthread, send_once); // polls on this thread, which does not receive
    l4::thread_switch();
    went_elsewhere = false;
    start_thread(lthread, elsewhere);
    l4::thread_switch();
    l4::Message message;
    check(went_elsewhere && has_error(l4::receive(own_thread(lthread), message, l4::Timeouts::zero()),
                                      IpcError::receive_timeout),
          "ex_regs takes a polling thread out of the queue");
}

} // namespace

extern "C" void test_main(uint32_t) {
    const volatile l4::KernelInfo& info = kernel_info_page();
    check(info.magic == l4::kernel_info_magic && info.tcb_bytes == l4::tcb_size, "the kernel info page");
    test_call();
    test_senders_are_served_in_order();
    test_closed_receive_takes_only_its_partner();
    test_errors_and_timeouts(info);
    test_cancel();
    finish();
}
