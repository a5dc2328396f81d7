// INT 0x30 with p: a message in the name of the thread whose message the sender has received last.
//
// A client calls a front thread, which passes the request on to a worker; the worker answers the client directly.
#include "kernel-model/abi/message.hpp"
#include "tests/kernel/guest/checks.hpp"

using namespace kernel_test;

namespace {

constexpr unsigned front = 1, worker = 2, client = 3, fault_server = 4, other_task = 30, third_task = 31;

struct Seen {
    l4::ThreadId sender{};
    l4::MessageResult result{};
    l4::Message message{};
};
Seen worker_saw, client_saw, third_saw;
volatile unsigned answered = 0;
constinit l4::MemoryMessage<8, 0> passed_on, taken;

template<unsigned Flags>
[[noreturn]] void front_main() {
    for (;;) {
        l4::ThreadId from;
        l4::Message message;
        l4::wait(from, message);
        const unsigned lthread = worker;
        l4::ThreadId to = message.w2 == third_task ? l4::ThreadId::make(third_task, 0, 1, l4::root_task)
                                                   : l4::root_thread.with_lthread(lthread);
        passed_on.send = l4::MessageDope::make(8, 0);
        passed_on.words[7] = message.w0 + 7;
        message.w1 += 1;
        l4::ipc(to, (message.w1 > 100 ? l4::send_memory(passed_on) : 0) | Flags, l4::no_receive,
                l4::Timeouts::infinite(), message);
    }
}

l4::ThreadId receive(Seen& seen) {
    l4::Message message;
    l4::ThreadId from;
    seen.result =
        l4::ipc(from, l4::no_send, l4::receive_memory(taken, true), l4::Timeouts::infinite(), message);
    seen.sender = from;
    seen.message = message;
    return from;
}
[[noreturn]] void worker_main() {
    for (;;) {
        const l4::ThreadId from = receive(worker_saw);
        l4::send(from, {worker_saw.message.w0 + 1000, 0, 0}, l4::Timeouts::make(0, 0));
    }
}
[[noreturn]] void third_main() { // never answers
    for (;;)
        receive(third_saw);
}

// Calls the front thread: w1 above 100 is passed on in memory, w2 says to which task.
void call_front(l4::Message message) {
    l4::ThreadId server = l4::root_thread.with_lthread(front);
    client_saw.result =
        l4::ipc(server, l4::send_registers, l4::receive_registers, within_us(100'000), message);
    client_saw.sender = server;
    client_saw.message = message;
    answered = answered + 1;
}

volatile unsigned requests_made = 0;
l4::Message request;
[[noreturn]] void client_main() { // a thread of the root task, or of another one
    for (unsigned made = 0;;) {
        while (requests_made == made)
            l4::sleep_us(500);
        made = requests_made;
        call_front(request);
    }
}

void run_request(l4::Message message) {
    worker_saw = client_saw = third_saw = {};
    request = message;
    const unsigned before = answered;
    requests_made = requests_made + 1;
    for (unsigned tries = 0; tries < 500 && answered == before; ++tries)
        l4::sleep_us(1'000);
    check(answered != before, "the client goes on");
}

void test_client(l4::ThreadId id) {
    run_request({5, 1, 0});
    check(worker_saw.sender == id && worker_saw.result.propagated(), "0x30 p: in the client's name, with d");
    check(worker_saw.message.w0 == 5 && worker_saw.message.w1 == 2,
          "0x30 p: the words are the front thread's");
    check(client_saw.result.ok() && client_saw.sender == l4::root_thread.with_lthread(worker) &&
              client_saw.message.w0 == 1005,
          "0x30 p: the client waits for the worker now");
    run_request({6, 101, 0});
    check(worker_saw.sender == id && worker_saw.result.propagated() && worker_saw.result.words() == 8 &&
              taken.words[7] == 13,
          "0x30 p: a message in memory");
    check(client_saw.message.w0 == 1006, "0x30 p: and its answer");
}

} // namespace

extern "C" void test_main(uint32_t) {
    start_thread(fault_server, serve_faults);
    start_thread(worker, worker_main);
    start_thread(front, front_main<l4::send_propagated>);
    start_task(third_task, third_main, own_thread(fault_server));

    start_thread(client, client_main);
    test_client(own_thread(client));

    // The client is of another task, front and worker of one: allowed as well.
    l4::lthread_ex_regs(client, reinterpret_cast<uint32_t>(worker_main),
                        0xFFFFFFFFu); // it makes no more requests
    const l4::ThreadId foreign = start_task(other_task, client_main, own_thread(fault_server));
    l4::sleep_us(5'000);
    requests_made = 0;
    l4::task_new(foreign, l4::root_task, 0, 0, l4::nil_thread);
    const l4::ThreadId again = start_task(other_task, client_main, own_thread(fault_server));
    test_client(again);

    // Three tasks: nobody is spoken for, and the client waits in vain.
    run_request({7, 1, third_task});
    check(third_saw.sender == own_thread(front) && !third_saw.result.propagated(),
          "0x30 p for a stranger means nothing");
    check(has_error(client_saw.result, l4::IpcError::receive_timeout), "0x30 p: its wait stays as it was");

    start_thread(front, front_main<0>);
    run_request({8, 1, 0});
    check(worker_saw.sender == own_thread(front) && !worker_saw.result.propagated(), "0x30 without p");
    finish();
}
