// Transfers that are broken off: lthread_ex_regs and task_new on either side, in every state of ipc/transfer_pair.hpp's
// table. Afterwards the same threads make a transfer that succeeds.
#include "tests/kernel/guest/agents.hpp"
#include "tests/kernel/guest/pair.hpp"

using namespace kernel_test;
using l4::IpcError;
using l4::ThreadRunState;

namespace {

constexpr uint32_t string_bytes = half * l4::page_size - 100;

// Where lthread_ex_regs sends a thread: with what its ipc has returned.
extern "C" {
volatile uint32_t landed_with = 0, landed = 0;
void landing();
void rest_after_landing() {
    rest();
}
}
asm(".text\nlanding: movl %eax, landed_with\n\tmovl $1, landed\n\tjmp rest_after_landing\n");

// In which state of the table the transfer is stopped.
enum Stop { sender_copies, sender_asks, sender_polls, receiver_asks, receiver_polls, stop_count };
constexpr const char* stop_names[stop_count] = {
    "the sender copies", "the sender's pager has the fault", "the sender's pager does not receive",
    "the receiver's pager has the fault", "the receiver's pager does not receive"};

void stop_at(Stop stop) {
    prepare_pair();
    const bool copies = stop == sender_copies, by_sender = stop == sender_asks || stop == sender_polls;
    if (copies) {
        give_and_take_124_megabytes();
    } else {
        answers = Answers::none;
        give_and_take(by_sender ? sender_area(50) : large_source, receiver_area(70), string_bytes);
        if (stop == sender_polls || stop == receiver_polls)
            sending.pager = receiving.pager = own_thread(deaf_pager);
    }
    start_pair();
    check(become(own_thread(sender),
                 by_sender ? ThreadRunState::sending_calls_pager : ThreadRunState::sending,
                 own_thread(receiver),
                 by_sender || copies ? ThreadRunState::receiving : ThreadRunState::receiving_calls_pager),
          stop_names[stop]);
}

void check_that_transfers_work() {
    prepare_pair();
    fill_pair_pool();
    give_and_take(sender_area(50), receiver_area(70), string_bytes);
    start_pair();
    check(pair_is_ok() && receiving.result.strings() == 1, "the same threads make another transfer");
    check(string_came(pair_pool + half * l4::page_size + 70, pair_pool + 50, string_bytes),
          "and its string comes");
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
            const PairSide& other = of_sender ? receiving : sending;
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
    check(state_of(own_thread(sender)) == ThreadRunState::sending_calls_pager && !sending.done &&
              !receiving.done,
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
    for (const bool by_sysenter : {false, true}) {
        if (by_sysenter && !l4::processor_has_sysenter())
            break;
        sending.by_sysenter = receiving.by_sysenter = by_sysenter;
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
