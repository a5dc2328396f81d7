// Threads and tasks: priorities, time slices, schedule, ex_regs, creating and deleting tasks, exceptions,
// interrupts.
#include "tests/kernel/guest/checks.hpp"

using namespace kernel_test;
using l4::IpcError;

namespace {

constexpr unsigned fault_server = 1;

volatile uint32_t counters[4];

void count(unsigned which) {
    for (;;)
        counters[which] = counters[which] + 1;
}
void count_0() {
    count(0);
}
void count_1() {
    count(1);
}

void test_time_slices() {
    constexpr unsigned first = 2, second = 3;
    start_thread(first, count_0);
    start_thread(second, count_1);
    l4::sleep_us(200'000);
    check(counters[0] > 0 && counters[1] > 0, "equals share the processor");
    const uint64_t low = counters[0] < counters[1] ? counters[0] : counters[1];
    const uint64_t high = counters[0] < counters[1] ? counters[1] : counters[0];
    check(high < 3 * low, "about evenly");

    const uint32_t old = l4::thread_schedule(own_thread(first), l4::schedule_param(2));
    check((old & 0xFF) == l4::priority_boot, "thread_schedule returns the old priority");
    check(l4::thread_schedule(l4::ThreadId::make(77, 0, 1, 4), 0xFFFFFFFF) == 0xFFFFFFFF, "schedule nobody");
    l4::thread_schedule(own_thread(first), l4::schedule_param(1));
    const uint32_t before_low = counters[0];
    l4::sleep_us(100'000);
    check(counters[0] == before_low, "a lower priority does not run while a higher one is ready");
    l4::thread_schedule(own_thread(second), l4::schedule_param(1));
    l4::thread_schedule(own_thread(first), l4::schedule_param(0));
}

volatile unsigned order_seen = 0;
void note_2() {
    order_seen = order_seen * 10 + 2;
    l4::sleep_us(l4::Timeouts::infinite_us);
}
void note_3() {
    order_seen = order_seen * 10 + 3;
    l4::sleep_us(l4::Timeouts::infinite_us);
}

void test_priorities() {
    constexpr unsigned low = 10, high = 11;
    l4::thread_schedule(l4::my_id(), l4::schedule_param(l4::priority_boot + 20));
    start_thread(low, note_2);
    start_thread(high, note_3);
    check(order_seen == 0, "new threads of the same priority wait their turn");
    l4::thread_schedule(own_thread(low), l4::schedule_param(l4::priority_boot + 10));
    l4::thread_schedule(own_thread(high), l4::schedule_param(l4::priority_boot + 11));
    l4::sleep_us(20'000);
    check(order_seen == 32, "the higher priority runs first");
    l4::thread_schedule(l4::my_id(), l4::schedule_param(l4::priority_boot));
}

void task_says_hello() {
    l4::send(l4::root_thread, {l4::my_id().raw, 0, 0});
    l4::sleep_us(l4::Timeouts::infinite_us);
}
void task_calls_and_hangs() {
    l4::Message message;
    l4::call(l4::root_thread, message);
    l4::send(l4::root_thread, {0xBAD, 0, 0});
    l4::sleep_us(l4::Timeouts::infinite_us);
}

volatile uint32_t result_of_victims_partner = 0;
void sends_to_victim() {
    result_of_victims_partner = l4::send(l4::ThreadId::make(30, 0, 1, l4::root_task), {}).raw;
    l4::sleep_us(l4::Timeouts::infinite_us);
}

void test_tasks() {
    constexpr unsigned task = 30, partner = 12;
    l4::Message message;
    const l4::ThreadId id = start_task(task, task_calls_and_hangs, own_thread(fault_server), 100);
    check(id == l4::ThreadId::make(task, 0, 1, l4::root_task), "the first version of a task is 1");
    check(l4::receive(id, message, within_us(500'000)).ok(), "the new task runs and calls");
    start_thread(partner, sends_to_victim);
    l4::sleep_us(5'000); // it polls on the task, which waits for us
    const l4::ThreadId deleted = l4::task_new(id, l4::root_task, 0, 0, l4::nil_thread);
    check(deleted.task() == task, "task_new with a nil pager deletes");
    l4::sleep_us(5'000);
    check(l4::MessageResult{result_of_victims_partner}.error() ==
              static_cast<unsigned>(IpcError::no_such_thread),
          "who polls on a deleted thread learns it");
    check(has_error(l4::send(id, {}, l4::Timeouts::zero()), IpcError::no_such_thread),
          "the deleted task is gone");
    const l4::ThreadId again = start_task(task, task_says_hello, own_thread(fault_server), 100);
    check(again == l4::ThreadId::make(task, 0, 2, l4::root_task), "the next version is 2");
    check(has_error(l4::send(id, {}, l4::Timeouts::zero()), IpcError::no_such_thread),
          "the old id stays invalid");
    check(l4::receive(again, message, within_us(500'000)).ok() && message.w0 == again.raw,
          "the new one runs");
    l4::task_new(again, l4::root_task, 0, 0, l4::nil_thread);

    for (unsigned round = 0; round < 300; ++round) {
        const l4::ThreadId each = start_task(31, task_says_hello, own_thread(fault_server), 100);
        if (!l4::receive(each, message, within_us(1'000'000)).ok()) {
            check(false, "three hundred tasks, one after the other");
            break;
        }
        l4::task_new(each, l4::root_task, 0, 0, l4::nil_thread);
    }
}

void divides_by_zero() {
    asm volatile("xorl %%eax, %%eax\n\tdivl %%eax" : : : "eax", "edx");
}
void privileged() {
    asm volatile("movl %%eax, %%cr3" : : "a"(0));
}
void reads_kernel() {
    *reinterpret_cast<volatile uint32_t*>(0xF9000000) = 1;
}
void forges_tcb_fault() {
    *reinterpret_cast<volatile uint32_t*>(0xE0100000) = 1;
}
volatile bool survived_null_segments = false;
void clears_segments() {
    asm volatile(
        "xorl %%eax, %%eax\n\tmovl %%eax, %%ds\n\tmovl %%eax, %%es\n\tmovl $0, %%esi\n\tpushl %%ebp\n\t"
        "int $0x33\n\tpopl %%ebp"
        :
        :
        : "eax", "ebx", "ecx", "edx", "esi", "edi", "memory");
    survived_null_segments = true;
    l4::sleep_us(l4::Timeouts::infinite_us);
}
volatile bool x87_differs = false;
void uses_x87() {
    double value = 0;
    asm volatile("fldpi");
    for (int round = 0; round < 50; ++round)
        l4::thread_switch();
    asm volatile("fstpl %0" : "=m"(value));
    uint32_t halves[2];
    __builtin_memcpy(halves, &value, sizeof value);
    x87_differs = x87_differs || halves[1] != 0x400921FB;
    l4::sleep_us(l4::Timeouts::infinite_us);
}
void uses_x87_otherwise() {
    asm volatile("fld1");
    for (int round = 0; round < 50; ++round)
        l4::thread_switch();
    double value = 0;
    asm volatile("fstpl %0" : "=m"(value));
    uint32_t halves[2];
    __builtin_memcpy(halves, &value, sizeof value);
    x87_differs = x87_differs || halves[1] != 0x3FF00000;
    l4::sleep_us(l4::Timeouts::infinite_us);
}

void test_exceptions() {
    constexpr unsigned victim = 13;
    void (*const misdeeds[])() = {divides_by_zero, privileged, reads_kernel, forges_tcb_fault};
    for (const auto misdeed : misdeeds) {
        start_thread(victim, misdeed);
        l4::sleep_us(5'000);
    }
    start_thread(victim, clears_segments);
    l4::sleep_us(5'000);
    check(survived_null_segments, "garbage in DS and ES does not disturb the kernel");
    start_thread(14, uses_x87);
    start_thread(15, uses_x87_otherwise);
    l4::sleep_us(20'000);
    check(!x87_differs, "each thread has x87 registers of its own");
}

void test_interrupts() {
    // The RTC's periodic interrupt, line 8, at 64 Hz.
    const auto out8 = [](uint16_t port, uint8_t value) {
        asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
    };
    const auto in8 = [](uint16_t port) {
        uint8_t value;
        asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
        return value;
    };
    constexpr unsigned line = 8;
    l4::Message message;
    const l4::ThreadId interrupt = l4::ThreadId::interrupt(line);
    check(has_error(l4::receive(interrupt, message, l4::Timeouts::zero()), IpcError::receive_timeout),
          "association returns a receive timeout");
    out8(0x70, 0x0A);
    out8(0x71, 0x2A); // 32768 Hz base, rate 64 Hz
    out8(0x70, 0x0B);
    out8(0x71, static_cast<uint8_t>(in8(0x71) | 0x40));
    unsigned arrived = 0;
    for (unsigned count = 0; count < 5; ++count) {
        out8(0x70, 0x0C);
        in8(0x71);
        if (l4::receive(interrupt, message, within_us(500'000)).ok())
            ++arrived;
    }
    check(arrived == 5, "interrupts arrive as messages");
    out8(0x70, 0x0C);
    in8(0x71);
    l4::ThreadId from;
    check(l4::wait(from, message, within_us(500'000)).ok() && from == interrupt, "also in an open wait");
    out8(0x70, 0x0B);
    out8(0x71, static_cast<uint8_t>(in8(0x71) & ~0x40));
    check(has_error(l4::receive(l4::ThreadId::interrupt(0), message, l4::Timeouts::zero()),
                    IpcError::no_such_thread),
          "the clock's line is the kernel's");

    const l4::ThreadId other = l4::ThreadId::interrupt(5);
    check(has_error(l4::receive(other, message, l4::Timeouts::zero()), IpcError::receive_timeout),
          "a thread goes over to another line");
    check(has_error(l4::receive(interrupt, message, within_us(1000)), IpcError::no_such_thread),
          "and has given up the first");
    check(has_error(l4::receive(other, message, within_us(1000)), IpcError::receive_timeout),
          "it waits for the second");
    check(has_error(l4::receive(l4::nil_thread, message, l4::Timeouts::zero()), IpcError::receive_timeout),
          "a receive from nil with timeout zero");
    check(has_error(l4::receive(other, message, within_us(1000)), IpcError::no_such_thread),
          "detaches the thread from its line");
}

} // namespace

extern "C" void test_main(uint32_t) {
    start_thread(fault_server, serve_faults);
    test_time_slices();
    test_priorities();
    test_tasks();
    test_exceptions();
    test_interrupts();
    finish();
}
