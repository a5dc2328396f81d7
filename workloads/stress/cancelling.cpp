// lthread_ex_regs on a partner in the same task: it goes on where it is told to, with the code of a cancelled IPC if it
// was in one, and nothing else is harmed.
//
//   cancel     the partner waits for the first one, in either phase, and is moved or only has its IPC ended
//   interrupt  the partner calls servers, faults, sleeps and yields without end, until it is moved
#include "workloads/stress/calls.hpp"
#include "workloads/stress/pager.hpp"
#include "workloads/stress/server.hpp"
#include "workloads/stress/verdict.hpp"
#include "workloads/stress/window.hpp"
#include "workloads/stress/worker.hpp"

extern "C" char stress_start[], stress_text_end[];
extern "C" void stress_landing();

// Where a moved thread goes on: EAX is as it was, the slot is on the stack.
asm(".text\n"
    ".globl stress_landing\n"
    "stress_landing:\n"
    "    pushl %eax\n"
    "    call stress_land\n");

extern "C" [[noreturn, gnu::used]] void stress_land(uint32_t eax, unsigned slot) {
    stress::Worker& self = stress::world.workers[slot];
    self.landing_code = eax;
    __builtin_longjmp(self.resume_at, 1);
}

namespace stress {

namespace {

unsigned lthread_of(unsigned slot) {
    return first_worker_lthread + slot % workers_per_task;
}

// Runs `action` until the thread is moved. Returns EAX as it was then.
template<class Action>
[[gnu::noinline]] uint32_t until_moved(const PairTurn& turn, Action action) {
    if (__builtin_setjmp(turn.self.resume_at) == 0) {
        action();
        fail("a thread that should have been moved goes on", 0, 0);
    }
    return turn.self.landing_code;
}

void check_old_registers(const PairTurn& turn, const l4::ThreadRegisters& old) {
    constexpr uint32_t sysenter_to_repeat = 0xFFFFFFF0u; // docs/kernel.md
    const auto text = reinterpret_cast<uint32_t>(stress_start),
               text_end = reinterpret_cast<uint32_t>(stress_text_end);
    check((old.eip >= text && old.eip < text_end) || old.eip == sysenter_to_repeat,
          "lthread_ex_regs: the old EIP");
    check(worker_stack(turn.partner).contains(old.esp), "lthread_ex_regs: the old ESP");
    check_equal(old.pager.raw, pager_id(pager_of(turn.partner)).raw, "lthread_ex_regs: the old pager");
    check_equal(old.preempter.raw, 0, "lthread_ex_regs: the old preempter");
}

void move_partner(const PairTurn& turn) {
    uint32_t esp = worker_stack(turn.partner).landing_top();
    push(esp, turn.partner);
    const auto eip = reinterpret_cast<uint32_t>(stress_landing);
    l4::ThreadRegisters registers;
    registers.eip = eip;
    registers.esp = esp;
    check_old_registers(turn, l4::exchange_registers(lthread_of(turn.partner), registers));
}

// The wait ends, and the thread returns from its system call.
void end_wait_of_partner(const PairTurn& turn) {
    const l4::ThreadRegisters asked = l4::exchange_registers(lthread_of(turn.partner), {});
    check_old_registers(turn, asked);
    l4::ThreadRegisters registers;
    registers.esp = asked.esp;
    check_equal(l4::exchange_registers(lthread_of(turn.partner), registers).esp, asked.esp,
                "lthread_ex_regs: ESP twice");
}

// The partner blocks sooner or later, and then stays: nobody but this thread ends its wait.
void wait_until_partner(const PairTurn& turn, l4::ThreadRunState state) {
    const l4::ThreadId self = worker_id(turn.slot), partner = turn.partner_id();
    for (unsigned look = 0;; ++look) {
        const l4::ScheduleResult result = l4::schedule_thread(partner, 0xFFFFFFFFu);
        check(!result.refused(), "thread_schedule of the partner");
        if (result.state() == state && result.partner == self)
            return;
        constexpr unsigned quick_looks = 3;
        if (look < quick_looks)
            l4::thread_switch(partner);
        else
            l4::sleep_us(1);
    }
}

// Anything that may stop anywhere.
[[noreturn]] void do_without_end(const PairTurn& turn) {
    workloads::Random random(turn.step.words[0]);
    check_equal(send(random.next(), turn.partner_id(), {1, 2, 3}).raw, 0, "result of a message");
    for (;;) {
        switch (random.below(8)) {
        case 0:
            l4::sleep_us(1 + random.below(2000)); // or a partner of lower priority would never run
            break;
        case 1:
            l4::thread_switch(turn.partner_id());
            break;
        case 2:
        case 3:
            flush_page(turn.slot, random.below(requested_pages));
            break;
        default:
            call_server(random, turn.slot, random.below(worker_tasks));
        }
    }
}

void work_meanwhile(const PairTurn& turn) {
    for (unsigned count = turn.step.variant & 3; count != 0; --count)
        call_server(turn.self.random, turn.slot, turn.self.random.below(worker_tasks));
    if ((turn.step.variant & 0x1C) == 0)
        l4::sleep_us(turn.step.variant >> 8 & 0xFFF);
}

} // namespace

void cancel_partner(const PairTurn& turn) {
    const uint32_t variant = turn.step.variant;
    const bool sends = variant & 1, moves = variant & 2;
    if (turn.begins) {
        wait_until_partner(turn, sends ? l4::ThreadRunState::pending : l4::ThreadRunState::waiting);
        if (moves)
            move_partner(turn);
        else
            end_wait_of_partner(turn);
        return;
    }
    const uint32_t entry = turn.entry();
    const auto wait = [&turn, sends, entry] {
        l4::Message message{1, 2, 3};
        return sends ? send(entry, turn.partner_id(), message) : receive(entry, turn.partner_id(), message);
    };
    const uint32_t code = moves ? until_moved(turn, wait) : wait().raw;
    const IpcError expected = sends ? IpcError::send_cancelled : IpcError::receive_cancelled;
    check_equal(code, static_cast<uint32_t>(expected) << 4, "code of a cancelled IPC");
    turn.note(code);
}

void interrupt_partner(const PairTurn& turn) {
    l4::Message message;
    if (turn.begins) {
        check_equal(receive(turn.entry(), turn.partner_id(), message).raw, 0, "result of a receive");
        work_meanwhile(turn);
        move_partner(turn);
        check_equal(receive(turn.entry(), turn.partner_id(), message).raw, 0,
                    "result of a receive after a move");
        turn.note(message.w0);
        return;
    }
    until_moved(turn, [&turn] { do_without_end(turn); });
    settle_with_pager(turn.self.random, turn.slot);
    for (unsigned family = 0; family < worker_tasks; ++family)
        settle_with_server(turn.self.random, turn.slot, family);
    const uint32_t word = turn.step.words[1];
    check_equal(send(turn.entry(), turn.partner_id(), {word, 0, 0}).raw, 0,
                "result of a message after a move");
    turn.note(word);
}

} // namespace stress
