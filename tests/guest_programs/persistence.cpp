// persistence: threads in every state that a thread can be in at a snapshot's instant, each of which knows
// what it must find when it goes on (I8). The ledger proves that memory is of one instant; this proves the
// same of threads.
//
//   registers  (2 threads) count in all general registers and the carry flag, preempted anywhere
//   floating   (2)         the same in x87 registers, if the processor has them
//   sleeper    (2)         sleeps; must wake by timeout and not by anything else
//   ping, pong             exchange numbered messages with finite timeouts; each must see the other's next
//                          number
//   pollers    (2)         send to a slow receiver, so that they mostly wait in its queue; arrival is counted
//   slow                   that receiver: takes one message, then computes and sleeps
//   timeouts               sends and receives that nobody answers; must end with the right error codes
//   requester              asks for checkpoints; an aborted request must mean a new session
//
// Before all that the main thread tries to get a TCB from the checkpoint server.
//
// Arguments: rounds (of the slow thread; everything ends with it), seed.
#include "kernel-model/abi/probes.hpp"
#include "kernel-model/abi/syscalls.hpp"
#include "pager/protocol.hpp"
#include "tests/guest_programs/register_sums.hpp"
#include "workloads/runtime/program.hpp"
#include "workloads/runtime/random.hpp"
#include "workloads/runtime/text_line.hpp"

namespace workloads {

WORKLOAD_PROGRAM_HEADER(1, 0, "");

namespace {

enum Lthread : unsigned {
    main_thread,
    registers_1,
    registers_2,
    floating_1,
    floating_2,
    sleeper_1,
    sleeper_2,
    ping,
    pong,
    poller_1,
    poller_2,
    slow,
    timeouts,
    requester,
    thread_count
};

constexpr uint32_t stack_bytes = 0x10000, stacks_base = heap_base;
constexpr uint64_t patience_us = 60'000'000; // far beyond any pause that checkpoints or restarts may cause

struct Shared {
    uint32_t rounds = 0;
    uint64_t seed = 0;
    volatile bool stop = false;
    const char* volatile error = nullptr; // the first that any thread found
    volatile uint32_t error_detail = 0;
    uint32_t ended = 0; // threads
    uint32_t instance = 0;
    volatile uint64_t steps[thread_count] = {};
};
constinit Shared shared;

l4::ThreadId thread(unsigned lthread) {
    return l4::my_id().with_lthread(lthread);
}

void expect(bool condition, const char* error, uint32_t detail) {
    if (condition || shared.error)
        return;
    shared.error_detail = detail;
    shared.error = error;
}

[[noreturn]] void end_thread() {
    __atomic_fetch_add(&shared.ended, 1, __ATOMIC_SEQ_CST);
    rest();
}

bool goes_on() {
    return !shared.stop && !shared.error;
}

[[noreturn]] void run_registers(unsigned self) {
    Random random(shared.seed + self);
    while (goes_on()) {
        const uint32_t count = 1 + random.below(200'000);
        expect(registers_count_to(count), "a register that lost count", count);
        shared.steps[self] = shared.steps[self] + 1;
    }
    end_thread();
}

[[noreturn]] void run_floating(unsigned self) {
    Random random(shared.seed + self);
    while (has_x87() && goes_on()) {
        const uint32_t count = 1 + random.below(200'000);
        const uint32_t result = count_in_x87(count);
        expect(result == count, "an x87 register that lost count", result);
        shared.steps[self] = shared.steps[self] + 1;
    }
    end_thread();
}

[[noreturn]] void run_sleeper(unsigned self) {
    Random random(shared.seed + self);
    while (goes_on()) {
        l4::Message message;
        const uint64_t us = 100 + random.below(20'000);
        const l4::MessageResult result =
            l4::receive(l4::nil_thread, message, l4::Timeouts::make(l4::Timeouts::infinite_us, us));
        expect(result.error() == static_cast<unsigned>(l4::IpcError::receive_timeout),
               "a sleep that ended otherwise", result.error());
        shared.steps[self] = shared.steps[self] + 1;
    }
    end_thread();
}

[[noreturn]] void run_ping() {
    const l4::ThreadId partner = thread(pong);
    uint32_t number = 0;
    while (goes_on()) {
        l4::Message message = {number, ~number, number * 7};
        const l4::MessageResult result =
            l4::call(partner, message, l4::Timeouts::make(patience_us, patience_us));
        expect(result.ok(), "a call with an error", result.error());
        expect(!result.ok() ||
                   (message.w0 == number + 1 && message.w1 == ~number && message.w2 == number * 7),
               "an answer that is not its question's", number);
        number += 2;
        shared.steps[ping] = number;
    }
    l4::send(partner, {0xFFFFFFFFu}, l4::Timeouts::make(patience_us, patience_us));
    end_thread();
}

[[noreturn]] void run_pong() {
    l4::ThreadId partner;
    l4::Message message;
    uint32_t expected = 0;
    l4::MessageResult result = l4::wait(partner, message);
    while (message.w0 != 0xFFFFFFFFu) {
        expect(result.ok() && partner == thread(ping), "a question of a stranger", partner.raw);
        expect(message.w0 == expected, "a question that came twice or never", expected);
        expected += 2;
        message.w0 += 1;
        result = l4::reply_and_wait(partner, message);
    }
    end_thread();
}

[[noreturn]] void run_poller(unsigned self) {
    const l4::ThreadId receiver = thread(slow);
    for (uint32_t number = 0; goes_on(); ++number) {
        const l4::MessageResult result = l4::send(receiver, {self, number, self ^ number});
        expect(result.ok() || !goes_on(), "a queued send with an error", result.error());
        shared.steps[self] = number;
    }
    end_thread();
}

[[noreturn]] void run_slow() {
    Random random(shared.seed + slow);
    uint32_t next[2] = {};
    for (uint32_t round = 0; round < shared.rounds && goes_on(); ++round) {
        l4::ThreadId sender;
        l4::Message message;
        const l4::MessageResult result = l4::wait(sender, message);
        expect(result.ok(), "an open wait with an error", result.error());
        const unsigned poller = message.w0 - poller_1;
        expect(poller < 2 && sender == thread(message.w0) && message.w2 == (message.w0 ^ message.w1),
               "a message with wrong words", message.w0);
        if (poller < 2) {
            expect(message.w1 == next[poller], "a queued message that came twice or never", message.w1);
            next[poller] = message.w1 + 1;
        }
        l4::sleep_us(500 + random.below(3000));
        if (round % 10 == 9)
            l4::probe<l4::Probe::work>(shared.instance, 10);
    }
    shared.stop = true;
    // Whoever still polls gets through, until both have seen the end.
    for (;;) {
        l4::ThreadId sender;
        l4::Message message;
        if (!l4::wait(sender, message, l4::Timeouts::make(l4::Timeouts::infinite_us, 100'000)).ok())
            break;
    }
    end_thread();
}

[[noreturn]] void run_timeouts() {
    Random random(shared.seed + timeouts);
    const l4::ThreadId deaf = thread(main_thread); // it neither sends nor receives while the others run
    while (goes_on()) {
        const auto limit = l4::Timeouts::make(1 + random.below(5000), 1 + random.below(5000));
        const unsigned sent = l4::send(deaf, {1, 2, 3}, limit).error();
        expect(sent == static_cast<unsigned>(l4::IpcError::send_timeout),
               "a send that nobody took ended otherwise", sent);
        l4::Message message;
        const unsigned received = l4::receive(deaf, message, limit).error();
        expect(received == static_cast<unsigned>(l4::IpcError::receive_timeout),
               "a receive that nobody served ended otherwise", received);
        l4::thread_switch();
        shared.steps[timeouts] = shared.steps[timeouts] + 1;
    }
    end_thread();
}

// A call to the checkpoint server, which is not persistent: false if a recovery has aborted it.
bool ask_checkpoint_server(pager::Request request, l4::Message& message) {
    message = {pager::request_word(request)};
    l4::ThreadId server = l4::pager_thread;
    const l4::MessageResult result = l4::call(server, message);
    const auto error = static_cast<l4::IpcError>(result.error());
    expect(result.ok() || error == l4::IpcError::send_aborted || error == l4::IpcError::receive_aborted,
           "a request that ended with another error", result.error());
    expect(!result.ok() || message.w0 != pager::refused, "a request that was refused", message.w0);
    return result.ok();
}

uint32_t session_number() {
    l4::Message message;
    while (!ask_checkpoint_server(pager::Request::status, message) && goes_on())
        ;
    return message.w1;
}

[[noreturn]] void run_requester() {
    uint32_t session = session_number(), epoch = 0;
    while (goes_on()) {
        l4::Message message;
        if (ask_checkpoint_server(pager::Request::checkpoint, message)) {
            expect(message.w0 > epoch, "an epoch that is not newer", message.w0);
            expect(message.w1 >= session, "a session before the last", message.w1);
            epoch = message.w0;
            session = message.w1; // a newer one after a recovery between two requests
        } else {
            const uint32_t now = session_number();
            expect(now > session || !goes_on(), "an aborted request in the same session", now);
            session = now;
        }
        shared.steps[requester] = shared.steps[requester] + 1;
        l4::sleep_us(50'000);
    }
    end_thread();
}

// A message with the words of a TCB fault. Only the kernel's own may be answered with a TCB.
void try_to_get_own_tcb() {
    constexpr uint32_t window = 0x70000000u, write_bit = 2;
    l4::Message message{l4::tcb_address(l4::my_id()) | write_bit, 0, 0};
    l4::ThreadId server = l4::pager_thread;
    const l4::MessageResult result =
        l4::ipc(server, l4::send_registers, l4::receive_window(l4::Fpage::make(window, l4::page_bits), false),
                l4::Timeouts::make(patience_us, patience_us), message);
    expect(!result.mapped(), "a TCB for its own thread", message.w1);
}

[[noreturn]] void thread_entry() {
    const unsigned self = l4::my_id().lthread();
    switch (self) {
    case registers_1:
    case registers_2:
        run_registers(self);
    case floating_1:
    case floating_2:
        run_floating(self);
    case sleeper_1:
    case sleeper_2:
        run_sleeper(self);
    case ping:
        run_ping();
    case pong:
        run_pong();
    case poller_1:
    case poller_2:
        run_poller(self);
    case slow:
        run_slow();
    case timeouts:
        run_timeouts();
    case requester:
        run_requester();
    default:
        rest();
    }
}

} // namespace

void program_main(const StartupPage& startup) {
    const char* const known[] = {"rounds", "seed", "instance", "tasks"};
    Arguments arguments(startup.arguments);
    shared.rounds = static_cast<uint32_t>(arguments.number("rounds", 100, 1, 1u << 30));
    shared.instance = startup.instance;
    shared.seed = arguments.number("seed", 1, 0, 1u << 30);
    require_good_arguments(startup, "persistence", arguments, known, sizeof known / sizeof known[0]);

    try_to_get_own_tcb();
    for (unsigned lthread = 1; lthread < thread_count; ++lthread)
        l4::lthread_ex_regs(lthread, reinterpret_cast<uint32_t>(&thread_entry),
                            stacks_base + lthread * stack_bytes + stack_bytes - 16);
    while (__atomic_load_n(&shared.ended, __ATOMIC_SEQ_CST) < thread_count - 1 && !shared.error)
        l4::sleep_us(10'000);

    TextLine line;
    line.text("persistence ").decimal(startup.instance);
    if (shared.error)
        line.text(": FAILED: ").text(shared.error).text(", ").decimal(shared.error_detail).print();
    else
        line.text(": verified, rounds=").decimal(shared.rounds).text(", checksum=0").print();
    finish(startup, !shared.error);
}

} // namespace workloads
