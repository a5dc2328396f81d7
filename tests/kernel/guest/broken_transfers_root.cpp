// Transfers that are broken off: lthread_ex_regs and task_new on either side, in every state of ipc/transfer_pair.hpp's
// table. Afterwards the same threads make a transfer that succeeds.
//
// Sender, receiver and their pager are threads of the root task, so the pager serves its own task: page n of the area is
// page n of the pool. (Tasks that are deleted: agents.hpp.)
#include "tests/kernel/guest/agents.hpp"

#include "kernel-model/abi/message.hpp"

#include <initializer_list>

using namespace kernel_test;
using l4::IpcError;
using l4::ThreadRunState;

namespace {

// lthread 1 is the agents' pager.
constexpr unsigned own_pager = 2, deaf_pager = 3, sender = 4, receiver = 5;
constexpr unsigned lower_priority = 40;
constexpr uint32_t own_area = 0x50000000;
constexpr unsigned area_pages = 4, half = area_pages / 2; // the sender's, then the receiver's
constexpr uint32_t string_bytes = half * l4::page_size - 100;
constexpr uint32_t large_source = 0x02000000, large_target = 0x02400000, large_bytes = 4u << 20;

alignas(l4::page_size) uint8_t own_pool[area_pages * l4::page_size];
using Message = l4::MemoryMessage<8, l4::message_strings_max>;
Message outgoing, incoming;
volatile bool answers = true;
bool by_sysenter = false;

struct Outcome {
    volatile bool done = false;
    l4::MessageResult result{};
};
Outcome sent, received;

using Ipc = l4::MessageResult (*)(l4::ThreadId&, uint32_t, uint32_t, l4::Timeouts, l4::Message&);
Ipc entry() {
    return by_sysenter ? l4::ipc_sysenter : l4::ipc_int30;
}
[[noreturn]] void rest() {
    for (;;)
        l4::sleep_us(l4::Timeouts::infinite_us);
}

void sender_main() {
    l4::ThreadId to = own_thread(receiver);
    l4::Message words{11, 12, 13};
    sent.result = entry()(to, l4::send_memory(outgoing), l4::no_receive, {}, words);
    sent.done = true;
    rest();
}
void receiver_main() {
    l4::ThreadId from = own_thread(sender);
    l4::Message words;
    received.result = entry()(from, l4::no_send, l4::receive_memory(incoming), {}, words);
    received.done = true;
    rest();
}

// Where lthread_ex_regs sends a thread: with what its ipc has returned.
extern "C" {
volatile uint32_t landed_with = 0, landed = 0;
void landing();
void rest_after_landing() {
    rest();
}
}
asm(".text\nlanding: movl %eax, landed_with\n\tmovl $1, landed\n\tjmp rest_after_landing\n");

void own_pager_main() {
    for (;;) {
        l4::ThreadId client;
        l4::Message fault;
        l4::wait(client, fault);
        const uint32_t page = fault.w0 & ~(l4::page_size - 1);
        const bool is_own = page >= own_area && page < own_area + sizeof own_pool;
        if (is_own && !answers)
            continue;
        const uint32_t from = is_own ? reinterpret_cast<uint32_t>(own_pool) + (page - own_area) : page;
        *reinterpret_cast<volatile uint8_t*>(from) = *reinterpret_cast<volatile uint8_t*>(from);
        l4::Message mapping{page, l4::Fpage::make(from, l4::page_bits, l4::Fpage::write_bit).raw, 0};
        l4::ipc(client, is_own ? l4::send_map : l4::send_registers, l4::no_receive, l4::Timeouts::zero(),
                mapping);
    }
}

// The host may be busy: what shall happen is waited for, for up to two seconds.
template<class Condition>
bool happens(Condition condition) {
    for (unsigned tries = 0; tries < 2'000 && !condition(); ++tries)
        l4::sleep_us(1'000);
    return condition();
}
ThreadRunState state_of(l4::ThreadId id) {
    return l4::schedule_thread(id, 0xFFFFFFFFu).state();
}
bool become(l4::ThreadId a, ThreadRunState state_of_a, l4::ThreadId b, ThreadRunState state_of_b) {
    return happens([=] { return state_of(a) == state_of_a && state_of(b) == state_of_b; });
}

void take_away() {
    for (uint32_t page = 0; page < sizeof own_pool; page += l4::page_size)
        l4::fpage_unmap(l4::Fpage::make(reinterpret_cast<uint32_t>(own_pool + page), l4::page_bits),
                        l4::unmap_fully);
}

// In which state of the table the transfer is stopped.
enum Stop { sender_copies, sender_asks, sender_polls, receiver_asks, receiver_polls, stop_count };
constexpr const char* stop_names[stop_count] = {
    "the sender copies", "the sender's pager has the fault", "the sender's pager does not receive",
    "the receiver's pager has the fault", "the receiver's pager does not receive"};

void start_both(l4::ThreadId pager_of_sender, l4::ThreadId pager_of_receiver) {
    sent.done = false;
    received.done = false;
    start_thread(receiver, receiver_main, pager_of_receiver);
    happens([] { return state_of(own_thread(receiver)) == ThreadRunState::waiting; });
    start_thread(sender, sender_main, pager_of_sender);
    for (const unsigned lthread : {sender, receiver})
        l4::thread_schedule(own_thread(lthread), l4::schedule_param(lower_priority));
}

void give_and_take(uint32_t from, uint32_t to, uint32_t bytes) {
    outgoing = {};
    incoming = {};
    outgoing.send = l4::MessageDope::make(3, 1);
    outgoing.strings[0].send_size = incoming.strings[0].receive_size = bytes;
    outgoing.strings[0].send_address = from;
    incoming.strings[0].receive_address = to;
}

// Both copies have the processor only while this thread sleeps: it stops the sender in the middle of 124 MB.
void stop_while_copying() {
    give_and_take(large_source, large_target, large_bytes);
    for (l4::StringDope& dope : outgoing.strings)
        dope = {.send_size = large_bytes, .send_address = large_source};
    for (l4::StringDope& dope : incoming.strings)
        dope = {.receive_size = large_bytes, .receive_address = large_target};
    outgoing.send = l4::MessageDope::make(3, l4::message_strings_max);
    start_both(own_thread(own_pager), own_thread(own_pager));
    check(
        become(own_thread(sender), ThreadRunState::sending, own_thread(receiver), ThreadRunState::receiving),
        "a long transfer goes on");
}

void stop_at(Stop stop) {
    if (stop == sender_copies) {
        stop_while_copying();
        return;
    }
    const bool by_sender = stop == sender_asks || stop == sender_polls;
    const uint32_t program =
        reinterpret_cast<uint32_t>(own_pool); // present whenever the pager has been asked once
    take_away();
    answers = false;
    give_and_take(by_sender ? own_area + 50 : program, own_area + half * l4::page_size + 70, string_bytes);
    const bool polls = stop == sender_polls || stop == receiver_polls;
    const l4::ThreadId pager = own_thread(polls ? deaf_pager : own_pager);
    start_both(pager, pager);
    check(become(own_thread(sender),
                 by_sender ? ThreadRunState::sending_calls_pager : ThreadRunState::sending,
                 own_thread(receiver),
                 by_sender ? ThreadRunState::receiving : ThreadRunState::receiving_calls_pager),
          stop_names[stop]);
}

void check_that_transfers_work() {
    take_away();
    answers = true;
    uint8_t *const from = own_pool + 50, *const to = own_pool + half * l4::page_size + 70;
    for (unsigned index = 0; index < string_bytes; ++index) {
        from[index] = static_cast<uint8_t>(index * 3 + 1);
        to[index] = 0;
    }
    give_and_take(own_area + 50, own_area + half * l4::page_size + 70, string_bytes);
    start_both(own_thread(own_pager), own_thread(own_pager));
    check(happens([] { return sent.done && received.done; }) && sent.result.ok() && received.result.ok() &&
              received.result.strings() == 1,
          "the same threads make another transfer");
    bool came = true;
    for (unsigned index = 0; index < string_bytes; ++index)
        came = came && to[index] == static_cast<uint8_t>(index * 3 + 1);
    check(came, "and its string comes");
}

void test_exchange_registers() {
    for (unsigned number = 0; number < stop_count; ++number)
        for (const unsigned victim : {sender, receiver}) {
            stop_at(static_cast<Stop>(number));
            landed = 0;
            l4::lthread_ex_regs(victim, reinterpret_cast<uint32_t>(landing), 0xFFFFFFFFu);
            const bool of_sender = victim == sender;
            check(happens([] { return landed == 1; }) && landed_with == (of_sender ? 0xD0u : 0xC0u),
                  of_sender ? "0x35 on the sender: it goes on there, with D"
                            : "0x35 on the receiver: it goes on there, with C");
            const Outcome& other = of_sender ? received : sent;
            check(other.done &&
                      has_error(other.result, of_sender ? IpcError::receive_aborted : IpcError::send_aborted),
                  of_sender ? "0x35 on the sender: the receiver gets C"
                            : "0x35 on the receiver: the sender gets D");
            check_that_transfers_work();
        }
}

// A new pager alone breaks nothing off.
void test_new_pager() {
    stop_at(sender_asks);
    l4::exchange_registers(sender, {.pager = own_thread(deaf_pager)});
    l4::sleep_us(4'000);
    check(state_of(own_thread(sender)) == ThreadRunState::sending_calls_pager && !sent.done && !received.done,
          "0x35 without EIP and ESP: the transfer stays");
    l4::lthread_ex_regs(sender, reinterpret_cast<uint32_t>(landing), 0xFFFFFFFFu);
    l4::sleep_us(4'000);
}

// One string from the first agent's area to the second's.
void tell_agents(bool from_area) {
    static l4::MemoryMessage<3, 1> from, to;
    constexpr uint32_t bytes = 5'000;
    from.send = l4::MessageDope::make(0, 1);
    from.strings[0] = {.send_size = bytes, .send_address = from_area ? area_address(0) : large_source};
    to.strings[0] = {.receive_size = bytes, .receive_address = area_address(4)};
    jobs[0] = {};
    jobs[1] = {};
    jobs[0].send = l4::send_memory(from);
    jobs[0].partner = agent(1);
    jobs[1].receive = l4::receive_memory(to);
    jobs[1].partner = agent(0);
    take_area_away(0);
    take_area_away(1);
    go(1);
    happens([] { return state_of(agent(1)) == ThreadRunState::waiting; });
    go(0);
}

void delete_tasks(unsigned victims, bool by_sender) {
    paging = Paging::ignore;
    tell_agents(by_sender);
    check(become(agent(0), by_sender ? ThreadRunState::sending_calls_pager : ThreadRunState::sending,
                 agent(1), by_sender ? ThreadRunState::receiving : ThreadRunState::receiving_calls_pager),
          "a pager that does not answer");
    for (const unsigned number : {0u, 1u})
        if (victims >> number & 1)
            restart(number);
    if (victims == 1)
        check(wait_until_done(1) && has_error(jobs[1].result, IpcError::receive_aborted),
              "0x36 the sender's task is deleted: C");
    if (victims == 2)
        check(wait_until_done(0) && has_error(jobs[0].result, IpcError::send_aborted),
              "0x36 the receiver's task is deleted: D");
    paging = Paging::answer;
    tell_agents(true);
    check(wait_until_done(0) && wait_until_done(1) && jobs[0].result.ok() && jobs[1].result.ok(),
          "0x36 the next lives make the transfer");
}

} // namespace

extern "C" void test_main(uint32_t) {
    start_thread(own_pager, own_pager_main);
    for (const unsigned lthread : {deaf_pager, sender, receiver})
        start_thread(lthread, rest);
    for (uint32_t page = 0; page < large_bytes; page += l4::page_size) {
        *reinterpret_cast<volatile uint32_t*>(large_source + page) = page;
        *reinterpret_cast<volatile uint32_t*>(large_target + page) = 0;
    }
    for (const bool entry : {false, true}) {
        if (entry && !l4::processor_has_sysenter())
            break;
        by_sysenter = entry;
        check_that_transfers_work();
        test_exchange_registers();
    }
    test_new_pager();
    start_agents();
    for (unsigned victims = 1; victims <= 3; ++victims)
        for (const bool by_sender : {false, true})
            delete_tasks(victims, by_sender);
    finish();
}
