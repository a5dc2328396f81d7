// Paged TCBs and recovery, without a disk: tasks 16-18 are a persistent world with threads in every state that the recovery
// table names (those in a transfer: transfer_recovery_root.cpp).
#include "kernel-model/abi/exceptions.hpp"
#include "kernel-model/abi/probes.hpp"
#include "tests/kernel/guest/snapshot_server.hpp"

using namespace kernel_test;
using l4::IpcError;

namespace {

constexpr unsigned world_task = 16, pager_task = 17, collector_task = 18, damaged_task = 40, owned_task = 50;
// Threads of the world task; each leaves its finding in world.result[its number].
enum Role : unsigned {
    starter = 0,
    caller = 1,
    poller_1 = 2,
    poller_2 = 3,
    poller_3 = 4,
    faults_stacked = 5,
    faults_outside = 6,
    sends_outside = 7,
    receives_outside = 8,
    times_out = 9,
    computes = 10,
    sleeps = 11,
    keeps_registers = 12,
    faults_early = 13,
    owns_a_task = 14,
    created = 15, // first thread of `owned_task`, which exists only after the recoveries
    keeps_handlers = 16,
    traps = 17,
    uses_port = 18,
    role_count = 19,
};

constexpr uint32_t pending = 0, good = 1;

struct World {
    uint32_t result[role_count];
    uint32_t calls_made, calls_expected;
    uint32_t order[3], collected;
    uint32_t echo_count;
    uint32_t steps;
    uint64_t sleep_end_us;
};

volatile World& world() {
    return *reinterpret_cast<volatile World*>(world_base);
}
uint32_t stack_of(unsigned slot) {
    return world_base + 0x2000 + (slot + 1) * stack_bytes - 16;
}
void set_result(Role role, uint32_t value) {
    world().result[role] = value;
}

// --- The persistent world

constexpr uint32_t page_from_stacked_pager = 0x30000000, page_from_outside = 0x31000000,
                   page_from_late_pager = 0x32000000;

void caller_main() {
    constexpr uint32_t calls = 40;
    for (uint32_t call = 0; call < calls; ++call) {
        l4::Message message{call, 0, 0};
        const l4::MessageResult result = l4::call(thread_in(pager_task, 0), message);
        if (!result.ok() || message.w0 != call + 1000 || message.w1 != call + 1) {
            set_result(caller, 100 + message.w1);
            rest();
        }
        world().calls_made = call + 1;
        l4::sleep_us(10'000);
    }
    set_result(caller, good);
    rest();
}
void poller_main() {
    const unsigned lthread = l4::my_id().lthread();
    const l4::MessageResult result = l4::send(thread_in(collector_task, 0), {lthread, 0, 0});
    set_result(static_cast<Role>(lthread), result.ok() ? good : result.raw);
    rest();
}
void faults_stacked_main() {
    auto* word = reinterpret_cast<volatile uint32_t*>(page_from_stacked_pager);
    const uint32_t value = *word;
    set_result(faults_stacked, value == world().result[starter] || value != 0 ? good : 2);
    rest();
}
void faults_early_main() { // its pager does not receive before the snapshot
    set_result(faults_early, *reinterpret_cast<volatile uint32_t*>(page_from_late_pager) != 0 ? good : 2);
    rest();
}
void created_main() {
    set_result(created,
               l4::my_id() == l4::ThreadId::make(owned_task, 0, 1, world_task) ? good : l4::my_id().raw);
    rest();
}
// The right to create a task was given to this one before the snapshot.
void owns_a_task_main() {
    l4::sleep_us(450'000);
    const l4::ThreadId id =
        l4::task_new(l4::ThreadId::make(owned_task, 0, 0, 0), 100, reinterpret_cast<uint32_t>(created_main),
                     stack_of(created), l4::pager_thread);
    set_result(owns_a_task, id == l4::ThreadId::make(owned_task, 0, 1, world_task) ? good : 100 + id.raw);
    rest();
}
void faults_outside_main() {
    *reinterpret_cast<volatile uint32_t*>(page_from_outside) = 7;
    set_result(faults_outside, *reinterpret_cast<volatile uint32_t*>(page_from_outside) == 7 ? good : 2);
    rest();
}
void sends_outside_main() {
    const l4::MessageResult result = l4::send(l4::root_thread, {});
    set_result(sends_outside, has_error(result, IpcError::send_aborted) ? good : 100 + result.raw);
    rest();
}
void receives_outside_main() {
    l4::Message message;
    const l4::MessageResult result = l4::receive(l4::root_thread, message);
    set_result(receives_outside, has_error(result, IpcError::receive_aborted) ? good : 100 + result.raw);
    rest();
}
void times_out_main() {
    l4::Message message;
    const l4::MessageResult result = l4::receive(thread_in(collector_task, 0), message, within_us(400'000));
    set_result(times_out, has_error(result, IpcError::receive_timeout) ? good : 100 + result.raw);
    rest();
}
void computes_main() {
    uint32_t sum = 0;
    for (uint32_t step = 0; step < 400'000'000; ++step)
        asm volatile("addl %1, %0" : "+r"(sum) : "r"(step));
    constexpr uint32_t expected = static_cast<uint32_t>(399'999'999ull * 400'000'000ull / 2);
    set_result(computes, sum == expected ? good : 2);
    rest();
}
void sleeps_main() {
    l4::sleep_us(600'000);
    set_result(sleeps, good);
    rest();
}
// Registers across a fault and a snapshot: EAX-EDI hold marks while it spins on a word in the world.
void keeps_registers_main() {
    uint32_t wrong = 0;
    asm volatile(
        "pushl %%ebp\n\t"
        "movl $0x11111111, %%eax\n\tmovl $0x22222222, %%ebx\n\tmovl $0x33333333, %%ecx\n\t"
        "movl $0x44444444, %%edx\n\tmovl $0x55555555, %%edi\n\tmovl $0x66666666, %%ebp\n\t"
        "1:\tcmpl $0, (%%esi)\n\tje 1b\n\t"
        "xorl $0x11111111, %%eax\n\txorl $0x22222222, %%ebx\n\txorl $0x33333333, %%ecx\n\t"
        "xorl $0x44444444, %%edx\n\txorl $0x55555555, %%edi\n\txorl $0x66666666, %%ebp\n\t"
        "orl %%ebx, %%eax\n\torl %%ecx, %%eax\n\torl %%edx, %%eax\n\torl %%edi, %%eax\n\torl %%ebp, %%eax\n\t"
        "popl %%ebp"
        : "=a"(wrong)
        : "S"(&world().collected)
        : "ebx", "ecx", "edx", "edi", "memory", "cc");
    set_result(keeps_registers, wrong == 0 ? good : wrong);
    rest();
}

// Gates in the world: of #UD for one thread, of #DB for another one, whose page comes from the late pager.
constexpr uint32_t handled_table = world_base + 0x400, trap_table_offset = 0x800;
asm(R"(
world_handler:
    movl $1, %eax
    addl $2, (%esp)
    iretl
world_trap_handler:
    movl $1, %eax
    andl $~0x100, 8(%esp)
    iretl
)");
extern "C" char world_handler[], world_trap_handler[];

void put_gate(uint32_t table, unsigned vector, const char* handler) {
    reinterpret_cast<l4::Gate*>(table)[vector] = l4::Gate::to(reinterpret_cast<uint32_t>(handler));
}
void keeps_handlers_main() {
    constexpr unsigned invalid_opcode = 6;
    put_gate(handled_table, invalid_opcode, world_handler);
    l4::load_gate_table({255, handled_table});
    while (world().collected == 0)
        l4::sleep_us(10'000);
    uint32_t handled = 0;
    asm volatile("ud2" : "+a"(handled) : : "memory");
    set_result(keeps_handlers, handled == 1 ? good : 2);
    rest();
}
// Its trap waits for the page of the gates while the snapshot is taken.
void traps_main() {
    constexpr unsigned debug = 1;
    put_gate(world_base + trap_table_offset, debug, world_trap_handler);
    l4::load_gate_table({255, page_from_late_pager + trap_table_offset});
    l4::lthread_ex_regs(traps, 0xFFFFFFFF, 0xFFFFFFFF, thread_in(pager_task, 2));
    uint32_t handled = 0, steps = 0;
    asm volatile("pushfl\n\torl $0x100, (%%esp)\n\tpopfl\n\tincl %1\n\tincl %1"
                 : "+a"(handled), "+r"(steps)
                 :
                 : "memory", "cc");
    set_result(traps, handled == 1 && steps == 2 ? good : 100 + 10 * handled + steps);
    rest();
}
void uses_port_main() {
    uint8_t value;
    const uint16_t port = 0x80;
    asm volatile("inb %1, %0" : "=a"(value) : "d"(port));
    while (world().collected == 0)
        l4::sleep_us(10'000);
    asm volatile("inb %1, %0" : "=a"(value) : "d"(port));
    set_result(uses_port, good);
    rest();
}

constexpr unsigned caller_priority = 60, low_priority = 10;

void start_role(Role role, void (*entry)(), l4::ThreadId pager = l4::invalid_thread, unsigned priority = 50) {
    l4::lthread_ex_regs(role, reinterpret_cast<uint32_t>(entry), stack_of(role), pager);
    l4::thread_schedule(thread_in(world_task, role), l4::schedule_param(priority, 10, 10));
}

void world_main() {
    start_role(caller, caller_main, l4::invalid_thread, caller_priority);
    for (const Role role : {poller_1, poller_3, poller_2}) {
        start_role(role, poller_main);
        l4::sleep_us(3'000);
    }
    start_role(faults_stacked, faults_stacked_main, thread_in(pager_task, 1));
    start_role(faults_outside, faults_outside_main, l4::pager_thread.with_lthread(2));
    start_role(sends_outside, sends_outside_main);
    start_role(receives_outside, receives_outside_main);
    start_role(times_out, times_out_main);
    start_role(computes, computes_main, l4::invalid_thread, low_priority);
    start_role(sleeps, sleeps_main);
    start_role(faults_early, faults_early_main, thread_in(pager_task, 2));
    start_role(owns_a_task, owns_a_task_main);
    start_role(keeps_registers, keeps_registers_main, l4::invalid_thread, low_priority);
    start_role(keeps_handlers, keeps_handlers_main);
    start_role(traps, traps_main);
    start_role(uses_port, uses_port_main);
    set_result(starter, good);
    rest();
}

// Task 17: lthread 0 answers the caller, lthread 1 is a stacked pager that takes its time.
void stacked_pager_main() {
    l4::ThreadId client;
    l4::Message message;
    l4::wait(client, message);
    l4::sleep_us(300'000); // the snapshot is taken while it computes
    serve_pages(page_from_stacked_pager, world_base, client, message);
}
void late_pager_main() {
    l4::ThreadId client;
    l4::Message message;
    l4::sleep_us(320'000);
    l4::wait(client, message);
    serve_pages(page_from_late_pager, world_base, client, message);
}
void pager_task_main() {
    l4::lthread_ex_regs(2, reinterpret_cast<uint32_t>(late_pager_main), stack_of(23));
    l4::lthread_ex_regs(1, reinterpret_cast<uint32_t>(stacked_pager_main), stack_of(20));
    l4::ThreadId client;
    l4::Message message;
    l4::wait(client, message);
    for (;;) {
        world().echo_count = world().echo_count + 1;
        message = {message.w0 + 1000, world().echo_count, 0};
        l4::reply_and_wait(client, message);
    }
}
void collector_main() {
    l4::sleep_us(350'000);
    for (unsigned index = 0; index < 3; ++index) {
        l4::ThreadId from;
        l4::Message message;
        l4::wait(from, message, within_us(1'000'000));
        world().order[index] = message.w0;
    }
    world().collected = 1;
    rest();
}

// --- The root task

void build_world() {
    world().steps = 0;
    check(l4::recovery(l4::RecoveryOperation::begin, 0) == l4::RecoveryResult::not_permitted,
          "recovery is for the TCB pager's task");
    const auto start = [](unsigned task, void (*entry)(), unsigned slot) {
        check(l4::task_new(l4::ThreadId::make(task, 0, 0, 0), 200, reinterpret_cast<uint32_t>(entry),
                           stack_of(slot), l4::pager_thread) == thread_in(task, 0),
              "a task with paged TCBs");
    };
    check(l4::task_new(l4::ThreadId::make(owned_task, 0, 0, 0), world_task, 0, 0, l4::nil_thread).task() ==
              owned_task,
          "the right to create a task is given away");
    start(pager_task, pager_task_main, 21);
    start(collector_task, collector_main, 22);
    start(world_task, world_main, starter);
    check(tcb_faults >= 3, "TCB faults have gone to the pager");
    l4::thread_schedule(thread_in(pager_task, 0), l4::schedule_param(caller_priority));
}

bool finished() {
    for (unsigned role = 0; role < role_count; ++role)
        if (world().result[role] == pending)
            return false;
    return true;
}

void check_world() {
    constexpr const char* names[role_count] = {"starter",
                                               "a client of a persistent server",
                                               "poller 1",
                                               "poller 2",
                                               "poller 3",
                                               "a page fault to a persistent pager",
                                               "a page fault to a pager outside the world",
                                               "a send to a thread outside is aborted",
                                               "a receive from a thread outside is aborted",
                                               "a receive timeout",
                                               "a computation",
                                               "a sleep",
                                               "registers",
                                               "a page fault that its pager had not received",
                                               "the right to create a task",
                                               "a task created after the recovery",
                                               "handlers of exceptions",
                                               "a trap whose gate was absent",
                                               "a port that was mapped"};
    for (unsigned role = 0; role < role_count; ++role) {
        check(world().result[role] == good, names[role]);
        if (world().result[role] != good) {
            l4::print_hex(world().result[role]);
            l4::print_char('\n');
        }
    }
    check(world().order[0] == poller_1 && world().order[1] == poller_3 && world().order[2] == poller_2,
          "the senders' order survives");
    check(io_faults >= 1, "rights to ports come back by a fault");
    check(finished() && start_number() == 3, "two recoveries, each to its end (trap 10)");
    check(recovery_failures == 0, "the recovery call's results");
}

} // namespace

// Does not answer at the first start.
void kernel_test::outside_pager_main() {
    l4::ThreadId client;
    l4::Message message;
    if (start_number() == 1)
        rest();
    l4::wait(client, message);
    serve_pages(page_from_outside, world_base + 0x1000, client, message);
}

bool kernel_test::try_after_recovery() {
    static uint8_t garbage[l4::page_size];
    __builtin_memset(garbage, 0x5A, sizeof garbage);
    return adopt_content(l4::tcb_address(l4::ThreadId::make(damaged_task, 0, 1, 4)), garbage) ==
           l4::RecoveryResult::damaged_tcb;
}

extern "C" void test_main(uint32_t) {
    run_until_third_start(build_world, [] {
        check(world().calls_made > 3 && world().collected == 0, "the snapshot is taken in the middle");
    });
    for (unsigned tries = 0; tries < 100 && !finished(); ++tries)
        l4::sleep_us(100'000);
    check_world();
    forget_snapshot();
    finish();
}
