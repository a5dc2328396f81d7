// Paged TCBs and recovery, without a disk: a snapshot is kept in memory across a reset of the machine.
//
// Task 6 is a TCB pager in miniature. Tasks 16-18 are the persistent world: threads in every state that the
// recovery table names. First start: build the world, snapshot it, let it go on for a while, reset. Second
// start: recover from the snapshot, take another one at once, reset. Third start: recover from that, let the
// world finish, check.
//
// All tasks share the program's pages 1:1; the persistent threads write only to `world`, which is saved with
// the TCBs.
#include "kernel-model/abi/exceptions.hpp"
#include "kernel-model/abi/io_fpage.hpp"
#include "kernel-model/abi/probes.hpp"
#include "tests/kernel/guest/checks.hpp"

#include <initializer_list>

using namespace kernel_test;
using l4::IpcError;

namespace {

constexpr unsigned fault_server = 1, world_task = 16, pager_task = 17, collector_task = 18, damaged_task = 40,
                   owned_task = 50;
constexpr uint32_t world_base = 0x01900000, world_bytes = 0x40000;
constexpr uint32_t tcb_frames = 0x01A00000, tcb_frames_max = 64;
constexpr uint32_t server_stacks = 0x01F00000; // outside the world: the snapshot must not hold who takes it
constexpr uint32_t snapshot_base = 0x02000000;
constexpr uint32_t program_base = 0x00D00000, program_bytes = 0x90000;
constexpr uint32_t magic = 0x534E4150;

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
constexpr uint32_t stack_bytes = 0x1000;

volatile World& world() {
    return *reinterpret_cast<volatile World*>(world_base);
}
uint32_t stack_of(unsigned slot) {
    return world_base + 0x2000 + (slot + 1) * stack_bytes - 16;
}
uint32_t server_stack_of(unsigned lthread) {
    return server_stacks + (lthread + 1) * stack_bytes - 16;
}
void set_result(Role role, uint32_t value) {
    world().result[role] = value;
}
[[noreturn]] void rest() {
    for (;;)
        l4::sleep_us(l4::Timeouts::infinite_us);
}

l4::ThreadId thread_in(unsigned task, unsigned lthread) {
    return l4::ThreadId::make(task, lthread, 1, l4::root_task);
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

// Serves page faults for ever: `special` is answered by the frame `substitute`, all other pages are mapped
// 1:1.
[[noreturn]] void serve_pages(uint32_t special, uint32_t substitute, l4::ThreadId client,
                              l4::Message message) {
    for (;;) {
        const uint32_t page = message.w0 & ~0xFFFu;
        const uint32_t source = page == special ? substitute : page;
        auto* word = reinterpret_cast<volatile uint32_t*>(source);
        *word = *word;
        message = {page, l4::Fpage::make(source, l4::page_bits, l4::Fpage::write_bit).raw, 0};
        l4::reply_and_wait(client, message, l4::send_map);
    }
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

// --- The TCB pager

struct Snapshot {
    uint32_t mark, generation;
    uint64_t clock_us;
    uint32_t tcb_pages;
    uint32_t tcb_page[tcb_frames_max];
};
Snapshot& snapshot() {
    return *reinterpret_cast<Snapshot*>(snapshot_base);
}
constexpr uint32_t saved_tcbs = snapshot_base + 0x1000,
                   saved_world = saved_tcbs + tcb_frames_max * l4::page_size;

// The pager's table, in the program's memory: outside the world, built anew at each start.
uint32_t tcb_pages_used = 0;
uint32_t tcb_page_of_frame[tcb_frames_max];
volatile uint32_t tcb_faults = 0, io_faults = 0; // of this start

uint32_t frame_address(uint32_t number) {
    return tcb_frames + number * l4::page_size;
}
void copy(uint32_t to, uint32_t from, uint32_t bytes) {
    __builtin_memcpy(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), bytes);
}

// The frame of a TCB page, a fresh one if need be; `known` only: 0 for a page that was never used.
uint32_t tcb_frame(uint32_t page, bool create) {
    for (uint32_t number = 0; number < tcb_pages_used; ++number)
        if (tcb_page_of_frame[number] == page)
            return frame_address(number);
    if (!create)
        return 0;
    tcb_page_of_frame[tcb_pages_used] = page;
    __builtin_memset(reinterpret_cast<void*>(frame_address(tcb_pages_used)), 0, l4::page_size);
    return frame_address(tcb_pages_used++);
}

void pager_main() {
    l4::ThreadId client;
    l4::Message message;
    l4::wait(client, message);
    for (;;) {
        uint32_t descriptor = l4::send_map;
        const uint32_t page = message.w0 & ~0xFFFu;
        if (l4::IoFpage::is(message.w0)) {
            io_faults = io_faults + 1;
            message = {0, message.w0, 0};
        } else if (page >= l4::tcb_array_base) {
            tcb_faults = tcb_faults + 1;
            const uint32_t frame = tcb_frame(page, message.w0 & 2);
            if (frame == 0)
                descriptor = l4::send_registers;
            message = {0, l4::Fpage::make(frame, l4::page_bits, l4::Fpage::write_bit).raw, 0};
        } else {
            auto* word = reinterpret_cast<volatile uint32_t*>(page);
            *word = *word;
            message = {page, l4::Fpage::make(page, l4::page_bits, l4::Fpage::write_bit).raw, 0};
        }
        l4::reply_and_wait(client, message, descriptor);
    }
}

// lthread 2: a pager outside the world that does not answer at the first start.
void outside_pager_main() {
    l4::ThreadId client;
    l4::Message message;
    if (snapshot().mark != magic)
        rest();
    l4::wait(client, message);
    serve_pages(page_from_outside, world_base + 0x1000, client, message);
}

constexpr uint32_t info_address = 0x10000000;
uint64_t clock_us() {
    return reinterpret_cast<const volatile l4::KernelInfo*>(info_address)->clock_us;
}
void map_kernel_info() {
    l4::Message message{1, 1, 0};
    l4::ThreadId sigma0 = l4::sigma0_thread;
    l4::ipc(sigma0, l4::send_registers,
            l4::receive_window(l4::Fpage::make(info_address, l4::page_bits), false), l4::Timeouts::infinite(),
            message);
}

enum Order : uint32_t { take_snapshot = 1, recover = 2 };
volatile uint32_t recovery_failures = 0;

void take() {
    Snapshot& to = snapshot();
    to.clock_us = clock_us();
    to.tcb_pages = tcb_pages_used;
    for (uint32_t number = 0; number < tcb_pages_used; ++number) {
        to.tcb_page[number] = tcb_page_of_frame[number];
        copy(saved_tcbs + number * l4::page_size, frame_address(number), l4::page_size);
    }
    copy(saved_world, world_base, world_bytes);
    ++to.generation;
    to.mark = magic;
}

void restore() {
    const Snapshot& from = snapshot();
    copy(world_base, saved_world, world_bytes);
    for (uint32_t number = 0; number < from.tcb_pages; ++number)
        copy(tcb_frame(from.tcb_page[number], true), saved_tcbs + number * l4::page_size, l4::page_size);
    if (l4::recovery(l4::RecoveryOperation::begin, 0, from.clock_us) != l4::RecoveryResult::ok)
        recovery_failures = recovery_failures + 1;
    // From the last to the first: the order must not matter.
    for (uint32_t number = from.tcb_pages; number-- > 0;)
        if (l4::recovery(l4::RecoveryOperation::adopt, from.tcb_page[number]) != l4::RecoveryResult::ok)
            recovery_failures = recovery_failures + 1;

    const uint32_t damaged = l4::tcb_address(l4::ThreadId::make(damaged_task, 0, 1, 4));
    __builtin_memset(reinterpret_cast<void*>(tcb_frame(damaged, true)), 0x5A, l4::page_size);
    if (l4::recovery(l4::RecoveryOperation::adopt, damaged) != l4::RecoveryResult::damaged_tcb)
        recovery_failures = recovery_failures + 1;
    --tcb_pages_used; // it is not part of the world
    if (l4::recovery(l4::RecoveryOperation::adopt, world_base) != l4::RecoveryResult::bad_argument ||
        l4::recovery(l4::RecoveryOperation::adopt, l4::tcb_address(l4::root_thread)) !=
            l4::RecoveryResult::bad_argument)
        recovery_failures = recovery_failures + 1;
}

void checkpointer_main() {
    map_kernel_info();
    l4::ThreadId client;
    l4::Message message;
    l4::wait(client, message);
    for (;;) {
        if (message.w0 == take_snapshot)
            take();
        else
            restore();
        l4::reply_and_wait(client, message);
    }
}

void touch(uint32_t base, uint32_t bytes) {
    for (uint32_t page = base; page < base + bytes; page += l4::page_size)
        (void)*reinterpret_cast<volatile uint32_t*>(page);
}

void server_main() {
    // A page fault of the server's own in the middle of a snapshot or a recovery would let others run.
    touch(world_base, world_bytes);
    touch(tcb_frames, tcb_frames_max * l4::page_size);
    touch(snapshot_base, saved_world + world_bytes - snapshot_base);
    touch(program_base, program_bytes);
    touch(server_stacks, 3 * stack_bytes);
    l4::lthread_ex_regs(1, reinterpret_cast<uint32_t>(checkpointer_main), server_stack_of(1));
    l4::lthread_ex_regs(2, reinterpret_cast<uint32_t>(outside_pager_main), server_stack_of(2));
    pager_main();
}

// --- The root task

void order_checkpointer(Order order) {
    l4::Message message{order, 0, 0};
    l4::call(l4::checkpointer_thread, message);
}

[[noreturn]] void reset_machine() {
    asm volatile("outb %0, %1" : : "a"(static_cast<uint8_t>(0xFE)), "Nd"(static_cast<uint16_t>(0x64)));
    rest();
}

void build_world() {
    __builtin_memset(reinterpret_cast<void*>(world_base), 0, world_bytes);
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
    check(io_faults == 1, "rights to ports come back by a fault");
    check(finished() && snapshot().generation == 2, "two recoveries, each to its end (trap 10)");
    check(recovery_failures == 0, "the recovery call's results");
}

} // namespace

extern "C" void test_main(uint32_t) {
    start_thread(fault_server, serve_faults);
    const bool fresh = snapshot().mark != magic;
    l4::task_new(l4::pager_thread, 255, reinterpret_cast<uint32_t>(server_main), server_stack_of(0),
                 own_thread(fault_server));
    for (const unsigned lthread : {0u, 1u, 2u}) {
        while (l4::thread_schedule(l4::pager_thread.with_lthread(lthread), 0xFFFFFFFF) == 0xFFFFFFFF)
            l4::sleep_us(1'000);
        l4::thread_schedule(l4::pager_thread.with_lthread(lthread), l4::schedule_param(l4::priority_max));
    }
    if (fresh) {
        l4::print_string("first start\n");
        snapshot().generation = 0;
        build_world();
        l4::sleep_us(150'000);
        order_checkpointer(take_snapshot);
        check(world().calls_made > 3 && world().collected == 0, "the snapshot is taken in the middle");
        l4::sleep_us(100'000);
        if (checks_failed() != 0)
            finish();
        reset_machine();
    }
    order_checkpointer(recover);
    if (snapshot().generation == 1) {
        l4::print_string("second start\n");
        l4::sleep_us(20'000);
        order_checkpointer(take_snapshot);
        reset_machine();
    }
    l4::print_string("third start\n");
    for (unsigned tries = 0; tries < 100 && !finished(); ++tries)
        l4::sleep_us(100'000);
    snapshot().mark = 0;
    check_world();
    finish();
}
