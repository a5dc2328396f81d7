#include "workloads/stress/server.hpp"

#include "kernel-model/abi/message.hpp"
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

using Letter = l4::MemoryMessage<l4::register_words, 1>; // some calls bring a string

uint32_t checksum(const uint8_t* bytes, uint32_t count) {
    uint32_t sum = count;
    for (uint32_t index = 0; index < count; ++index)
        sum = sum * 33 + bytes[index];
    return sum;
}

class Server {
public:
    explicit Server(unsigned family)
        : family_(family), random_(stream(world.seed, Stream::pager, pagers + family, world.round)),
          buffer_(receive_buffer(slots + family)) {
        letter_.strings[0].receive_size = buffer_bytes;
        letter_.strings[0].receive_address = reinterpret_cast<uint32_t>(buffer_.bytes);
    }

    [[noreturn]] void serve() {
        l4::ThreadId client;
        l4::Message message;
        for (;;) {
            l4::MessageResult result =
                ipc(random_.next(), client, l4::no_send, l4::receive_memory(letter_, true),
                    l4::Timeouts::infinite(), message);
            while (result.ok()) {
                if (l4::MessageDope{result.raw}.strings() != 0)
                    check_equal(checksum(buffer_.bytes, letter_.strings[0].send_size), message.w2,
                                "checksum of a call's string");
                answer(client, message);
                result = ipc(random_.next(), client, l4::send_registers, l4::receive_memory(letter_, true),
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
    Buffer& buffer_;
    Letter letter_;
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

namespace {

// What a call brings: a word, or a string with its checksum.
class Load {
public:
    Load(workloads::Random& random, unsigned slot) : word(random.next()), entry(random.next()) {
        const unsigned one_in =
            is_worker(slot) ? 8 : 2; // descendants shall be deleted in the middle of a transfer
        if (random.below(one_in) != 0)
            return;
        Buffer& buffer = send_buffer(slot);
        const uint32_t bytes = 1 + random.below(random.below(8) == 0 ? buffer_bytes : 150);
        for (uint32_t index = 0; index < bytes; ++index)
            buffer.bytes[index] = static_cast<uint8_t>(word + index * 57);
        letter_.strings[0].send_size = bytes;
        letter_.strings[0].send_address = reinterpret_cast<uint32_t>(buffer.bytes);
        letter_.send = l4::MessageDope::make(0, 1);
        word = checksum(buffer.bytes, bytes);
        descriptor_ = l4::send_memory(letter_);
        if (random.below(2) != 0)
            flush_buffer(buffer);
    }
    Load(const Load&) = delete;

    l4::MessageResult call(l4::ThreadId dest, l4::Timeouts timeouts, l4::Message& message) const {
        return ipc(entry, dest, descriptor_, l4::receive_registers, timeouts, message);
    }

    uint32_t word, entry;

private:
    Letter letter_;
    uint32_t descriptor_ = l4::send_registers;
};

constexpr uint32_t page_fault_timeouts_mask = 0xFF00;
l4::Timeouts without_page_fault_timeouts(l4::Timeouts timeouts) {
    return {timeouts.raw & ~page_fault_timeouts_mask};
}

// Send and receive timeouts below 2 ms, page-fault timeouts below 17 ms or none.
l4::Timeouts draw_short_timeouts(workloads::Random& random) {
    const uint64_t send_us = uint64_t{random.below(4)} * 500, receive_us = uint64_t{random.below(4)} * 500;
    const uint32_t page_fault_timeouts = (8 + random.below(8)) << 12 | (8 + random.below(8)) << 8;
    return {l4::Timeouts::make(send_us, receive_us).raw | (random.below(2) != 0 ? page_fault_timeouts : 0)};
}

bool met_page_fault_timeout(l4::MessageResult result) {
    return result.error() == static_cast<unsigned>(IpcError::send_page_fault_timeout) + 1 ||
           result.error() == static_cast<unsigned>(IpcError::receive_page_fault_timeout) + 1;
}

} // namespace

uint32_t call_server(workloads::Random& random, unsigned slot, unsigned family) {
    uint32_t& called = world.called[family][slot];
    const Load load(random, slot);
    l4::Message message{request_word(ServerRequest::call, slot), called, load.word};
    const l4::MessageResult result = load.call(server_id(family), l4::Timeouts::infinite(), message);
    check_equal(result.raw, 0, "result of a call to a server");
    called += 1;
    check_equal(message.w1, called, "the server's count of calls");
    check_equal(message.w2, answer_to(load.word), "a server's answer");
    return message.w2;
}

void call_server_in_haste(workloads::Random& random, unsigned slot, unsigned family) {
    uint32_t& called = world.called[family][slot];
    const Load load(random, slot);
    l4::Timeouts timeouts = draw_short_timeouts(random);
    l4::MessageResult result;
    l4::Message message;
    for (;;) {
        message = {request_word(ServerRequest::call, slot), called, load.word};
        result = load.call(server_id(family), timeouts, message);
        if (met_page_fault_timeout(result))
            timeouts = without_page_fault_timeouts(timeouts); // or the page might never come
        else if (!has_error(result, IpcError::send_timeout))
            break;
        l4::sleep_us(1);
    }
    if (result.ok()) {
        called += 1;
        check_equal(message.w2, answer_to(load.word), "a server's answer in time");
    } else {
        check_equal(result.raw, static_cast<uint32_t>(IpcError::receive_timeout) << 4,
                    "error of a call in haste");
        const uint32_t before = called;
        workloads::Random apart(
            load.entry); // whether this happens is a matter of time: no draw from `random`
        settle_with_server(apart, slot, family);
        check_equal(called, before + 1, "the server's count of a call that has been taken");
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
