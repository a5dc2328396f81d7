// INT 0x34 thread_schedule: priority, time slice, external preempter, thread states, times, partner, every refusal.
#include "tests/kernel/guest/checks.hpp"

using namespace kernel_test;
using l4::ThreadRunState;

namespace {

constexpr unsigned fault_server = 1, target = 2, silent = 3, below = 30, above = 31;
constexpr uint32_t keep = 0xFFFFFFFFu;

[[noreturn]] void rest() {
    for (;;)
        l4::sleep_us(l4::Timeouts::infinite_us);
}
void spins() {
    for (;;)
        asm volatile("");
}
void sends() {
    l4::send(own_thread(silent), {}, l4::Timeouts::make(1'000'000, 0));
    rest();
}
void receives() {
    l4::Message message;
    l4::receive(own_thread(silent), message);
    rest();
}
void waits_for_anybody() {
    l4::ThreadId from;
    l4::Message message;
    l4::wait(from, message);
    rest();
}
void faults() {
    *reinterpret_cast<volatile uint32_t*>(0x20000000) = 1;
}
void divides() {
    asm volatile("xorl %%eax, %%eax\n\tdivl %%eax" : : : "eax", "edx");
}

l4::ScheduleResult ask(l4::ThreadId id) {
    return l4::schedule_thread(id, keep);
}
l4::ScheduleResult after_starting(void (*entry)(), l4::ThreadId pager = l4::sigma0_thread) {
    start_thread(target, entry, pager);
    l4::sleep_us(5'000);
    return ask(own_thread(target));
}

void test_parameters() {
    start_thread(target, spins);
    const l4::ThreadId id = own_thread(target);
    check(ask(id).slice_us() == 157 * 64, "0x34 EAX out: m_t and e_t, 10 ms at first, rounded up to 4^3 us");
    const uint32_t state = static_cast<uint32_t>(ThreadRunState::dead) << 16, small = 0x5A00;
    check(!l4::schedule_thread(id, l4::schedule_param(7, 11, 20) | state | small).refused(),
          "0x34 EAX: state and small space are ignored");
    l4::ScheduleResult now = ask(id);
    check(now.priority() == 7 && now.slice_us() == 20 * 256, "0x34 EAX: priority and time slice are set");
    check((now.param & 0xFF00) == 0 && now.state() == ThreadRunState::running,
          "0x34 EAX out: no small space, running");
    check(ask(id).param == now.param, "0x34 0xFFFFFFFF changes nothing");
    l4::schedule_thread(id, l4::schedule_param(8, 0, 0));
    check(ask(id).slice_us() == l4::Timeouts::infinite_us, "0x34 e_t 0: an infinite time slice");
    check(now.preempter.is_nil(), "0x34 EBX out: no external preempter at first");
    check(l4::schedule_thread(id, keep, own_thread(silent)).preempter.is_nil(),
          "0x34 EBX out: the old preempter");
    check(l4::schedule_thread(id, keep).preempter == own_thread(silent),
          "0x34 EBX: set, and kept with 0xFFFFFFFF");
}

void test_states() {
    start_thread(silent, rest);
    l4::ScheduleResult now = after_starting(sends);
    check(now.state() == ThreadRunState::pending && now.partner == own_thread(silent),
          "0x34 pending, ESI: to whom");
    check(now.remaining_us() > 900'000 && now.remaining_us() <= 1'010'000,
          "0x34 EDX: what remains of its timeout");
    now = after_starting(receives);
    check(now.state() == ThreadRunState::waiting && now.partner == own_thread(silent),
          "0x34 waiting, ESI: for whom");
    check(now.remaining_us() == l4::Timeouts::infinite_us, "0x34 EDX: an infinite timeout");
    now = after_starting(waits_for_anybody);
    check(now.state() == ThreadRunState::waiting && now.partner == l4::invalid_thread, "0x34 ESI: anybody");
    now = after_starting(rest);
    check(now.state() == ThreadRunState::waiting && now.partner.is_nil(), "0x34 ESI: it sleeps");
    now = after_starting(faults, own_thread(silent));
    check(now.state() == ThreadRunState::running_calls_pager && now.partner.is_nil(),
          "0x34 the kernel calls its pager");
    now = after_starting(divides);
    check(now.state() == ThreadRunState::dead && !now.refused(), "0x34 dead");
    check(ask(l4::my_id()).state() == ThreadRunState::running, "0x34 itself runs");
}

void test_consumed_time() {
    after_starting(spins);
    l4::schedule_thread(own_thread(target), l4::schedule_param(10));
    const uint64_t before_us = ask(own_thread(target)).consumed_us();
    l4::sleep_us(100'000);
    const uint64_t consumed_us = ask(own_thread(target)).consumed_us() - before_us;
    check(consumed_us > 80'000 && consumed_us < 120'000, "0x34 ECX, EDX: the processor time it has had");
    l4::schedule_thread(own_thread(target), l4::schedule_param(0));
    after_starting(rest);
}

// A task below with an mcp of 60, and what it may not do.
volatile uint32_t own = 0, too_high = 0, chief = 0, sibling = 0, important = 0, low_enough = 0;
volatile bool tried = false;
void tries() {
    const l4::ThreadId me = l4::my_id();
    own = l4::thread_schedule(me, l4::schedule_param(55));
    too_high = l4::thread_schedule(me, l4::schedule_param(61));
    chief = l4::thread_schedule(l4::root_thread, keep);
    sibling = l4::thread_schedule(l4::ThreadId::make(above, 0, 1, l4::root_task), keep);
    low_enough = l4::thread_schedule(me.with_lthread(0), keep);
    tried = true;
    rest();
}
void test_refusals() {
    const l4::ThreadId nobody[] = {l4::nil_thread,
                                   l4::invalid_thread,
                                   l4::ThreadId::interrupt(2),
                                   l4::ThreadId::make(0, 1, 0, 0),
                                   l4::ThreadId::make(99, 0, 1, l4::root_task),
                                   l4::ThreadId::make(l4::root_task, target, 9, l4::root_task),
                                   own_thread(50)};
    for (const l4::ThreadId id : nobody)
        check(l4::schedule_thread(id, l4::schedule_param(3)).param == keep,
              "0x34 no such thread: 0xFFFFFFFF");
    start_task(above, rest, own_thread(fault_server));
    const l4::ThreadId id = start_task(below, tries, own_thread(fault_server), 60);
    for (unsigned waited = 0; waited < 100 && !tried; ++waited)
        l4::sleep_us(2'000);
    check(tried && (own & 0xFF) == l4::priority_boot, "0x34 a thread of the own task, up to the mcp");
    check(too_high == keep && (low_enough & 0xFF) == 55,
          "0x34 refused: a priority above the mcp, nothing changes");
    check(chief == keep, "0x34 refused: the chief");
    check(sibling == keep, "0x34 refused: a task of the same clan");
    check(!l4::schedule_thread(id, l4::schedule_param(100)).refused() && ask(id).priority() == 100,
          "0x34 the chief may, up to its own mcp");
    tried = false;
    l4::task_new(id, 0, 0, 0, l4::nil_thread);
    check(ask(id).param == keep, "0x34 refused: deleted");
}

} // namespace

extern "C" void test_main(uint32_t) {
    start_thread(fault_server, serve_faults);
    test_parameters();
    test_states();
    test_consumed_time();
    test_refusals();
    finish();
}
