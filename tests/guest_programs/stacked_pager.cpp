// stacked_pager: a persistent thread is the pager of others, above the checkpoint server.
//
// Clients count in pages of a window; their faults go to the pager thread, which maps pages of its store
// there (both lie in the one address space of the task, so a client can compare them). Between requests the
// pager unmaps pages again, and checkpoints take write access away through both levels. Faults thus happen
// all the time, and power cuts find clients before the pager has received their fault, while it computes or
// sleeps over it, and while it replies. After a recovery every page-fault RPC must go on as if nothing had
// happened (I7, I8): a client that faults twice, never, or gets another page loses count.
//
// Arguments: rounds (counts of each client), seed.
#include "kernel-model/abi/probes.hpp"
#include "kernel-model/abi/syscalls.hpp"
#include "workloads/runtime/program.hpp"
#include "workloads/runtime/random.hpp"
#include "workloads/runtime/text_line.hpp"

namespace workloads {

WORKLOAD_PROGRAM_HEADER(1, 0, "");

namespace {

constexpr unsigned client_count = 3, pager_lthread = 1, first_client_lthread = 2;
constexpr uint32_t pages_per_client = 16, all_pages = client_count * pages_per_client;
constexpr uint32_t stack_bytes = 0x10000, stacks_base = heap_base;
constexpr uint32_t store_base = 0x20000000u, window_base = 0x30000000u;

struct Shared {
    uint32_t rounds = 0;
    uint64_t seed = 0;
    uint32_t instance = 0;
    const char* error = nullptr;
    uint32_t ended = 0; // clients
    uint32_t faults = 0;
};
constinit Shared shared;

volatile uint32_t& word(uint32_t base, uint32_t page) {
    return *reinterpret_cast<volatile uint32_t*>(base + page * l4::page_size + page * 4);
}

void touch(uint32_t address, bool write) {
    if (write)
        asm volatile("lock orb $0, (%0)"
                     :
                     : "r"(address)
                     : "memory", "cc"); // others may write to the same byte
    else
        asm volatile("testb $0, (%0)" : : "r"(address) : "memory", "cc");
}

// The pager's own faults go to the checkpoint server.
[[noreturn]] void run_pager() {
    Random random(shared.seed);
    l4::ThreadId client;
    l4::Message message;
    l4::MessageResult result = l4::wait(client, message);
    for (;;) {
        if (!result.ok() && !shared.error)
            shared.error = "the pager's IPC failed";
        const uint32_t address = message.w0 & ~3u;
        const bool write = message.w0 & 2;
        uint32_t descriptor = l4::send_registers;
        ++shared.faults;
        if (random.below(4) == 0)
            l4::sleep_us(200 + random.below(3000));
        if (address - window_base < all_pages * l4::page_size) {
            const uint32_t page = address & ~(l4::page_size - 1), source = page - window_base + store_base;
            touch(source, write);
            message = {page, l4::Fpage::make(source, l4::page_bits, write ? l4::Fpage::write_bit : 0).raw, 0};
            descriptor = l4::send_map;
            // Some other page of the window goes.
            const uint32_t victim = store_base + random.below(all_pages) * l4::page_size;
            l4::fpage_unmap(l4::Fpage::make(victim, l4::page_bits), l4::unmap_fully);
            touch(source, write); // if it was this one, or a checkpoint came between
        } else {
            touch(address, write); // program and stacks: the space is the pager's too
        }
        // Infinite timeouts: the client waits for certain.
        result = l4::ipc(client, descriptor, l4::open_wait, l4::Timeouts::infinite(), message);
    }
}

[[noreturn]] void run_client(unsigned self) {
    Random random(shared.seed * 100 + self);
    const uint32_t first = (self - first_client_lthread) * pages_per_client;
    uint32_t counts[pages_per_client] = {};
    for (uint32_t round = 0; round < shared.rounds && !shared.error; ++round) {
        const uint32_t i = random.below(pages_per_client), page = first + i;
        if (random.below(4) == 0 && word(store_base, page) != counts[i])
            shared.error = "the pager's store has another count than the client";
        if (word(window_base, page) != counts[i])
            shared.error = "a page of the window lost count";
        word(window_base, page) = ++counts[i];
        if (self == first_client_lthread && round % 100 == 99)
            l4::probe<l4::Probe::work>(shared.instance, 100);
    }
    for (uint32_t i = 0; i < pages_per_client; ++i)
        if (word(window_base, first + i) != counts[i] || word(store_base, first + i) != counts[i])
            shared.error = "a page has another count at the end";
    __atomic_fetch_add(&shared.ended, 1, __ATOMIC_SEQ_CST);
    rest();
}

[[noreturn]] void thread_entry() {
    const unsigned self = l4::my_id().lthread();
    if (self == pager_lthread)
        run_pager();
    run_client(self);
}

void start_thread(unsigned lthread, l4::ThreadId pager) {
    l4::lthread_ex_regs(lthread, reinterpret_cast<uint32_t>(&thread_entry),
                        stacks_base + lthread * stack_bytes + stack_bytes - 16, pager);
}

} // namespace

void program_main(const StartupPage& startup) {
    const char* const known[] = {"rounds", "seed", "instance", "tasks"};
    Arguments arguments(startup.arguments);
    shared.rounds = static_cast<uint32_t>(arguments.number("rounds", 2000, 1, 1u << 30));
    shared.seed = arguments.number("seed", 1, 0, 1u << 30);
    shared.instance = startup.instance;
    require_good_arguments(startup, "stacked_pager", arguments, known, sizeof known / sizeof known[0]);

    start_thread(pager_lthread, l4::pager_thread);
    for (unsigned client = 0; client < client_count; ++client)
        start_thread(first_client_lthread + client, l4::my_id().with_lthread(pager_lthread));

    while (__atomic_load_n(&shared.ended, __ATOMIC_SEQ_CST) < client_count &&
           !__atomic_load_n(&shared.error, __ATOMIC_SEQ_CST))
        l4::sleep_us(10'000);

    TextLine line;
    line.text("stacked_pager ").decimal(startup.instance);
    if (shared.error)
        line.text(": FAILED: ").text(shared.error).print();
    else
        line.text(": verified, rounds=")
            .decimal(shared.rounds)
            .text(", faults=")
            .decimal(shared.faults)
            .text(", checksum=0")
            .print();
    finish(startup, !shared.error);
}

} // namespace workloads
