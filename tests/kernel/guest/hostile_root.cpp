// A hostile task: threads that make random system calls with random arguments by either entry, send and receive
// messages in random memory, run random code and touch random memory.
//
// Nothing that an unprivileged task does may disturb the kernel or another task, or show it what it may not see. The
// hostile task has the program's text (read only), its own data, stacks and scratch memory. The root task has a
// priority above it, and after each of its lives looks
//   - that an honest pair of threads still talk,
//   - that private memory of its own is as it was: every word of it a secret,
//   - that no two neighbouring words of the secret, and no TCB, are in anything that the hostile task can read.
// What calls give back in registers goes into the scratch memory too. There are lives until enough has been tried.
// Seeds count up from 1: each start of a thread draws the same arguments in each run.
#include "kernel-model/abi/exceptions.hpp"
#include "tests/kernel/guest/checks.hpp"

#include <initializer_list>

using namespace kernel_test;

extern "C" char text_end[]; // guest_program.ld

namespace {

constexpr unsigned fault_server = 1, echo = 2, hostile_task = 30, hostile_threads = 8;
constexpr uint32_t hostile_stacks = 0x01900000, hostile_scratch = 0x01980000, hostile_scratch_bytes = 0x8000;
constexpr uint32_t private_pages = 0x01A00000, private_bytes = 0x4000;

// All of the program's data that the hostile threads write, in a page of its own.
struct alignas(4096) HostileData {
    volatile uint32_t rounds, sysenters, memory_messages; // the test does something
    volatile uint32_t starts;                             // each start of the loop has a seed of its own
    uint32_t receive_descriptors[l4::threads_per_task];
    bool has_sysenter;
};
constinit HostileData hostile{};

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

volatile uint32_t& scratch_word(uint32_t random) {
    return reinterpret_cast<volatile uint32_t*>(hostile_scratch)[random % (hostile_scratch_bytes / 4)];
}

struct Registers {
    uint32_t eax, ebx, ecx, edx, esi, edi;
};
#define SYSTEM_CALL(number)                                                                                  \
    asm volatile("pushl %%ebp\n\tmovl %6, %%ebp\n\tint $" #number "\n\tpopl %%ebp"                           \
                 : "+a"(r.eax), "+b"(r.ebx), "+c"(r.ecx), "+d"(r.edx), "+S"(r.esi), "+D"(r.edi)              \
                 : "m"(ebp)                                                                                  \
                 : "memory", "cc")

// Finite timeouts, so that threads come back: m = 1..15, e = 9..14, page-fault fields at random.
uint32_t finite_timeouts(Random& random) {
    return (random.next() & 0x0F0FFF00u) | 0x01010000u | (9 + random.next() % 6) << 4 |
           (9 + random.next() % 6);
}

// An address for a message or a string: sometimes a good one, sometimes at the edge of what there is.
uint32_t message_address(Random& random) {
    constexpr uint32_t edges[] = {hostile_scratch + hostile_scratch_bytes,
                                  l4::user_space_end,
                                  private_pages,
                                  0x00D00000u,
                                  l4::tcb_array_base,
                                  0xF0000000u,
                                  0xF9000000u,
                                  0u};
    switch (random.next() % 4) {
    case 0:
        return edges[random.next() % (sizeof edges / sizeof *edges)] - random.next() % 64;
    case 1:
        return argument(random);
    default:
        return hostile_scratch + random.next() % hostile_scratch_bytes;
    }
}

// A header of a memory message that is more or less right: receive fpage, size dope, send dope, doublewords, strings.
void write_message(Random& random, uint32_t at) {
    auto* const words = reinterpret_cast<volatile uint32_t*>(at);
    const uint32_t dwords = random.next() % 32, strings = random.next() % 32;
    words[0] = argument(random);
    words[1] = dwords << 13 | strings << 8;
    words[2] = (random.next() % 4 == 0 ? random.next() : dwords) << 13 | (random.next() % (strings + 1)) << 8;
    for (uint32_t string = 0; string < strings; ++string) {
        volatile uint32_t* const dope = words + 3 + dwords + 4 * string;
        const uint32_t size = random.next() % 8 == 0 ? random.next() : random.next() % 6000;
        dope[0] = size | (random.next() % 4 == 0 ? 1u << 31 : 0);
        dope[1] = message_address(random);
        dope[2] = size;
        dope[3] = message_address(random);
    }
}

// Sends and receives by descriptors with an address; the partner is often a neighbour that does the same.
void exchange_memory_message(Random& random, Registers& r, uint32_t& ebp) {
    constexpr uint32_t largest_header = 0x400;
    const auto descriptor = [&random](uint32_t bits) {
        if (random.next() % 4 == 0)
            return (message_address(random) & ~3u) | bits;
        const uint32_t at =
            hostile_scratch + (random.next() % (hostile_scratch_bytes - largest_header) & ~3u);
        write_message(random, at);
        return at | bits;
    };
    hostile.memory_messages = hostile.memory_messages + 1;
    r.eax = random.next() % 4 == 0 ? l4::no_send : descriptor(random.next() & 3);
    ebp = random.next() % 4 == 0 ? l4::no_receive : descriptor(random.next() & 1);
    r.ecx = finite_timeouts(random);
    if (random.next() % 2 == 0)
        r.esi = l4::ThreadId::make(hostile_task, random.next() % hostile_threads,
                                   l4::ThreadId{r.esi}.version(), l4::root_task)
                    .raw;
    SYSTEM_CALL(0x30);
}

extern "C" void hostile_landing();

// SYSENTER with ECX anywhere: the scratch memory is full of the address that makes a return end in a new start.
void enter_by_sysenter(Random& random, Registers& r, uint32_t ebp) {
    if (!hostile.has_sysenter)
        return;
    hostile.sysenters = hostile.sysenters + 1;
    r.ecx = message_address(random);
    if (random.next() % 2 == 0 && r.ecx - hostile_scratch < hostile_scratch_bytes - 16) {
        auto* const words = reinterpret_cast<volatile uint32_t*>(r.ecx & ~3u);
        r.ecx &= ~3u;
        words[0] = reinterpret_cast<uint32_t>(hostile_landing);
        words[1] = random.next() % 4 == 0 ? argument(random) : 0x1B;
        words[2] = random.next() % 4 == 0 ? argument(random) : ebp;
        words[3] = finite_timeouts(random);
    }
    asm volatile("movl %6, %%ebp\n\tsysenter"
                 :
                 : "a"(r.eax), "b"(r.ebx), "c"(r.ecx), "d"(r.edx), "S"(r.esi), "D"(r.edi), "m"(ebp)
                 : "memory", "cc");
    __builtin_unreachable();
}

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

void hostile_loop() {
    hostile.starts = hostile.starts + 1;
    Random random(hostile.starts);
    for (;;) {
        Registers r{argument(random), argument(random), argument(random),
                    argument(random), argument(random), argument(random)};
        uint32_t& ebp = hostile.receive_descriptors[random.next() % l4::threads_per_task];
        ebp = argument(random);
        hostile.rounds = hostile.rounds + 1;
        switch (random.next() % 20) {
        case 0:
        case 1:
        case 2:
        case 3:
        case 4:
        case 5:
            r.ecx = finite_timeouts(random);
            SYSTEM_CALL(0x30);
            break;
        case 6:
            SYSTEM_CALL(0x31);
            break;
        case 7:
            r.eax = l4::Fpage::make(hostile_scratch, 15).raw; // not the code: the task would only fault
            SYSTEM_CALL(0x32);
            break;
        case 8:
            SYSTEM_CALL(0x33);
            break;
        case 9:
            SYSTEM_CALL(0x34);
            break;
        case 10: { // restarts a neighbour, with the right or a wrong EIP and ESP
            r.eax = random.next() % hostile_threads;
            if (random.next() % 32 != 0)
                r.esi = 0xFFFFFFFFu; // or it would soon have no pager, and never come back
            if (random.next() % 4 != 0) {
                r.edx = reinterpret_cast<uint32_t>(hostile_loop);
                r.ecx = hostile_stacks + (r.eax + 1) * l4::page_size - 16;
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
        case 15:
        case 16:
        case 17:
            exchange_memory_message(random, r, ebp);
            break;
        case 18:
            enter_by_sysenter(random, r, ebp);
            break;
        default:
            scratch_word(random.next()) = r.eax;
        }
        uint32_t place = random.next();
        for (const uint32_t result : {r.edx, r.ebx, r.edi, r.eax, r.ecx, r.esi})
            scratch_word(place++) = result;
        scratch_word(random.next()) = reinterpret_cast<uint32_t>(hostile_landing);
    }
}

// Where calls by SYSENTER come back, with any stack: the kernel tells which thread it is.
asm(".text\n"
    ".globl hostile_landing\n"
    "hostile_landing:\n"
    "    xorl %esi, %esi\n"
    "    int $0x31\n"
    "    shrl $10, %esi\n"
    "    andl $63, %esi\n"
    "    incl %esi\n"
    "    shll $12, %esi\n"
    "    leal 0x01900000 - 16(%esi), %esp\n"
    "    call hostile_start_again\n");
static_assert(hostile_stacks == 0x01900000 && l4::page_size == 1u << 12);
extern "C" [[gnu::used]] void hostile_start_again() {
    hostile_loop();
}

void hostile_main() {
    for (uint32_t word = 0; word < hostile_scratch_bytes / 4; ++word)
        scratch_word(word) = reinterpret_cast<uint32_t>(hostile_landing);
    for (unsigned lthread = 1; lthread < hostile_threads; ++lthread)
        l4::lthread_ex_regs(lthread, reinterpret_cast<uint32_t>(hostile_loop),
                            hostile_stacks + (lthread + 1) * l4::page_size - 16);
    hostile_loop();
}

// The hostile task's pager: the program's text, the task's data, stacks and scratch memory.
void hostile_pager() {
    const auto text_low = uint32_t{0x00D00000}, text_high = reinterpret_cast<uint32_t>(text_end);
    l4::ThreadId client;
    l4::Message message;
    l4::wait(client, message);
    for (;;) {
        const uint32_t page = message.w0 & ~0xFFFu;
        const bool text = page >= text_low && page < text_high;
        const bool own = (page >= hostile_stacks && page < hostile_scratch + hostile_scratch_bytes) ||
                         page == reinterpret_cast<uint32_t>(&hostile);
        if (client.task() == hostile_task && (text || own)) {
            auto* touched = reinterpret_cast<volatile uint32_t*>(page);
            (void)*touched;
            message = {page, l4::Fpage::make(page, l4::page_bits, own ? l4::Fpage::write_bit : 0).raw, 0};
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

// Each word of the private memory is its number with a key above it. The key is made at run time: the text, which the
// hostile task can read, does not hold it.
volatile uint32_t key_seed = 0x2545F491;
constexpr uint32_t private_word_count = private_bytes / 4, number_mask = private_word_count - 1;
static_assert((private_word_count & number_mask) == 0);

uint32_t secret(uint32_t number) {
    return (key_seed * 0x85EBCA6Bu & ~number_mask) | number;
}
bool is_secret(uint32_t word) {
    return word == secret(word & number_mask);
}
volatile uint32_t& private_word(uint32_t number) {
    return reinterpret_cast<volatile uint32_t*>(private_pages)[number];
}

void write_secret() {
    for (uint32_t number = 0; number < private_word_count; ++number)
        private_word(number) = secret(number);
}
bool secret_is_unchanged() {
    for (uint32_t number = 0; number < private_word_count; ++number)
        if (private_word(number) != secret(number))
            return false;
    return true;
}

// At any byte: strings need not be aligned.
bool shows_what_is_hidden(uint32_t low, uint32_t high) {
    constexpr uint32_t tcb_magic = 0x42435446; // at +1Ch of each TCB in use
    const auto word_at = [](uint32_t address) {
        return *reinterpret_cast<const volatile uint32_t*>(address);
    };
    for (uint32_t at = low; at < high - 8; ++at) {
        const uint32_t word = word_at(at);
        if (word == tcb_magic || (is_secret(word) && is_secret(word_at(at + 4))))
            return true;
    }
    return false;
}

// QEMU's time is the host's: if that is busy, the hostile task gets little done in a life.
bool hostile_task_was_busy() {
    return hostile.rounds > 1'000 && hostile.memory_messages > 100 &&
           (hostile.sysenters > 10 || !hostile.has_sysenter);
}

void check_memory() {
    check(secret_is_unchanged(), "private memory is as it was");
    check(!shows_what_is_hidden(hostile_stacks, hostile_stacks + hostile_threads * l4::page_size),
          "nothing hidden in the hostile task's stacks");
    check(!shows_what_is_hidden(hostile_scratch, hostile_scratch + hostile_scratch_bytes),
          "nothing hidden in the hostile task's memory");
}

} // namespace

extern "C" void test_main(uint32_t) {
    constexpr unsigned above = l4::priority_boot + 20;
    l4::thread_schedule(l4::my_id(), l4::schedule_param(above));
    hostile.has_sysenter = l4::processor_has_sysenter();
    write_secret();
    start_thread(fault_server, hostile_pager);
    start_thread(echo, echo_server);
    for (uint32_t page = hostile_stacks; page < hostile_scratch + hostile_scratch_bytes;
         page += l4::page_size)
        (void)*reinterpret_cast<volatile uint32_t*>(page); // sigma0 asked beforehand

    constexpr unsigned lives = 40;
    for (unsigned life = 0; life < lives || !hostile_task_was_busy(); ++life) {
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
        check_memory();
    }
    finish();
}
