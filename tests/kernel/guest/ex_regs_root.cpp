// INT 0x35 lthread_ex_regs: each register set and kept, old values, creating, cancelling each kind of wait, itself.
#include "tests/kernel/guest/checks.hpp"

using namespace kernel_test;
using l4::IpcError;

namespace {

constexpr unsigned victim = 2, silent = 3, later = 4, half = 5, stopped = 6, untouched = 40;
constexpr uint32_t keep = 0xFFFFFFFFu;
constexpr uint32_t unmapped = 0x20000000;

volatile uint32_t result = 0, restarts = 0;
alignas(16) uint8_t victim_stack[4096];
uint32_t stack_top() {
    return reinterpret_cast<uint32_t>(victim_stack + sizeof victim_stack - 16);
}
uint32_t address(void (*entry)()) {
    return reinterpret_cast<uint32_t>(entry);
}

[[noreturn]] void rest() {
    for (;;)
        l4::sleep_us(l4::Timeouts::infinite_us);
}
void restarted() {
    restarts = restarts + 1;
    rest();
}
void polls() {
    l4::Message message;
    result = l4::call(own_thread(silent), message).raw;
    rest();
}
void waits() {
    l4::Message message;
    result = l4::receive(own_thread(silent), message).raw;
    rest();
}
void faults() {
    result = *reinterpret_cast<volatile uint32_t*>(unmapped);
    rest();
}
void spins() {
    for (;;)
        l4::thread_switch();
}

void start_victim(void (*entry)(), l4::ThreadId pager = l4::sigma0_thread) {
    l4::exchange_registers(victim, {.eip = address(entry), .esp = stack_top(), .pager = pager});
    l4::sleep_us(5'000);
}
l4::ThreadRunState state_of(unsigned lthread) {
    return l4::schedule_thread(own_thread(lthread), keep).state();
}

void test_creating() {
    l4::ThreadRegisters old = l4::exchange_registers(untouched, {.pager = l4::root_thread});
    check(old.eip == keep && old.esp == keep && old.pager == l4::invalid_thread && old.eflags == 0,
          "0x35 out: all ones for a thread that does not exist");
    check(l4::schedule_thread(own_thread(untouched), keep).refused(),
          "0x35 asking for a thread creates none");

    old = l4::exchange_registers(half, {.esp = stack_top()});
    check(old.esp == keep && state_of(half) == l4::ThreadRunState::dead,
          "0x35 ECX alone: a thread, not started");
    const uint32_t before = restarts;
    old = l4::exchange_registers(half, {.eip = address(restarted)});
    l4::sleep_us(5'000);
    check(old.esp == stack_top() && restarts == before + 1,
          "0x35 EDX: it starts, with the stack it was given");
    check(l4::exchange_registers(half, {}).pager == l4::sigma0_thread, "0x35 ESI kept: the creator's pager");
    check(state_of(half + 64) == state_of(half), "lthread numbers have six bits");
    l4::exchange_registers(half + 64, {.eip = address(restarted), .esp = stack_top()});
    l4::sleep_us(5'000);
    check(restarts == before + 2, "0x35 EAX: only six bits count");
}

void test_values() {
    start_victim(spins);
    const l4::ThreadId pager = own_thread(later), preempter = own_thread(silent);
    l4::ThreadRegisters old = l4::exchange_registers(victim, {.pager = pager, .preempter = preempter});
    check(old.pager == l4::sigma0_thread && old.preempter.is_nil(),
          "0x35 ESI, EBX out: the old pager and preempter");
    check((old.eflags & 0x202) == 0x202, "0x35 EAX out: EFLAGS");
    old = l4::exchange_registers(victim, {});
    check(old.pager == pager && old.preempter == preempter, "0x35 ESI, EBX in: set");
    check(old.esp < stack_top() && old.esp > stack_top() - 256, "0x35 ECX out: the old ESP");
    const l4::ThreadRegisters again = l4::exchange_registers(victim, {});
    check(again.pager == pager && again.preempter == preempter && again.eip == old.eip &&
              again.esp == old.esp,
          "0x35 0xFFFFFFFF keeps everything");
    check(state_of(victim) == l4::ThreadRunState::running, "0x35 and the thread goes on");
}

void test_cancelling() {
    start_thread(silent, rest);
    start_victim(polls);
    check(state_of(victim) == l4::ThreadRunState::pending, "it sends");
    const uint32_t waiting_eip = l4::exchange_registers(victim, {}).eip;
    l4::exchange_registers(victim, {.pager = l4::sigma0_thread});
    check(state_of(victim) == l4::ThreadRunState::pending, "0x35 pager alone: nothing is cancelled");
    result = 0;
    l4::exchange_registers(victim, {.eip = waiting_eip}); // where it was: it sees the result
    l4::sleep_us(5'000);
    check(has_error({result}, IpcError::send_cancelled),
          "0x35 a send that has not begun: send cancelled (5)");

    start_victim(waits);
    result = 0;
    const l4::ThreadRegisters at = l4::exchange_registers(victim, {});
    l4::exchange_registers(victim, {.esp = at.esp}); // ESP alone cancels as well
    l4::sleep_us(5'000);
    check(has_error({result}, IpcError::receive_cancelled),
          "0x35 a receive that has not begun: receive cancelled (4)");

    start_victim(polls);
    const uint32_t before = restarts;
    l4::exchange_registers(victim, {.eip = address(restarted), .esp = stack_top()});
    l4::sleep_us(5'000);
    check(restarts == before + 1, "0x35 it goes on where it was told");
    l4::Message message;
    check(
        has_error(l4::receive(own_thread(victim), message, l4::Timeouts::zero()), IpcError::receive_timeout),
        "0x35 and sends no more");
}

void test_page_fault_calls() {
    start_thread(later, rest);
    uint32_t before = restarts;
    start_victim(faults, own_thread(later)); // its pager does not receive
    check(state_of(victim) == l4::ThreadRunState::running_calls_pager, "it polls on its pager");
    l4::exchange_registers(victim,
                           {.eip = address(restarted), .esp = stack_top(), .pager = l4::sigma0_thread});
    l4::sleep_us(5'000);
    check(restarts == before + 1, "0x35 a page fault that the pager has not heard of is given up");

    before = restarts;
    start_victim(faults, l4::root_thread);
    l4::ThreadId from;
    l4::Message message;
    check(l4::wait(from, message, within_us(500'000)).ok() && from == own_thread(victim) &&
              message.w0 == unmapped,
          "the pager hears of it");
    check(state_of(victim) == l4::ThreadRunState::running_calls_pager, "it waits for its pager");
    l4::exchange_registers(victim,
                           {.eip = address(restarted), .esp = stack_top(), .pager = l4::sigma0_thread});
    l4::sleep_us(5'000);
    check(restarts == before + 1, "0x35 a page fault that the pager works at is given up");
    check(has_error(l4::send(from, {}, l4::Timeouts::zero()), IpcError::send_timeout),
          "the reply comes too late");
}

volatile bool back = false;
void jumped() {
    back = true;
    rest();
}
void moves_itself() {
    l4::exchange_registers(l4::my_id().lthread(), {.eip = address(jumped), .esp = stack_top()});
    rest(); // never
}
void test_itself() {
    const l4::ThreadRegisters own = l4::exchange_registers(0, {});
    check(own.pager == l4::sigma0_thread && own.eip >= 0x00D00000 && own.esp >= 0x00D00000,
          "0x35 itself: asks");
    start_victim(moves_itself);
    check(back, "0x35 itself: goes on at the new EIP");
}

void divides() {
    asm volatile("xorl %%eax, %%eax\n\tdivl %%eax" : : : "eax", "edx");
}
void test_stopped() {
    start_thread(stopped, divides);
    l4::sleep_us(5'000);
    check(state_of(stopped) == l4::ThreadRunState::dead, "stopped by an exception");
    const uint32_t before = restarts;
    l4::exchange_registers(stopped, {.eip = address(restarted)});
    l4::sleep_us(5'000);
    check(restarts == before + 1, "0x35 EDX: it starts again");
}

} // namespace

extern "C" void test_main(uint32_t) {
    test_creating();
    test_values();
    test_cancelling();
    test_page_fault_calls();
    test_itself();
    test_stopped();
    finish();
}
