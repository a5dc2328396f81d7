// What goes on during a transfer: interrupts, threads of other priorities, pages that are revoked or copied on write; and
// messages at the edges of user space.
#include "tests/kernel/guest/pair.hpp"

using namespace kernel_test;
using l4::IpcError;
using l4::ThreadRunState;

namespace {

constexpr unsigned ticker = 6, middle = 7, revoker = 8;
constexpr unsigned high_priority = 60, middle_priority = 45;
constexpr uint32_t string_bytes = half * l4::page_size - 200;
constexpr uint32_t kernel_addresses[] = {l4::user_space_end, l4::tcb_array_base, 0xF0000000u, 0xF9000000u,
                                         0xFFFFFFF0u};

// --- Interrupts

volatile unsigned woken_during_transfer = 0, woken = 0;

void ticker_main() {
    for (;;) {
        l4::sleep_us(2'000);
        woken = woken + 1;
        if (state_of(own_thread(sender)) == ThreadRunState::sending)
            woken_during_transfer = woken_during_transfer + 1;
    }
}

void test_preemption() {
    prepare_pair();
    give_and_take_124_megabytes();
    start_thread(ticker, ticker_main);
    l4::thread_schedule(own_thread(ticker), l4::schedule_param(high_priority));
    start_pair();
    // Each round trip of the ticker's is 2 ms and its clock tick; a transfer with interrupts off would show it none.
    check(pair_is_ok() && receiving.result.strings() == l4::message_strings_max, "124 MB in one message");
    check(woken_during_transfer >= 5, "a thread of higher priority has its turns meanwhile");
    l4::lthread_ex_regs(ticker, reinterpret_cast<uint32_t>(rest), 0xFFFFFFFFu);
    check(string_came(reinterpret_cast<const uint8_t*>(large_target),
                      reinterpret_cast<const uint8_t*>(large_source), large_bytes),
          "and the bytes are right");
}

// --- Priorities

volatile bool middle_runs = false, middle_may_end = false;
volatile ThreadRunState sender_at_end{};

void middle_main() {
    middle_runs = true;
    while (!middle_may_end)
        asm volatile("pause");
    sender_at_end = state_of(own_thread(sender));
    middle_runs = false;
    rest();
}

// The receiver is the most important of the three, but its transfer is the sender's work.
void test_priorities() {
    prepare_pair();
    give_and_take_124_megabytes();
    sending.priority = 30;
    receiving.priority = high_priority;
    middle_may_end = false;
    start_pair();
    check(
        become(own_thread(sender), ThreadRunState::sending, own_thread(receiver), ThreadRunState::receiving),
        "the sender transfers");
    start_thread(middle, middle_main);
    l4::thread_schedule(own_thread(middle), l4::schedule_param(middle_priority));
    check(happens([] { return middle_runs; }), "a thread between both preempts the sender");
    l4::sleep_us(20'000);
    middle_may_end = true;
    check(happens([] { return !middle_runs; }) && sender_at_end == ThreadRunState::sending,
          "as long as it runs the transfer stands still");
    check(pair_is_ok(), "then it is completed");
}

// --- Pages that change

void test_copy_on_write() {
    prepare_pair();
    fill_pair_pool();
    answers = Answers::copy_on_write;
    uint32_t sum = 0;
    for (uint32_t page = 0; page < half; ++page) { // there, but read only
        l4::lthread_ex_regs(0, 0xFFFFFFFFu, 0xFFFFFFFFu, own_thread(pair_pager));
        sum += *reinterpret_cast<volatile uint8_t*>(receiver_area(page * l4::page_size));
        l4::lthread_ex_regs(0, 0xFFFFFFFFu, 0xFFFFFFFFu, l4::sigma0_thread);
    }
    check(sum == 0 && pair_faults == half, "the receiver's pages are read only");
    give_and_take(sender_area(10), receiver_area(20), string_bytes);
    start_pair();
    check(pair_is_ok() && pair_faults == 3 * half, "a write fault for each page of the receiver's");
    check(string_came(pair_copies + half * l4::page_size + 20, pair_pool + 10, string_bytes),
          "the copies have the string");
    bool untouched = true;
    for (uint32_t index = half * l4::page_size; index < pair_area_bytes; ++index)
        untouched = untouched && pair_pool[index] == 0;
    check(untouched, "the originals are as they were");
}

volatile bool revokes = false;
volatile unsigned revocations = 0;

void revoker_main() {
    while (revokes) {
        take_pair_area_away();
        revocations = revocations + 1;
        l4::sleep_us(1'000);
    }
    rest();
}

// The same string again and again, until it has been interrupted often enough.
void test_revocation() {
    revokes = true;
    revocations = 0;
    prepare_pair();
    fill_pair_pool();
    start_thread(revoker, revoker_main);
    l4::thread_schedule(own_thread(revoker), l4::schedule_param(high_priority));
    unsigned transfers = 0;
    bool good = true;
    do {
        give_and_take(sender_area(10), receiver_area(21), string_bytes);
        for (l4::StringDope& dope : outgoing.strings)
            dope = outgoing.strings[0];
        for (l4::StringDope& dope : incoming.strings)
            dope = incoming.strings[0];
        outgoing.send = l4::MessageDope::make(3, l4::message_strings_max);
        start_pair();
        good = good && pair_is_ok() &&
               string_came(pair_pool + half * l4::page_size + 21, pair_pool + 10, string_bytes);
        ++transfers;
    } while (good && transfers < 200 && revocations < 20);
    revokes = false;
    check(good, "pages that are revoked come again");
    check(pair_faults > 2 * half, "and more than once");
}

// In one space a string may go to where it comes from, but downwards.
void test_overlap() {
    prepare_pair();
    fill_pair_pool();
    give_and_take(sender_area(1'000), sender_area(1), 3 * l4::page_size);
    static uint8_t before[3 * l4::page_size];
    __builtin_memcpy(before, pair_pool + 1'000, sizeof before);
    start_pair();
    check(pair_is_ok() && string_came(pair_pool + 1, before, sizeof before),
          "a string moved down onto itself");
}

// --- The edges of user space

void expect_cut(const char* what) {
    start_pair();
    check(pair_is_done() && has_error(sending.result, IpcError::send_cut) &&
              has_error(receiving.result, IpcError::receive_cut),
          what);
}

void test_end_of_user_space() {
    pair_area = l4::user_space_end - pair_area_bytes;
    constexpr uint32_t room = half * l4::page_size;
    prepare_pair();
    fill_pair_pool();
    give_and_take(sender_area(10), l4::user_space_end - string_bytes, string_bytes);
    start_pair();
    check(pair_is_ok() &&
              string_came(pair_pool + sizeof pair_pool - string_bytes, pair_pool + 10, string_bytes),
          "a string to the last byte of user space");

    prepare_pair();
    fill_pair_pool();
    give_and_take(sender_area(10), l4::user_space_end - 100, 101);
    expect_cut("one byte more is cut");
    check(string_came(pair_pool + sizeof pair_pool - 100, pair_pool + 10, 100),
          "but comes as far as there is memory");

    prepare_pair();
    give_and_take(l4::user_space_end - 100, receiver_area(), 101);
    expect_cut("a string that leaves user space is cut");

    // Headers of both messages on two pages.
    prepare_pair();
    fill_pair_pool();
    for (const uint32_t offset : {l4::page_size - 4, l4::page_size - 8}) {
        take_pair_area_away();
        auto* const from = reinterpret_cast<uint32_t*>(pair_pool + offset);
        auto* const to = reinterpret_cast<uint32_t*>(pair_pool + room + offset);
        constexpr unsigned words = 6;
        from[0] = to[0] = 0;
        from[1] = to[1] = l4::MessageDope::make(words, 0).raw;
        from[2] = l4::MessageDope::make(words, 0).raw;
        for (unsigned word = 3; word < words; ++word)
            from[3 + word] = offset + word;
        sending.descriptor = sender_area(offset);
        receiving.descriptor = receiver_area(offset);
        start_pair();
        check(pair_is_ok() && receiving.result.words() == words && to[3 + 3] == offset + 3 &&
                  to[3 + 5] == offset + 5,
              "a header on two pages");
    }

    // The message itself reaches out.
    prepare_pair();
    outgoing.send = l4::MessageDope::make(8, 0);
    receiving.descriptor = l4::user_space_end - 4;
    expect_cut("a receiver whose header does not end in user space");
    prepare_pair();
    receiving.descriptor = l4::user_space_end - 16;
    reinterpret_cast<uint32_t*>(pair_pool + sizeof pair_pool - 16)[1] = l4::MessageDope::make(8, 0).raw;
    outgoing.send = l4::MessageDope::make(8, 0);
    expect_cut("a receiver whose doublewords do not");
    pair_area = 0x50000000;
}

void test_kernel_addresses() {
    for (const uint32_t address : kernel_addresses) {
        prepare_pair();
        give_and_take(address, large_target, 100);
        expect_cut("a string from the kernel");
        prepare_pair();
        give_and_take(large_source, address, 100);
        expect_cut("a string to the kernel");
        prepare_pair();
        give_and_take(large_source, large_target, 100);
        receiving.descriptor = address;
        expect_cut("a message to the kernel");
    }
    for (const uint32_t address :
         {kernel_addresses[0], kernel_addresses[1], 0xFFFFFFFCu, 0xFFFFFFF8u, 0xFFFFFFF4u}) {
        prepare_pair();
        sending.descriptor = address;
        start_pair();
        check(happens([] { return sending.done; }) && has_error(sending.result, IpcError::send_cut),
              "a message from the kernel is not sent");
        check(!receiving.done, "and its receiver still waits");
    }
}

} // namespace

extern "C" void test_main(uint32_t) {
    prepare_pair();
    test_preemption();
    test_priorities();
    test_copy_on_write();
    test_revocation();
    test_overlap();
    test_end_of_user_space();
    test_kernel_addresses();
    finish();
}
