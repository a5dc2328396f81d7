#include "workloads/stress/server.hpp"

#include "workloads/stress/calls.hpp"
#include "workloads/stress/tasks.hpp"
#include "workloads/stress/verdict.hpp"
#include "workloads/stress/worker.hpp"

namespace stress {

namespace {

// w0 = what | slot << 8; call: w1 = number of the call, w2 = any word.
enum class ServerRequest : uint32_t { call = 1, greet, ask, ping };
constexpr uint32_t request_word(ServerRequest what, unsigned slot) {
    return static_cast<uint32_t>(what) | slot << 8;
}
constexpr uint32_t answer_to(uint32_t word) {
    return word * 0x85EBCA6Bu + 1;
}

class Server {
public:
    explicit Server(unsigned family)
        : family_(family), random_(stream(world.seed, Stream::pager, pagers + family, world.round)) {}

    [[noreturn]] void serve() {
        l4::ThreadId client;
        l4::Message message;
        for (;;) {
            l4::MessageResult result =
                ipc(random_.next(), client, l4::no_send, l4::open_wait, l4::Timeouts::infinite(), message);
            while (result.ok()) {
                answer(client, message);
                result = ipc(random_.next(), client, l4::send_registers, l4::open_wait,
                             l4::Timeouts::make(0, for_ever), message);
            }
        }
    }

private:
    void answer(l4::ThreadId client, l4::Message& message) {
        const unsigned slot = message.w0 >> 8;
        const auto what = ServerRequest{message.w0 & 0xFF};
        if (what == ServerRequest::ping)
            return;
        check(slot < slots && client.task() == task_of(slot), "the client that a server is called by");
        uint32_t& served = world.served[family_][slot];
        if (what == ServerRequest::greet)
            served = 0;
        if (what == ServerRequest::call) {
            check_equal(message.w1, served, "number of a call");
            const bool plant = world.plant == plant_lost_call && ++calls_ % 128 == 0;
            served += plant ? 0 : 1;
            message.w2 = answer_to(message.w2);
        }
        message.w1 = served;
    }

    unsigned family_;
    workloads::Random random_;
    uint32_t calls_ = 0;
};

uint32_t simple_request(workloads::Random& random, unsigned slot, unsigned family, ServerRequest what) {
    l4::Message message{request_word(what, slot), 0, 0};
    const uint32_t entry = random.next();
    check(call(entry, server_id(family), message).ok(), "a server answers");
    return message.w1;
}

} // namespace

void server_main(unsigned family) {
    start_participants(family);
    Server(family).serve();
}

uint32_t call_server(workloads::Random& random, unsigned slot, unsigned family) {
    uint32_t& called = world.called[family][slot];
    const uint32_t word = random.next();
    l4::Message message{request_word(ServerRequest::call, slot), called, word};
    const uint32_t entry = random.next();
    const l4::MessageResult result = call(entry, server_id(family), message);
    check_equal(result.raw, 0, "result of a call to a server");
    called += 1;
    check_equal(message.w1, called, "the server's count of calls");
    check_equal(message.w2, answer_to(word), "a server's answer");
    return message.w2;
}

void call_server_in_haste(workloads::Random& random, unsigned slot, unsigned family) {
    uint32_t& called = world.called[family][slot];
    const uint32_t word = random.next(), entry = random.next();
    const uint64_t send_us = random.below(4) * 500, receive_us = random.below(4) * 500;
    const l4::Timeouts timeouts = l4::Timeouts::make(send_us, receive_us);
    for (;;) {
        l4::Message message{request_word(ServerRequest::call, slot), called, word};
        l4::ThreadId dest = server_id(family);
        const l4::MessageResult result =
            ipc(entry, dest, l4::send_registers, l4::receive_registers, timeouts, message);
        if (has_error(result, IpcError::send_timeout)) {
            l4::sleep_us(1);
            continue;
        }
        if (result.ok()) {
            called += 1;
            check_equal(message.w2, answer_to(word), "a server's answer in time");
        } else {
            check(has_error(result, IpcError::receive_timeout), "error of a call in haste");
            const uint32_t before = called;
            workloads::Random apart(entry); // whether this happens is a matter of time: no draw from `random`
            settle_with_server(apart, slot, family);
            check_equal(called, before + 1, "the server's count of a call that has been taken");
        }
        return;
    }
}

void greet_server(workloads::Random& random, unsigned slot, unsigned family) {
    world.called[family][slot] = simple_request(random, slot, family, ServerRequest::greet);
}

void settle_with_server(workloads::Random& random, unsigned slot, unsigned family) {
    const uint32_t served = simple_request(random, slot, family, ServerRequest::ask);
    uint32_t& called = world.called[family][slot];
    check(served - called <= 1, "calls that a server has got of a thread that was moved");
    called = served;
}

bool server_answers(unsigned family) {
    l4::Message message{request_word(ServerRequest::ping, 0), 7, 9};
    return call(0, server_id(family), message).ok() && message.w1 == 7 && message.w2 == 9;
}

} // namespace stress
