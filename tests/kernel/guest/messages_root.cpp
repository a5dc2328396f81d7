// INT 0x30 with messages in memory: doublewords, strings scattered and gathered, map items, what is cut, page faults on
// both sides with their timeouts, and how a transfer is broken off.
#include "tests/kernel/guest/agents.hpp"

#include "kernel-model/abi/message.hpp"

using namespace kernel_test;
using l4::IpcError;

namespace {

constexpr unsigned sender = 0, receiver = 1;
constexpr unsigned words = 40, strings = l4::message_strings_max;
using Message = l4::MemoryMessage<words, strings>;

constinit Message outgoing, incoming;
alignas(16) uint8_t source[40'000], target[40'000];

void fill(uint8_t* bytes, unsigned count, unsigned seed) {
    for (unsigned index = 0; index < count; ++index)
        bytes[index] = static_cast<uint8_t>((index * 7 + seed) ^ (index >> 8));
}
bool equal(const uint8_t* a, const uint8_t* b, unsigned count) {
    for (unsigned index = 0; index < count; ++index)
        if (a[index] != b[index])
            return false;
    return true;
}
void clear(uint8_t* bytes, unsigned count) {
    for (unsigned index = 0; index < count; ++index)
        bytes[index] = 0;
}

void prepare() {
    outgoing = {};
    incoming = {};
    incoming.receive_window = {};
    fill(source, sizeof source, 1);
    clear(target, sizeof target);
    for (unsigned index = 0; index < words; ++index)
        outgoing.words[index] = 0x1000 + index;
    paging = Paging::answer;
    area_faults = 0;
    jobs[sender] = {};
    jobs[receiver] = {};
    jobs[sender].send = l4::send_memory(outgoing);
    jobs[sender].partner = agent(receiver);
    jobs[sender].message = {101, 102, 103};
    jobs[receiver].receive = l4::receive_memory(incoming);
    jobs[receiver].partner = agent(sender);
}

// The receiver waits first.
void start() {
    go(receiver);
    l4::sleep_us(2'000);
    go(sender);
}
void transfer() {
    start();
    check(wait_until_done(sender) && wait_until_done(receiver), "the transfer ends");
}
void expect_errors(IpcError of_receiver, const char* what) {
    const unsigned code = static_cast<unsigned>(of_receiver);
    check(jobs[receiver].result.error() == code, what);
    check(jobs[sender].result.error() == code + (code != 0), what);
}

void test_words() {
    prepare();
    outgoing.send = l4::MessageDope::make(words, 0);
    transfer();
    expect_errors(IpcError::none, "0x30 doublewords: no error");
    check(jobs[receiver].result.words() == words && jobs[receiver].result.strings() == 0,
          "0x30 message dope");
    check(jobs[receiver].message.w0 == 101 && jobs[receiver].message.w2 == 103,
          "0x30 doublewords 0-2 are those of the registers");
    check(incoming.words[0] == 0 && incoming.words[2] == 0, "0x30 doublewords 0-2 are not copied");
    bool copied = true;
    for (unsigned index = l4::register_words; index < words; ++index)
        copied = copied && incoming.words[index] == 0x1000 + index;
    check(copied, "0x30 doublewords from 3 on are copied");

    prepare(); // the sender waits first
    outgoing.send = l4::MessageDope::make(words, 0);
    go(sender);
    l4::sleep_us(2'000);
    go(receiver);
    check(wait_until_done(sender) && wait_until_done(receiver), "the transfer ends");
    check(jobs[receiver].result.words() == words && incoming.words[words - 1] == 0x1000 + words - 1,
          "0x30 a sender that had to wait");

    prepare();
    outgoing.send = l4::MessageDope::make(3, 0);
    jobs[receiver].receive = l4::receive_registers;
    transfer();
    expect_errors(IpcError::none, "0x30 three doublewords are a register message");

    prepare();
    outgoing.send = l4::MessageDope::make(4, 0);
    jobs[receiver].receive = l4::receive_registers;
    transfer();
    expect_errors(IpcError::receive_cut, "0x30 doublewords to a receiver of registers: cut");
    check(jobs[receiver].message.w1 == 102, "0x30 what is in registers comes over");

    prepare();
    outgoing.send = l4::MessageDope::make(words, 0);
    incoming.size = l4::MessageDope::make(10, 0);
    transfer();
    expect_errors(IpcError::receive_cut, "0x30 too many doublewords: cut");
    check(jobs[receiver].result.words() == 10 && incoming.words[9] == 0x1009 && incoming.words[10] == 0,
          "0x30 as many as there is room for come over");

    prepare();
    jobs[sender].send = l4::send_registers;
    transfer();
    check(jobs[receiver].result.raw == 0 && jobs[receiver].message.w2 == 103,
          "0x30 a register message to a receiver with a buffer");
}

void give_string(unsigned number, unsigned offset, uint32_t size, bool continues = false) {
    outgoing.strings[number].send_address = reinterpret_cast<uint32_t>(source + offset);
    outgoing.strings[number].send_size = size | (continues ? l4::StringDope::continues_bit : 0);
}
void take_string(unsigned number, unsigned offset, uint32_t size, bool continues = false) {
    incoming.strings[number].receive_address = reinterpret_cast<uint32_t>(target + offset);
    incoming.strings[number].receive_size = size | (continues ? l4::StringDope::continues_bit : 0);
}

void test_strings() {
    prepare();
    outgoing.send = l4::MessageDope::make(3, 1);
    give_string(0, 3, 30'001);
    take_string(0, 1, 39'000);
    transfer();
    expect_errors(IpcError::none, "0x30 a string: no error");
    check(jobs[receiver].result.strings() == 1 && incoming.strings[0].send_size == 30'001 &&
              incoming.strings[0].send_address == reinterpret_cast<uint32_t>(target + 1),
          "0x30 the receiver's dope tells size and address");
    check(equal(target + 1, source + 3, 30'001) && target[0] == 0 && target[30'002] == 0,
          "0x30 the string itself");

    prepare();
    outgoing.send = l4::MessageDope::make(5, 3);
    give_string(0, 0, 100);
    give_string(1, 200, 5'000, true);
    give_string(2, 9'000, 50);
    take_string(0, 0, 2'000);
    take_string(1, 2'000, 4'000, true);
    take_string(2, 8'000, 50);
    transfer();
    expect_errors(IpcError::none, "0x30 scattered and gathered: no error");
    check(jobs[receiver].result.strings() == 3 && jobs[receiver].result.words() == 5, "0x30 dope with both");
    check(incoming.strings[0].send_size == 2'000 && incoming.strings[1].send_size == 3'100 &&
              incoming.strings[2].send_size == 50,
          "0x30 sizes of the parts");
    check(equal(target, source, 100) && equal(target + 100, source + 200, 5'000) &&
              equal(target + 8'000, source + 9'000, 50),
          "0x30 what was gathered and scattered");

    prepare();
    outgoing.send = l4::MessageDope::make(0, strings);
    for (unsigned number = 0; number < strings; ++number) {
        give_string(number, number * 1'000, 900 + number);
        take_string(number, number * 1'000, 1'000);
    }
    transfer();
    expect_errors(IpcError::none, "0x30 31 strings: no error");
    check(jobs[receiver].result.strings() == strings && incoming.strings[30].send_size == 930 &&
              equal(target + 30'000, source + 30'000, 930) && target[30'930] == 0,
          "0x30 31 strings");

    prepare();
    outgoing.send = l4::MessageDope::make(0, 2);
    give_string(0, 0, 500);
    give_string(1, 500, 10);
    take_string(0, 0, 100);
    take_string(1, 1'000, 100);
    transfer();
    expect_errors(IpcError::receive_cut, "0x30 a string too long: cut");
    check(jobs[receiver].result.strings() == 1 && equal(target, source, 100) && target[1'000] == 0,
          "0x30 the transfer ends with the string that does not fit");

    prepare();
    outgoing.send = l4::MessageDope::make(0, 2);
    incoming.size = l4::MessageDope::make(words, 1);
    give_string(0, 0, 10);
    give_string(1, 500, 10);
    take_string(0, 0, 100);
    transfer();
    expect_errors(IpcError::receive_cut, "0x30 more strings than dopes: cut");
    check(jobs[receiver].result.strings() == 1, "0x30 strings that came");

    prepare();
    outgoing.send = l4::MessageDope::make(0, 1);
    outgoing.strings[0] = {.send_size = 100, .send_address = l4::tcb_array_base};
    take_string(0, 0, 100);
    transfer();
    expect_errors(IpcError::receive_cut, "0x30 a string out of the kernel's memory: cut");
    check(target[0] == 0, "0x30 nothing of the kernel's is read");
}

// In the agents' own pages.
void use_area() {
    outgoing.strings[0].send_address = area_address(0, 100);
    incoming.strings[0].receive_address = area_address(8, 50);
    outgoing.strings[0].send_size = 20'000;
    incoming.strings[0].receive_size = 20'000;
    outgoing.send = l4::MessageDope::make(0, 1);
    for (unsigned page = 0; page < pages_per_agent; ++page) {
        fill(pool_page(sender, page), l4::page_size, page);
        clear(pool_page(receiver, page), l4::page_size);
    }
    take_area_away(sender);
    take_area_away(receiver);
}
bool area_came() {
    return equal(pool_page(receiver, 8) + 50, pool_page(sender, 0) + 100, 20'000);
}

void test_page_faults() {
    prepare();
    use_area();
    transfer();
    expect_errors(IpcError::none, "0x30 with page faults on both sides: no error");
    check(area_came() && area_faults == 10, "0x30 each page of either side faults once");
    check(last_fault.eip == 0xFFFFFFFFu || last_fault.client.task() == first_agent_task,
          "0x30 a receiver's fault has no instruction");

    prepare();
    use_area();
    transfer();
    check(area_came(), "0x30 the same once more");

    // Who has its pages, and whose pager does not answer: the timeouts end it.
    prepare();
    use_area();
    jobs[sender].timeouts =
        l4::Timeouts::infinite().with_page_faults(8, 15); // 4^7 us; its own does not matter
    jobs[receiver].timeouts = l4::Timeouts::infinite().with_page_faults(15, 0);
    jobs[sender].touches_area = true;
    start();
    check(wait_until_done(sender) && wait_until_done(receiver) && area_came(),
          "0x30 page faults within their timeouts");

    prepare();
    use_area();
    paging = Paging::ignore;
    jobs[receiver].timeouts = l4::Timeouts::infinite().with_page_faults(0, 8);
    transfer();
    expect_errors(IpcError::receive_page_fault_timeout,
                  "0x30 A+s: a fault in the sender's space, by the receiver's timeout");

    prepare();
    use_area();
    outgoing.strings[0].send_address = reinterpret_cast<uint32_t>(source);
    paging = Paging::ignore;
    jobs[sender].timeouts = l4::Timeouts::infinite().with_page_faults(8, 0);
    transfer();
    expect_errors(IpcError::send_page_fault_timeout,
                  "0x30 8+s: a fault in the receiver's space, by the sender's timeout");
    check(last_fault.client == agent(receiver) && (last_fault.address_and_write & 3) == 2 &&
              last_fault.eip == 0xFFFFFFFFu,
          "0x30 a receiver's fault: a write, by no instruction");

    prepare();
    use_area();
    jobs[receiver].timeouts = l4::Timeouts::infinite().with_page_faults(0, 15);
    transfer();
    expect_errors(IpcError::receive_page_fault_timeout, "0x30 page-fault timeout zero: no fault is allowed");
    check(area_faults == 0, "0x30 and nobody is asked");

    prepare();
    use_area();
    paging = Paging::ignore;
    start();
    l4::sleep_us(20'000);
    paging = Paging::answer;
    answer_ignored_fault();
    check(wait_until_done(sender) && wait_until_done(receiver) && area_came(),
          "0x30 infinite page-fault timeouts: a late pager is waited for");

    prepare();
    use_area();
    paging = Paging::ignore;
    jobs[sender].timeouts = l4::Timeouts::make(5'000, 5'000);
    jobs[receiver].timeouts = l4::Timeouts::make(5'000, 5'000);
    start();
    l4::sleep_us(20'000);
    paging = Paging::answer;
    answer_ignored_fault();
    check(wait_until_done(sender) && wait_until_done(receiver) && area_came(),
          "0x30 send and receive timeouts do not count once the transfer has started");

    prepare();
    use_area();
    paging = Paging::ignore;
    jobs[sender].timeouts = l4::Timeouts::make(5'000, 5'000);
    jobs[receiver].timeouts = l4::Timeouts::make(5'000, 5'000);
    start();
    l4::sleep_us(20'000);
    paging = Paging::answer;
    answer_ignored_fault();
    check(wait_until_done(sender) && wait_until_done(receiver) && area_came(),
          "0x30 send and receive timeouts do not count once the transfer has started");
}

l4::ThreadRunState state_of(unsigned number) {
    return l4::schedule_thread(agent(number), 0xFFFFFFFFu).state();
}

void test_breaking_off() {
    prepare();
    use_area();
    outgoing.strings[0].send_address = reinterpret_cast<uint32_t>(source);
    paging = Paging::ignore;
    start();
    l4::sleep_us(10'000);
    check(state_of(sender) == l4::ThreadRunState::sending &&
              state_of(receiver) == l4::ThreadRunState::receiving_calls_pager,
          "0x34 states of a transfer: the receiver's pager is called");
    restart(sender);
    check(wait_until_done(receiver), "0x30 the sender is deleted: the receiver goes on");
    check(has_error(jobs[receiver].result, IpcError::receive_aborted), "0x30 C: aborted");

    prepare();
    use_area();
    paging = Paging::ignore;
    start();
    l4::sleep_us(10'000);
    check(state_of(sender) == l4::ThreadRunState::sending_calls_pager &&
              state_of(receiver) == l4::ThreadRunState::receiving,
          "0x34 states of a transfer: the sender's pager is called");
    restart(receiver);
    check(wait_until_done(sender), "0x30 the receiver is deleted: the sender goes on");
    check(has_error(jobs[sender].result, IpcError::send_aborted), "0x30 D: aborted");
}

void test_map_items() {
    constexpr uint32_t window_page = 4;
    prepare();
    use_area();
    jobs[sender].touches_area = true;
    incoming.receive_window = l4::Fpage::make(area, 16);
    outgoing.send = l4::MessageDope::make(9, 0);
    const auto item = [](unsigned page) { return l4::Fpage::make(area_address(page), l4::page_bits).raw; };
    jobs[sender].send = l4::send_memory(outgoing, l4::send_map);
    jobs[sender].message = {area_address(window_page), item(1), 7};
    const uint32_t further[] = {
        area_address(window_page + 1), item(2), area_address(window_page + 2), item(3), 0, 0};
    for (unsigned index = 0; index < 6; ++index)
        outgoing.words[l4::register_words + index] = further[index];
    transfer();
    expect_errors(IpcError::none, "0x30 several map items: no error");
    check(jobs[receiver].result.mapped() && jobs[receiver].result.words() == 9, "0x30 dope of a map message");
    // What the receiver got it can send on: its pages are the sender's.
    prepare();
    outgoing.send = l4::MessageDope::make(0, 1);
    outgoing.strings[0] = {.send_size = 3 * l4::page_size, .send_address = area_address(window_page)};
    take_string(0, 0, 20'000);
    area_faults = 0;
    jobs[receiver].send = l4::send_memory(outgoing);
    jobs[receiver].receive = l4::no_receive;
    jobs[receiver].partner = agent(sender);
    jobs[sender].send = l4::no_send;
    jobs[sender].receive = l4::receive_memory(incoming);
    jobs[sender].partner = agent(receiver);
    transfer();
    check(area_faults == 0 && equal(target, pool_page(sender, 1), 3 * l4::page_size),
          "0x30 each item is mapped by its send base");

    prepare();
    jobs[sender].send = l4::send_map;
    jobs[sender].message = {area_address(window_page), item(1), 0};
    transfer();
    expect_errors(IpcError::receive_cut, "0x30 a map item without a window: cut");

    prepare();
    incoming.receive_window = l4::Fpage::make(area, 16);
    jobs[sender].send = l4::send_map;
    jobs[sender].message = {area_address(window_page), item(1), 0};
    transfer();
    check(jobs[receiver].result.mapped() && jobs[receiver].result.ok(),
          "0x30 a register map message, the window in memory");
}

} // namespace

extern "C" void test_main(uint32_t) {
    start_agents();
    test_words();
    test_strings();
    test_page_faults();
    test_breaking_off();
    test_map_items();
    finish();
}
