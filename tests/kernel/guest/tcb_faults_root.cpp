// TCB pages that are absent when the kernel needs them, and a TCB pager that does everything wrong (thread/tcb_array.hpp).
//
// Task 6 is the TCB pager (tcb_pager.hpp), in the manner that the test chooses. Each system call that touches another
// thread's TCB (tcb_fault_calls.hpp) is tried with each manner: the call must come to the right result in the end, and
// the kernel must survive. All tasks share the program's memory 1:1.
#include "kernel-model/abi/message.hpp"
#include "kernel-model/arch/entry_layout.h"
#include "kernel-model/arch/selectors.h"
#include "kernel-model/thread/tcb.hpp"
#include "tests/kernel/guest/checks.hpp"
#include "tests/kernel/guest/tcb_fault_calls.hpp"
#include "tests/kernel/guest/tcb_pager.hpp"

#include <initializer_list>

using namespace kernel_test;
using namespace tcb_fault_calls;
using namespace tcb_pager;
extern "C" void orphan_goes_on();
extern "C" void orphan_is_told(uint32_t result);

using kernel::Tcb;
using kernel::ThreadState;
using l4::IpcError;

namespace {

volatile bool actor_busy = false, actor_succeeded = false;
void actor_main() {
    l4::ThreadId root;
    l4::Message message;
    for (;;) {
        l4::wait(root, message);
        actor_succeeded = reinterpret_cast<bool (*)()>(message.w0)();
        actor_busy = false;
    }
}
void order_actor(bool (*function)()) {
    actor_busy = true;
    actor_succeeded = false;
    l4::send(own_thread(actor), {reinterpret_cast<uint32_t>(function), 0, 0});
}
bool actor_finishes() {
    for (unsigned tries = 0; tries < 10'000 && actor_busy; ++tries)
        l4::sleep_us(1'000);
    return !actor_busy && actor_succeeded;
}

void check_call(const Call& call, bool condition, const char* what) {
    check(condition, what);
    if (condition)
        return;
    l4::print_string("  in: ");
    l4::print_string(call.name);
    l4::print_string(", TCB page: ");
    l4::print_string(manner_names[static_cast<unsigned>(static_cast<Manner>(manner))]);
    l4::print_char('\n');
}

void use_up_tasks(unsigned count) {
    for (unsigned task = first_task; task < first_task + count; ++task)
        l4::task_new(thread_in(task), 0, 0, 0, l4::nil_thread);
    first_task = first_task + count;
}

void test_call(const Call& call, Manner chosen) {
    manner = chosen;
    misdeeds_left = 0;
    offers_refused = 0;
    const unsigned faults_before = tcb_faults;
    order_actor(call.function);
    if (chosen == Manner::later) {
        l4::sleep_us(5'000);
        check_call(call, actor_busy && waiting_count > 0, "the TCB page is waited for");
        ask_pager(answer_now);
    }
    check_call(call, actor_finishes(), "the right result after a TCB fault");
    check_call(call, tcb_faults > faults_before, "a TCB fault");
    check_call(call, offers_refused == (is_refused(chosen) ? 3 : 0), "offers that the kernel must refuse");
    misdeeds_left = 0;
    use_up_tasks(call.tasks);
}

// What the kernel refuses does not depend on the call, and there are not enough tasks for everything.
void test_calls() {
    for (const Manner each :
         {Manner::serves, Manner::later, Manner::read_only, Manner::grants, Manner::unmaps_at_once})
        for (const Call& call : all_calls())
            test_call(call, each);
    for (const Manner each : {Manner::taken_frame, Manner::device, Manner::absent, Manner::outside,
                              Manner::no_fpage, Manner::larger_fpage})
        test_call(all_calls()[0], each);
    manner = Manner::serves;
}

// --- A TCB fault without a TCB pager

void sends_to_persistent_thread() {
    constexpr unsigned never_used = 253;
    l4::send(thread_in(never_used), {});
    told = true;
    rest();
}
void test_no_pager(const char* what) {
    told = false;
    start_thread(victim, sends_to_persistent_thread);
    l4::sleep_us(3'000);
    check(!told && l4::schedule_thread(own_thread(victim), keep).state() == l4::ThreadRunState::dead, what);
}

// --- Pages that were said never to be used

bool finds_nobody() {
    l4::Message message;
    l4::ThreadId id = thread_in(first_task);
    return has_error(l4::call(id, message), IpcError::no_such_thread);
}
bool echoes_once() {
    return echoes(l4::ipc_int30, thread_in(first_task), l4::Timeouts::infinite(), 1);
}
void test_never_used() {
    order_actor(finds_nobody);
    check(actor_finishes(), "a page that was never used has no threads");
    store(thread_in(first_task), count_words_up);
    order_actor(finds_nobody);
    check(actor_finishes(), "which is not asked again");
    check(adopt(thread_in(first_task)) == static_cast<uint32_t>(l4::RecoveryResult::ok), "but by a recovery");
    order_actor(echoes_once);
    check(actor_finishes(), "after which the thread is there");
    use_up_tasks(1);
}

// I6: the TCB pager does not ask itself. Nor must its question make others believe that there is nobody.
void test_own_touch() {
    store(thread_in(first_task), count_words_up);
    const uint32_t result = ask_pager(send_to, thread_in(first_task).raw);
    check(has_error({result}, IpcError::no_such_thread), "the TCB pager finds an absent TCB unused");
    order_actor(echoes_once);
    check(actor_finishes(), "others find the thread");
    use_up_tasks(1);
}

// --- Which TCB pages were written

uint32_t tcb_frames_status() {
    return l4::fpage_unmap(l4::Fpage::make(tcb_frames, tcb_frames_log2),
                           l4::unmap_take_status | l4::unmap_nothing);
}
uint32_t group_of(unsigned task) {
    return l4::tcb_address(thread_in(task)) & ~(l4::tcb_group_bytes - 1);
}
uint32_t bit_of(l4::ThreadId id) {
    return 1u << page_of_tcbs(l4::tcb_address(id)) % l4::tcb_group_pages;
}
bool second_echoes_once() {
    return echoes(l4::ipc_int30, thread_in(first_task, 4), l4::Timeouts::infinite(), 1);
}
bool is_told(unsigned task, uint32_t pages) {
    const l4::WrittenTcbs written = take_written(group_of(task));
    return written.result == l4::RecoveryResult::ok && written.pages == pages;
}
void test_written_pages() {
    static_assert(2 * l4::threads_per_task * l4::tcb_size == l4::tcb_group_bytes, "two tasks are a group");
    use_up_tasks(first_task % 2);
    const unsigned neighbour = first_task + 1, other = first_task + 2, spare = first_task + 3;
    const l4::ThreadId first = thread_in(first_task), second = thread_in(first_task, 4),
                       halted = thread_in(neighbour, l4::threads_per_task - 1);
    store(first, count_words_up);
    store(second, count_words_up).frame.esp = stack_of(spare);
    store(halted, rest).state = ThreadState::halted;
    store(thread_in(neighbour), rest);
    store(thread_in(other), count_words_up);
    for (const l4::ThreadId id : {first, second, thread_in(neighbour), halted, thread_in(other)})
        check(adopt(id) == 0, "a stored thread is recovered");
    l4::sleep_us(5'000); // they wait for messages
    check(is_told(first_task, bit_of(first) | bit_of(second) | bit_of(thread_in(neighbour)) | bit_of(halted)),
          "0x37 the kernel has mended what it got");
    check(is_told(first_task, 0), "0x37 nobody has run since");
    order_actor(second_echoes_once);
    check(actor_finishes() && is_told(first_task, bit_of(second)),
          "0x37 the TCB page of the thread that ran");
    check(is_told(first_task, 0), "0x37 is told once");
    order_actor(echoes_once);
    check(actor_finishes(), "the first thread answers");
    (void)tcb_frames_status();
    check(is_told(first_task, bit_of(first)), "0x37 is told also when those above have asked before");
    check(is_told(other, bit_of(thread_in(other))), "0x37 each group for itself");
    check(is_told(l4::root_task, 0), "0x37 no pages that are not the TCB pager's");

    const auto is_refused = [](uint32_t address) {
        return take_written(address).result == l4::RecoveryResult::bad_argument;
    };
    check(is_refused(group_of(first_task) + l4::page_size) && is_refused(group_of(first_task) + 1),
          "0x37 a page that is no group's first is refused");
    check(is_refused(l4::tcb_array_base - l4::tcb_group_bytes) &&
              is_refused(l4::tcb_array_base + l4::tcb_array_size) && is_refused(0),
          "0x37 addresses outside the TCB array are refused");
    check(l4::take_written_tcbs(group_of(first_task)).result == l4::RecoveryResult::not_permitted,
          "0x37 others than the TCB pager's task are refused");
    use_up_tasks(4);
}

// --- Rights that the TCB pager or those above it take back

volatile uint32_t faulted_pages = 0;
volatile bool faulter_goes_on = false;
constexpr uint32_t faulter_pages = 0x01800000;
void faults_again_and_again() {
    for (;;) {
        faulter_goes_on = false;
        becomes_true(faulter_goes_on);
        auto* word = reinterpret_cast<volatile uint32_t*>(faulter_pages + faulted_pages * l4::page_size);
        *word = 1;
        faulted_pages = faulted_pages + 1;
    }
}
void echo_with_x87() {
    l4::ThreadId client;
    l4::Message message;
    asm volatile("fldpi");
    l4::wait(client, message);
    for (;;) {
        uint64_t pi;
        asm volatile("fstl %0" : "=m"(pi));
        const bool right = pi == 0x400921FB54442D18;
        message = {message.w0 + right, message.w1 + 2, message.w2 + 3};
        l4::reply_and_wait(client, message);
    }
}
bool all_threads_live() {
    const uint32_t faults_before = faulted_pages;
    for (unsigned round = 0; round < 3; ++round) {
        asm volatile("fldz\n\tfstp %%st" : : : "memory"); // the kernel saves the others' x87 registers
        for (unsigned task = 0; task < 3; ++task)
            if (!echoes(task == 1 ? l4::ipc_sysenter : l4::ipc_int30, thread_in(first_task + task),
                        l4::Timeouts::infinite(), 1))
                return false;
    }
    l4::sleep_us(15'000); // longer than a time slice
    faulter_goes_on = true;
    for (unsigned tries = 0; tries < 100 && faulted_pages == faults_before; ++tries)
        l4::sleep_us(1'000);
    return faulted_pages == faults_before + 1;
}
void check_threads_live(const char* what) {
    order_actor(all_threads_live);
    check(actor_finishes(), what);
}
void test_lost_rights() {
    constexpr unsigned tasks = 4;
    void (*const entries[tasks])() = {count_words_up, echo_by_sysenter, echo_with_x87,
                                      faults_again_and_again};
    for (unsigned task = 0; task < tasks; ++task) {
        store(thread_in(first_task + task), entries[task]);
        check(adopt(thread_in(first_task + task)) == 0, "a stored thread is recovered");
    }
    l4::sleep_us(5'000);
    check_threads_live("threads whose TCBs are mapped");
    ask_pager(revoke_write);
    check_threads_live("TCBs that the TCB pager has write-protected, with page faults to it (trap 7)");
    ask_pager(unmap_all);
    (void)tcb_frames_status();
    check_threads_live("TCBs that the TCB pager has unmapped");
    check((tcb_frames_status() & l4::page_written) != 0, "those above still learn that TCBs are written");
    (void)l4::fpage_unmap(l4::Fpage::make(tcb_frames, tcb_frames_log2), l4::unmap_own_too | l4::unmap_fully);
    check_threads_live("TCBs that those have unmapped who gave the frames to the TCB pager");
}

// --- The owner of the x87 registers is gone, with an exception pending that FRSTOR would report

volatile bool x87_was_right = false, x87_may_go_on = false;
void keeps_pi() {
    uint64_t pi;
    asm volatile("fldpi");
    becomes_true(x87_may_go_on);
    asm volatile("fstpl %0" : "=m"(pi));
    x87_was_right = pi == 0x400921FB54442D18;
    tells();
}
void leaves_exception_pending() {
    constexpr uint16_t all_unmasked = 0x0340;
    asm volatile("fldcw %0\n\tfldz\n\tfld1\n\tfdivp %%st, %%st(1)" : : "m"(all_unmasked));
    tells();
}
void test_lost_x87_owner() {
    start_thread(victim, keeps_pi);
    l4::sleep_us(2'000);
    told = false;
    l4::task_new(thread_in(first_task), 100, code(leaves_exception_pending), stack_of(first_task),
                 l4::pager_thread);
    becomes_true(told);
    use_up_tasks(1);
    told = false;
    x87_may_go_on = true;
    check(becomes_true(told) && x87_was_right, "x87 registers after their last owner's deletion");
}

// --- A grant takes the page from the TCB pager

void test_grant() {
    manner = Manner::grants;
    misdeeds_left = 1;
    store(thread_in(first_task), count_words_up);
    order_actor(echoes_once);
    check(actor_finishes(), "a granted TCB page");
    manner = Manner::serves;
    const uint32_t frame = frame_of_page[page_of_tcbs(l4::tcb_address(thread_in(first_task)))];
    const unsigned faults_before = faults_served();
    ask_pager(touch_frame, frame);
    check(faults_served() == faults_before + 1, "has left the TCB pager's space");
    use_up_tasks(1);
}

// --- Two answers for one page

volatile bool victim_succeeded = false;
void victim_calls() {
    victim_succeeded = echoes_once();
    rest();
}
void test_two_answers() {
    manner = Manner::later;
    misdeeds_left = 2;
    store(thread_in(first_task), count_words_up);
    victim_succeeded = false;
    order_actor(echoes_once);
    start_thread(victim, victim_calls);
    l4::sleep_us(5'000);
    check(waiting_count == 2, "two threads wait for one TCB page");
    another_frame_each = true;
    ask_pager(answer_now);
    another_frame_each = false;
    manner = Manner::serves;
    check(actor_finishes() && becomes_true(victim_succeeded),
          "the first answer is good, the second is nothing");
    use_up_tasks(1);
}

// --- I6: nothing but those who need the TCB pager waits for it

volatile uint32_t orphan_result = 0;
asm("orphan_goes_on: pushl %eax\n\tcall orphan_is_told");

// A thread that polls on another since before the crash.
Tcb& store_orphan(unsigned task, l4::ThreadId partner, uint64_t wakeup_us) {
    Tcb& tcb = store(thread_in(task), orphan_goes_on);
    tcb.state = ThreadState::polling;
    tcb.partner = partner.raw;
    tcb.wakeup_us = wakeup_us;
    tcb.send_order = 1;
    tcb.frame.vector = 0x30;
    tcb.frame.eax = l4::send_registers;
    tcb.frame.ebp = l4::no_receive;
    tcb.frame.esi = partner.raw;
    return tcb;
}

volatile unsigned interrupts = 0;
volatile bool pager_may_go_on = false;

// The RTC's periodic interrupt, line 8, at 64 Hz. Then the TCB pager gets what it is blocked for.
void driver_main() {
    const auto out8 = [](uint16_t port, uint8_t value) {
        asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
    };
    const auto read_register = [&](uint8_t number) {
        out8(0x70, number);
        uint8_t value;
        asm volatile("inb %1, %0" : "=a"(value) : "Nd"(static_cast<uint16_t>(0x71)));
        return value;
    };
    const auto write_register = [&](uint8_t number, uint8_t value) {
        out8(0x70, number);
        out8(0x71, value);
    };
    const l4::ThreadId line = l4::ThreadId::interrupt(8);
    l4::Message message;
    l4::receive(line, message, l4::Timeouts::zero());
    write_register(0x0A, 0x2A);
    write_register(0x0B, static_cast<uint8_t>(read_register(0x0B) | 0x40));
    while (!pager_may_go_on) {
        read_register(0x0C);
        if (l4::receive(line, message).ok())
            interrupts = interrupts + 1;
    }
    write_register(0x0B, static_cast<uint8_t>(read_register(0x0B) & ~0x40));
    l4::send(l4::pager_thread, {});
    rest();
}

volatile bool waiter_timed_out = false;
void waits_a_while() {
    l4::Message message;
    waiter_timed_out =
        has_error(l4::receive(l4::root_thread, message, within_us(20'000)), IpcError::receive_timeout);
    rest();
}
volatile bool sender_timed_out = false;
void sends_a_while() {
    sender_timed_out =
        has_error(l4::send(own_thread(driver), {}, l4::Timeouts::make(20'000, 0)), IpcError::send_timeout);
    rest();
}
void blocks_pager() {
    ask_pager(block);
    rest();
}

void test_busy_pager() {
    const unsigned orphan = first_task + 4, waiter = first_task + 5, absent = first_task + 6;
    const l4::ThreadId page_server =
        own_thread(fault_server); // the TCB pager will not answer page faults either
    store(thread_in(waiter), waits_a_while).pager = page_server.raw;
    store_orphan(orphan, thread_in(absent), clock_us() + 20'000).pager = page_server.raw;
    check(adopt(thread_in(orphan)) == 0 && adopt(thread_in(waiter)) == 0,
          "threads with timeouts are recovered");
    start_thread(driver, driver_main);
    start_thread(blocker, blocks_pager);
    start_thread(victim, sends_a_while);
    l4::sleep_us(3'000);
    const uint64_t begin_us = clock_us();

    const unsigned first_of_all = first_task;
    first_task = absent;
    store(thread_in(absent), count_words_up);
    order_actor(echoes_once); // waits for the TCB pager, which waits for the driver
    l4::sleep_us(100'000);
    check(actor_busy, "who touches an absent TCB waits for the TCB pager");
    check(clock_us() >= begin_us + 100'000, "the clock goes on");
    check(waiter_timed_out, "so do persistent threads, and their timeouts");
    check(has_error({orphan_result}, IpcError::send_timeout),
          "also that of a thread that polls on one whose TCB is absent");
    check(sender_timed_out, "and those of others");
    check(interrupts > 2, "interrupts reach their driver");
    check(echoes(l4::ipc_int30, thread_in(first_of_all), l4::Timeouts::infinite(), 3),
          "threads whose TCBs are there talk");
    pager_may_go_on = true;
    check(actor_finishes(), "the TCB pager gets its message from the driver, and goes on");
    first_task = first_of_all;
}

// --- The TCB pager dies

constexpr unsigned survivor_1 = 250, survivor_2 = 251, never_created = 252;
bool creates_task_in_vain() {
    l4::task_new(thread_in(never_created), 100, code(count_words_up), stack_of(never_created),
                 own_thread(fault_server));
    return true;
}
bool survivors_talk() {
    return echoes(l4::ipc_int30, thread_in(survivor_1), l4::Timeouts::infinite(), 3) &&
           echoes(l4::ipc_sysenter, thread_in(survivor_2), l4::Timeouts::infinite(), 3);
}
void test_dead_pager() {
    use_up_tasks(7); // they live on the TCB pager's memory
    l4::task_new(thread_in(survivor_1), 100, code(count_words_up), stack_of(survivor_1),
                 own_thread(fault_server));
    l4::task_new(thread_in(survivor_2), 100, code(echo_by_sysenter), stack_of(survivor_2),
                 own_thread(fault_server));
    check(survivors_talk(), "persistent threads with another pager");
    manner = Manner::later;
    misdeeds_left = 1;
    order_actor(creates_task_in_vain);
    l4::sleep_us(3'000);
    check(waiting_count == 1, "a TCB fault is not answered");
    check(!l4::task_new(l4::pager_thread, 0, 0, 0, l4::nil_thread).is_nil(),
          "the TCB pager's task is deleted");
    check(survivors_talk(), "threads whose TCBs are there go on");
    test_no_pager("a TCB fault after the TCB pager's death");
    check(actor_busy, "who has asked it waits");
}

} // namespace

extern "C" [[gnu::used]] void orphan_is_told(uint32_t result) {
    orphan_result = result;
    rest();
}

extern "C" void test_main(uint32_t) {
    start_thread(fault_server, serve_faults);
    test_no_pager("a TCB fault before there is a TCB pager");
    start_pager_task();
    start_thread(actor, actor_main);
    test_calls();
    test_never_used();
    test_own_touch();
    test_lost_x87_owner();
    test_two_answers();
    test_grant();
    test_written_pages();
    test_lost_rights();
    test_busy_pager();
    test_dead_pager();
    finish();
}
