// INT 0x33 thread_switch: yield with nil, the time slice donated to a ready thread, dests that are as nil.
#include "tests/kernel/guest/checks.hpp"

#include <initializer_list>

using namespace kernel_test;

namespace {

constexpr unsigned low = 2, peer = 3, other_peer = 4, blocked = 5, relay = 6;
constexpr unsigned slice_exponent = 9, slice_mantissa = 5; // 4^6 * 5 = 20.48 ms
constexpr uint64_t slice_us = 20'480;

volatile uint32_t low_steps = 0, peer_runs = 0, other_runs = 0, relayed = 0;

[[noreturn]] void rest() {
    for (;;)
        l4::sleep_us(l4::Timeouts::infinite_us);
}
void low_main() { // endless
    for (;;)
        low_steps = low_steps + 1;
}
void low_briefly() {
    low_steps = low_steps + 1;
    rest();
}
void peer_main() {
    for (;;) {
        peer_runs = peer_runs + 1;
        l4::thread_switch();
    }
}
void other_peer_main() {
    for (;;) {
        other_runs = other_runs + 1;
        l4::thread_switch();
    }
}
void relay_main() { // passes what it is given on to the endless one
    relayed = relayed + 1;
    l4::thread_switch(own_thread(low));
    relayed = relayed + 1;
    rest();
}

void set_priority(unsigned lthread, unsigned priority, unsigned exponent = slice_exponent,
                  unsigned mantissa = slice_mantissa) {
    l4::thread_schedule(own_thread(lthread), l4::schedule_param(priority, exponent, mantissa));
}

void test_nil_yields_to_equals_only() {
    start_thread(low, low_main);
    set_priority(low, 10);
    start_thread(peer, peer_main);
    start_thread(other_peer, other_peer_main);
    const uint32_t before = low_steps;
    for (unsigned round = 0; round < 100; ++round)
        l4::thread_switch();
    check(peer_runs >= 99 && other_runs >= 99, "0x33 nil: each of the equals has its turn");
    check(low_steps == before, "0x33 nil: a lower priority has none");
    set_priority(peer, 0);
    set_priority(other_peer, 0);
}

void test_donation() {
    set_priority(0, 50);
    const uint32_t steps = low_steps;
    l4::thread_switch(); // starts with a whole slice
    const uint64_t start = clock_us();
    l4::thread_switch(own_thread(low));
    const uint64_t taken = clock_us() - start;
    check(low_steps > steps, "0x33 dest: a ready thread runs, whatever its priority");
    check(taken >= slice_us - 3'000 && taken <= slice_us + 3'000, "0x33 dest: until the caller's slice ends");

    start_thread(blocked, low_briefly);
    set_priority(blocked, 5);
    const uint64_t before = clock_us();
    const uint32_t low_before = low_steps;
    l4::thread_switch(own_thread(blocked));
    check(low_steps == low_before + 1, "0x33 dest: it has run");
    check(clock_us() - before < slice_us / 2, "0x33 dest: when it blocks, the caller goes on at once");

    const uint32_t asleep = low_steps;
    l4::thread_switch(own_thread(blocked));
    check(low_steps == asleep, "0x33 dest not ready: as nil");
}

void test_equals_stay_behind_the_beneficiary() {
    set_priority(peer, 50);
    const uint32_t runs = peer_runs, steps = low_steps;
    l4::thread_switch(own_thread(low));
    check(low_steps > steps, "0x33 dest: it runs on the donor's time");
    check(peer_runs > runs, "0x33 dest: then it is the turn of the donor's equals");
    set_priority(peer, 0);
}

void test_more_important_threads_preempt() {
    // peer sleeps at a higher priority and wakes up within the donated slice.
    static volatile bool woke = false;
    static volatile uint32_t steps_at_wakeup = 0;
    start_thread(peer, [] {
        l4::sleep_us(4'000);
        steps_at_wakeup = low_steps;
        woke = true;
        rest();
    });
    set_priority(peer, 60);
    l4::thread_switch(); // it goes to sleep
    const uint32_t steps = low_steps;
    l4::thread_switch(own_thread(low));
    check(woke && steps_at_wakeup > steps, "0x33 dest: somebody more important preempts it");
}

void test_passing_on() {
    start_thread(relay, rest);
    l4::sleep_us(5'000); // it has its stack now, and will not block in a page fault
    start_thread(relay, relay_main);
    set_priority(relay, 20);
    l4::thread_switch();
    const uint32_t steps = low_steps;
    l4::thread_switch(own_thread(relay));
    check(relayed == 1 && low_steps > steps, "0x33 dest: the beneficiary passes its time on");
    const uint64_t start = clock_us();
    l4::sleep_us(10'000);
    check(relayed == 2 && clock_us() - start < 2 * slice_us, "0x33 dest: and runs again in its own time");
}

void test_as_nil() {
    const l4::ThreadId ids[] = {l4::invalid_thread,
                                l4::ThreadId::interrupt(1),
                                l4::ThreadId::make(0, 1, 0, 0),
                                l4::ThreadId::make(99, 0, 1, l4::root_task),
                                l4::ThreadId::make(l4::root_task, low, 7, l4::root_task),
                                l4::my_id(),
                                own_thread(40)};
    const uint32_t steps = low_steps;
    for (const l4::ThreadId id : ids)
        l4::thread_switch(id);
    check(low_steps == steps, "0x33 nobody, a wrong version, itself: as nil");
}

} // namespace

extern "C" void test_main(uint32_t) {
    clock_us();
    test_nil_yields_to_equals_only();
    test_donation();
    test_equals_stay_behind_the_beneficiary();
    test_more_important_threads_preempt();
    test_passing_on();
    test_as_nil();
    finish();
}
