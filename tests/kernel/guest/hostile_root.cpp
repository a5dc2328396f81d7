// A hostile task: threads that make random system calls with random arguments, run random code and touch
// random memory.
//
// Nothing that an unprivileged task does may disturb the kernel or another task. The root task has a priority
// above the hostile one, watches that its own memory and an honest pair of threads stay as they are, and
// restarts the hostile task from time to time. Seeds count up from 1: each start of a thread draws the same
// arguments in each run.
#include "kernel-model/abi/exceptions.hpp"
#include "tests/kernel/guest/checks.hpp"

#include <initializer_list>

using namespace kernel_test;

namespace {

constexpr unsigned fault_server = 1, echo = 2, hostile_task = 30, hostile_threads = 8;
constexpr uint32_t hostile_stacks = 0x01900000, hostile_scratch = 0x01980000;

volatile uint32_t rounds = 0; // written by the hostile threads: the test does something

class Random {
public:
    explicit Random(uint32_t seed) : state_(seed * 2654435761u + 1) {}
    uint32_t next() { // xorshift32
        state_ ^= state_ << 13;
        state_ ^= state_ >> 17;
        state_ ^= state_ << 5;
        return state_;
    }

private:
    uint32_t state_;
};

// Random numbers are seldom interesting: mixes in ids, addresses and flags that mean something.
uint32_t argument(Random& random) {
    switch (random.next() % 12) {
    case 0:
        return 0xFFFFFFFFu;
    case 1:
        return 0;
    case 2:
        return l4::ThreadId::make(random.next() % 256, random.next() % 64, 1, 4).raw;
    case 3:
        return l4::ThreadId::make(hostile_task, random.next() % hostile_threads, 1 + random.next() % 3, 4)
            .raw;
    case 4:
        return l4::root_thread.raw;
    case 5:
        return hostile_scratch + random.next() % 0x8000;
    case 6:
        return 0xE0000000u + random.next() % 0x02000000;
    case 7:
        return 0xF0000000u + random.next() % 0x0A000000;
    case 8:
        return l4::Fpage::make(random.next(), random.next() % 40, random.next() % 4).raw;
    case 9:
        return random.next() % 32;
    case 10:
        return l4::Timeouts::make(random.next() % 2000, random.next() % 2000).raw;
    default:
        return random.next();
    }
}

#define SYSTEM_CALL(number)                                                                                  \
    asm volatile("pushl %%ebp\n\tmovl %6, %%ebp\n\tint $" #number "\n\tpopl %%ebp"                           \
                 : "+a"(eax), "+b"(ebx), "+c"(ecx), "+d"(edx), "+S"(esi), "+D"(edi)                          \
                 : "m"(ebp)                                                                                  \
                 : "memory", "cc")

void hostile_loop();

// A table, whole or broken, and an exception. The handlers are the loop again, or nothing that could run: this task may
// use ports, so random code is no fair opponent.
void raise_something(Random& random) {
    constexpr uint32_t odd_bases[] = {0,          0x20000000, 0xBFFFFF00, 0xC0000000,
                                      0xE0000000, 0xF9000000, 0xFFFFFFFC};
    constexpr unsigned base_count = sizeof odd_bases / sizeof *odd_bases;
    auto* gates = reinterpret_cast<volatile uint32_t*>(hostile_scratch);
    for (unsigned vector = 0; vector < 32; ++vector) {
        const bool broken = random.next() % 4 == 0;
        const uint32_t handler = broken ? odd_bases[1 + random.next() % (base_count - 1)]
                                        : reinterpret_cast<uint32_t>(hostile_loop);
        gates[2 * vector] = handler & 0xFFFF;
        gates[2 * vector + 1] = (handler & 0xFFFF0000u) | (random.next() & 0xFFFF);
    }
    l4::GateTable table{static_cast<uint16_t>(random.next() % 256), hostile_scratch};
    if (random.next() % 4 == 0)
        table.base = odd_bases[random.next() % base_count];
    l4::load_gate_table(table);
    switch (random.next() % 4) {
    case 0:
        asm volatile("ud2");
        break;
    case 1:
        asm volatile("int $0x40" : : : "memory");
        break;
    case 2:
        asm volatile("int3\n\tnop\n\tnop" : : : "memory");
        break;
    default:
        asm volatile("pushl $0x302\n\tpopfl\n\tnop" : : : "memory", "cc");
    }
}

volatile uint32_t starts = 0; // each start of the loop has a seed of its own

void hostile_loop() {
    starts = starts + 1;
    Random random(starts);
    for (;;) {
        uint32_t eax = argument(random), ebx = argument(random), ecx = argument(random),
                 edx = argument(random);
        uint32_t esi = argument(random), edi = argument(random);
        static uint32_t ebps[l4::threads_per_task];
        uint32_t& ebp = ebps[random.next() % l4::threads_per_task];
        ebp = argument(random);
        rounds = rounds + 1;
        switch (random.next() % 16) {
        case 0:
        case 1:
        case 2:
        case 3:
        case 4:
        case 5:
            // Finite timeouts, so that threads come back: m = 1..15, e = 9..14, page-fault fields at random.
            ecx = (random.next() & 0x0F0FFF00u) | 0x01010000u | (9 + random.next() % 6) << 4 |
                  (9 + random.next() % 6);
            SYSTEM_CALL(0x30);
            break;
        case 6:
            SYSTEM_CALL(0x31);
            break;
        case 7:
            eax = l4::Fpage::make(hostile_scratch, 15).raw; // not the code: the task would only fault
            SYSTEM_CALL(0x32);
            break;
        case 8:
            SYSTEM_CALL(0x33);
            break;
        case 9:
            SYSTEM_CALL(0x34);
            break;
        case 10: { // restarts a neighbour, with the right or a wrong EIP and ESP
            eax = random.next() % hostile_threads;
            if (random.next() % 32 != 0)
                esi = 0xFFFFFFFFu; // or it would soon have no pager, and never come back
            if (random.next() % 4 != 0) {
                edx = reinterpret_cast<uint32_t>(hostile_loop);
                ecx = hostile_stacks + (eax + 1) * l4::page_size - 16;
            }
            SYSTEM_CALL(0x35);
            break;
        }
        case 11:
            SYSTEM_CALL(0x36);
            break;
        case 12:
            SYSTEM_CALL(0x37);
            break;
        case 13: // a console call on random memory, or exceptions
            if (random.next() % 64 == 0)
                asm volatile("int3\n\tcmpb $2, %%al" : : "a"(hostile_scratch + 0x7FF0) : "memory", "cc");
            else if (random.next() % 64 == 0)
                raise_something(random);
            break;
        case 14: // garbage in segment registers and flags
            asm volatile("movl %0, %%es\n\tmovl %0, %%ds\n\tmovl %0, %%fs" : : "r"(0) : "memory");
            asm volatile("pushl $0x44ED7\n\tpopfl\n\tcld" : : : "cc", "memory");
            break;
        default:
            *reinterpret_cast<volatile uint32_t*>(hostile_scratch + random.next() % 0x8000) = eax;
        }
    }
}

void hostile_main() {
    for (unsigned lthread = 1; lthread < hostile_threads; ++lthread)
        l4::lthread_ex_regs(lthread, reinterpret_cast<uint32_t>(hostile_loop),
                            hostile_stacks + (lthread + 1) * l4::page_size - 16);
    hostile_loop();
}

// The hostile task's pager: its code and stacks, and nothing of this task's but what all share.
void hostile_pager() {
    l4::ThreadId client;
    l4::Message message;
    l4::wait(client, message);
    for (;;) {
        const uint32_t page = message.w0 & ~0xFFFu;
        const bool code = page >= 0x00D00000 && page < 0x00E00000;
        const bool own = page >= hostile_stacks && page < hostile_scratch + 0x8000;
        if (client.task() == hostile_task && (code || own)) {
            auto* touched = reinterpret_cast<volatile uint32_t*>(page);
            (void)*touched;
            message = {page, l4::Fpage::make(page, l4::page_bits, l4::Fpage::write_bit).raw, 0};
            l4::reply_and_wait(client, message, l4::send_map);
        } else {
            l4::wait(client, message); // noise, or a fault that has no answer
        }
    }
}

void echo_server() {
    l4::ThreadId client;
    l4::Message message;
    l4::wait(client, message);
    for (;;) {
        message.w0 += 1;
        l4::reply_and_wait(client, message);
    }
}

} // namespace

extern "C" void test_main(uint32_t) {
    constexpr unsigned above = l4::priority_boot + 20;
    l4::thread_schedule(l4::my_id(), l4::schedule_param(above));
    start_thread(fault_server, hostile_pager);
    start_thread(echo, echo_server);
    for (uint32_t page = hostile_stacks; page < hostile_scratch + 0x8000; page += l4::page_size)
        (void)*reinterpret_cast<volatile uint32_t*>(page); // sigma0 asked beforehand

    for (unsigned life = 0; life < 40; ++life) {
        l4::thread_schedule(l4::my_id(),
                            l4::schedule_param(l4::priority_boot)); // the new thread's from its start
        const l4::ThreadId id = l4::task_new(l4::ThreadId::make(hostile_task, 0, 0, 0), l4::priority_boot,
                                             reinterpret_cast<uint32_t>(hostile_main),
                                             hostile_stacks + l4::page_size - 16, own_thread(fault_server));
        check(id.task() == hostile_task, "the hostile task is started again");
        l4::thread_schedule(l4::my_id(), l4::schedule_param(above));
        for (unsigned look = 0; look < 10; ++look) {
            l4::sleep_us(5'000);
            l4::Message message{look, 0, 0};
            l4::ThreadId server = own_thread(echo);
            check(l4::ipc(server, l4::send_registers, l4::receive_registers, within_us(100'000), message)
                          .ok() &&
                      message.w0 == look + 1,
                  "honest threads still talk");
        }
        l4::task_new(id, l4::root_task, 0, 0, l4::nil_thread);
    }
    check(rounds > 1'000, "the hostile task was busy"); // QEMU's time is the host's: slow when that is busy
    finish();
}
