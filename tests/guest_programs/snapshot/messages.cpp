// Threads in ipc with each other: before the message, and in the middle of it.
#include "kernel-model/abi/message.hpp"
#include "tests/guest_programs/snapshot/held_pager.hpp"
#include "tests/guest_programs/snapshot/stage.hpp"

namespace snapshot_test {

namespace {

using enum l4::ThreadRunState;

constexpr uint64_t patience_us = 600'000'000; // beyond any pause of a restart
constexpr uint32_t source_address = 0x40000000u, target_address = 0x48000000u;

uint32_t word_of(uint32_t i, uint32_t round) {
    return i * 2654435761u + round; // Knuth's multiplier
}
uint32_t* words_at(uint32_t address) {
    return reinterpret_cast<uint32_t*>(address);
}
void fill(uint32_t address, uint32_t bytes, uint32_t round) {
    for (uint32_t i = 0; i < bytes / 4; ++i)
        words_at(address)[i] = word_of(i, round);
}
void expect_filled(uint32_t address, uint32_t bytes, uint32_t round) {
    for (uint32_t i = 0; i < bytes / 4; ++i)
        if (words_at(address)[i] != word_of(i, round))
            return expect(false, "a string with a wrong word", i);
}

void send_string(unsigned to, uint32_t address, uint32_t bytes, uint32_t round) {
    l4::MemoryMessage<4, 1> message;
    message.send = message.size;
    message.words[3] = ~round;
    message.strings[0] = {bytes, address, 0, 0};
    l4::Message registers{round, bytes, 0};
    l4::ThreadId partner = thread(to);
    const l4::MessageResult result =
        l4::ipc(partner, l4::send_memory(message), l4::no_receive, l4::Timeouts::infinite(), registers);
    expect(result.ok(), "a string that could not be sent", result.error());
}

// Returns the round.
uint32_t receive_string(unsigned from, uint32_t address, uint32_t bytes) {
    l4::MemoryMessage<4, 1> message;
    message.strings[0] = {0, 0, bytes, address};
    l4::Message registers;
    l4::ThreadId partner = thread(from);
    const l4::MessageResult result =
        l4::ipc(partner, l4::no_send, l4::receive_memory(message), l4::Timeouts::infinite(), registers);
    expect(result.ok() && result.words() == 4 && result.strings() == 1, "a string that did not come",
           result.raw);
    expect(message.words[3] == ~registers.w0 && message.strings[0].send_size == bytes,
           "a message with wrong words", message.words[3]);
    expect_filled(address, bytes, registers.w0);
    return registers.w0;
}

// --- sending: two threads poll on a third, one of them with a timeout

constexpr unsigned first = 1, second = 2, partner = 3, third = 4;

void send_first() {
    const l4::MessageResult result = l4::send(thread(partner), {first, 11, 111});
    expect(result.ok(), "a queued send with an error", result.error());
    end_subject();
}
void send_second() {
    const l4::MessageResult result =
        l4::send(thread(partner), {second, 22, 222}, l4::Timeouts::make(patience_us, patience_us));
    expect(result.ok(), "a queued send with a timeout and an error", result.error());
    end_subject();
}
void receive_both() {
    wait_for_observer();
    constexpr unsigned in_order[] = {first, second};
    for (const unsigned expected : in_order) {
        l4::ThreadId sender;
        l4::Message message;
        const l4::MessageResult result = l4::wait(sender, message);
        expect(result.ok() && sender == thread(expected), "senders not in their order", sender.raw);
        expect(message.w0 == expected && message.w1 == expected * 11 && message.w2 == expected * 111,
               "a queued message with wrong words", message.w0);
    }
    end_subject();
}
void start_sending() {
    start_thread(partner, &receive_both, subject_priority);
    start_thread(first, &send_first, subject_priority);
    while (!is(first, pending))
        l4::sleep_us(1000);
    start_thread(second, &send_second, subject_priority);
}
bool sending_reached() {
    return is(first, pending, thread(partner)) && is(second, pending, thread(partner)) &&
           waits_for_observer(partner);
}
void tell_partner() {
    tell(partner);
}

// --- receiving: one waits for a certain thread, one for anybody, one for a string

constexpr uint32_t string_bytes = 3000;

void receive_closed() {
    l4::Message message;
    const l4::MessageResult result =
        l4::receive(thread(partner), message, l4::Timeouts::make(patience_us, patience_us));
    expect(result.ok() && message.w0 == 1 && message.w2 == 3, "a closed receive that ended otherwise",
           result.raw);
    end_subject();
}
void receive_open() {
    l4::ThreadId sender;
    l4::Message message;
    const l4::MessageResult result = l4::wait(sender, message);
    expect(result.ok() && sender == thread(partner) && message.w1 == 5, "an open wait that ended otherwise",
           result.raw);
    end_subject();
}
void receive_one_string() {
    expect(receive_string(partner, target_address, string_bytes) == 9, "another string");
    end_subject();
}
void send_to_all() {
    wait_for_observer();
    l4::send(thread(first), {1, 2, 3});
    l4::send(thread(second), {4, 5, 6});
    fill(source_address, string_bytes, 9);
    send_string(third, source_address, string_bytes, 9);
    end_subject();
}
void start_receiving() {
    start_thread(first, &receive_closed, subject_priority);
    start_thread(second, &receive_open, subject_priority);
    start_thread(third, &receive_one_string, subject_priority);
    start_thread(partner, &send_to_all, subject_priority);
}
bool receiving_reached() {
    return is(first, waiting, thread(partner)) && is(second, waiting, l4::invalid_thread) &&
           is(third, waiting, thread(partner)) && waits_for_observer(partner);
}

// --- transfer-copying: the observer's sleep ends in the middle of a long string

constexpr uint32_t long_bytes = 0x200000;

void send_until_released() {
    fill(source_address, long_bytes, 0);
    bool last = false;
    for (uint32_t round = 0; !last; ++round) {
        last = stage.released;
        words_at(source_address)[0] = word_of(0, round); // the rest stays that of round 0
        l4::Message ready;
        l4::receive(thread(second), ready);
        send_string(second, source_address, long_bytes, last ? 1 : 0);
    }
    end_subject();
}
void receive_until_released() {
    l4::MemoryMessage<4, 1> message;
    for (bool last = false; !last;) {
        message.strings[0] = {0, 0, long_bytes, target_address};
        l4::Message registers;
        l4::ThreadId sender = thread(first);
        const l4::MessageResult result = l4::ipc(sender, l4::send_registers, l4::receive_memory(message),
                                                 l4::Timeouts::infinite(), registers);
        expect(result.ok() && message.strings[0].send_size == long_bytes, "a long string that did not come",
               result.raw);
        for (uint32_t i = 1; i < long_bytes / 4; ++i)
            if (words_at(target_address)[i] != word_of(i, 0))
                expect(false, "a long string with a wrong word", i);
        words_at(target_address)[long_bytes / 4 - 1] = 0; // it has to come again
        last = registers.w0 == 1;
    }
    end_subject();
}
void start_copying() {
    start_thread(first, &send_until_released, subject_priority);
    start_thread(second, &receive_until_released, subject_priority);
}
bool copying_reached() {
    return is(first, sending) && is(second, receiving);
}

// --- transfer-fault: a page of the receiver's, or the sender's, comes from a pager that has the fault and waits

constexpr unsigned pager = 3;
constexpr uint32_t faulting_bytes = 3 * l4::page_size;
constexpr uint32_t offset = 40; // in its first page: the second one is missing in the middle of the string

void send_plain() {
    fill(source_address, faulting_bytes, 4);
    send_string(second, source_address, faulting_bytes, 4);
    end_subject();
}
void receive_into_window() {
    expect(receive_string(first, held_window + offset, faulting_bytes) == 4, "another string");
    end_subject();
}
void start_receiver_fault() {
    touch_stack(second);
    start_held_pager(pager, HeldWhen::fault_received);
    start_thread(second, &receive_into_window, subject_priority, thread(pager));
    start_thread(first, &send_plain, subject_priority);
}
bool receiver_fault_reached() {
    return is(first, sending) && is(second, receiving_calls_pager) && held_pager_holds(pager);
}

void send_from_window() {
    send_string(second, held_window + offset, faulting_bytes, 4);
    end_subject();
}
void receive_plain() {
    expect(receive_string(first, target_address, faulting_bytes) == 4, "another string");
    end_subject();
}
void start_sender_fault() {
    touch_stack(first);
    fill(held_store + offset, faulting_bytes, 4);
    start_held_pager(pager, HeldWhen::fault_received);
    start_thread(second, &receive_plain, subject_priority);
    start_thread(first, &send_from_window, subject_priority, thread(pager));
}
bool sender_fault_reached() {
    return is(first, sending_calls_pager) && is(second, receiving) && held_pager_holds(pager);
}
void release_pager() {
    release_held_pager(pager);
}
void release_nobody() {}

} // namespace

constinit const SnapshotClass message_classes[message_class_count] = {
    {"sending", 3, start_sending, sending_reached, sending_reached, tell_partner},
    {"receiving", 4, start_receiving, receiving_reached, receiving_reached, tell_partner},
    {"transfer-copying", 2, start_copying, copying_reached, nullptr, release_nobody},
    {"transfer-fault-of-receiver", 2, start_receiver_fault, receiver_fault_reached, receiver_fault_reached,
     release_pager},
    {"transfer-fault-of-sender", 2, start_sender_fault, sender_fault_reached, sender_fault_reached,
     release_pager},
};

} // namespace snapshot_test
