// crowd: many threads, of which some pass messages round and the others wait. See member.hpp for what is checked.
//
//   lthread 0 of every task   fills the task's ballast, starts the others, then is a member like them
//   thread 0 (of the first)   sends the tokens off and takes them back
//
// Arguments: tasks, threads (in all), active (of them, those that the tours visit), pages_per_thread (that a visit writes
// to, beside the stack's), pages (ballast of each task), checked_pages (of them, at the end), tours, tokens (at a time),
// pause_us (the first thread sleeps that long between two tours), seed.
#include "kernel-model/abi/probes.hpp"
#include "kernel-model/abi/syscalls.hpp"
#include "workloads/crowd/member.hpp"
#include "workloads/runtime/program.hpp"
#include "workloads/runtime/text_line.hpp"

namespace workloads {

constexpr unsigned tasks_by_default = 4;
WORKLOAD_PROGRAM_HEADER(0, tasks_by_default, "");

namespace {

constexpr uint32_t pages_per_thread_max = 1024, ballast_pages_max = 1u << 18; // 1 GB a task
constexpr uint32_t stacks_address = heap_base, stack_distance = 0x10000u;
constexpr uint32_t pages_address = 0x20000000u, ballast_address = 0x40000000u;
static_assert(l4::threads_per_task * stack_distance <= pages_address - stacks_address);
static_assert(l4::threads_per_task * pages_per_thread_max * l4::page_size <= ballast_address - pages_address);
static_assert(ballast_pages_max <= (l4::user_space_end - ballast_address) / l4::page_size);

struct Options {
    CrowdParameters parameters;
    uint32_t pages = 0, checked_pages = 0, tokens = 1;
    uint64_t pause_us = 0;
};
constinit Options options;

const StartupPage& startup() {
    return *reinterpret_cast<const StartupPage*>(startup_page_address);
}

void read_options() {
    const char* const known[] = {"tasks",    "threads",       "active",  "pages_per_thread",
                                 "pages",    "checked_pages", "tours",   "tokens",
                                 "pause_us", "seed",          "instance"};
    Arguments arguments(startup().arguments);
    const auto number = [&](const char* key, uint64_t fallback, uint64_t low, uint64_t high) {
        return static_cast<uint32_t>(arguments.number(key, fallback, low, high));
    };
    Roster& roster = options.parameters.roster;
    roster.tasks = startup().task_count;
    const uint32_t threads_max = roster.tasks * l4::threads_per_task;
    roster.threads = number("threads", roster.tasks * 16, roster.tasks < 2 ? 2 : roster.tasks, threads_max);
    roster.active = number("active", roster.threads, 2, roster.threads);
    options.parameters.pages_per_thread = number("pages_per_thread", 1, 0, pages_per_thread_max);
    options.pages = number("pages", 0, 0, ballast_pages_max);
    options.checked_pages = number("checked_pages", options.pages, 0, options.pages);
    options.parameters.tours = number("tours", 1000, 1, 1u << 30);
    // With one fewer than members there is always one that receives.
    options.tokens = number("tokens", 1, 1, roster.active - 1);
    options.pause_us = number("pause_us", 0, 0, 60'000'000);
    options.parameters.seed = arguments.number("seed", 1, 0, ~uint64_t{0});
    require_good_arguments(startup(), "crowd", arguments, known, sizeof known / sizeof known[0]);
}

uint32_t* pages_of(uint32_t thread) {
    const uint32_t lthread = options.parameters.roster.lthread_of(thread);
    return reinterpret_cast<uint32_t*>(pages_address +
                                       lthread * options.parameters.pages_per_thread * l4::page_size);
}

Ballast ballast_of_task() {
    return {options.parameters.seed, startup().task_index, options.pages,
            reinterpret_cast<uint32_t*>(ballast_address)};
}

l4::ThreadId id_of(uint32_t thread) {
    const Roster& roster = options.parameters.roster;
    return startup().threads[roster.task_of(thread)].with_lthread(roster.lthread_of(thread));
}

[[noreturn]] void fail(uint32_t thread, const char* error, uint32_t value) {
    TextLine line;
    line.text("crowd ").decimal(startup().instance).text(": FAILED: thread ").decimal(thread).text(" found ");
    line.text(error).text(", ").decimal(value).print();
    l4::probe<l4::Probe::workload_check>(startup().instance, 0);
    finish(startup(), false);
}

Token receive(uint32_t self, const CrowdMember& member) {
    l4::ThreadId sender;
    l4::Message message;
    const l4::MessageResult result = l4::wait(sender, message);
    if (!result.ok())
        fail(self, "an IPC error in receiving", result.error());
    if (!(sender == id_of(member.next_sender())))
        fail(self, "a message of a stranger", sender.raw);
    return {static_cast<TokenKind>(message.w0), message.w1, message.w2};
}

void send(uint32_t self, uint32_t receiver, const Token& token) {
    constexpr uint32_t retry_us = 1000;
    for (;;) {
        const l4::MessageResult result =
            l4::send(id_of(receiver), {static_cast<uint32_t>(token.kind), token.number, token.value});
        if (result.ok())
            return;
        // At the muster the next one may not have been started yet.
        if (token.kind != TokenKind::muster ||
            result.error() != static_cast<unsigned>(l4::IpcError::no_such_thread))
            fail(self, "an IPC error in sending", result.error());
        l4::sleep_us(retry_us);
    }
}

void visit(uint32_t self, CrowdMember& member, Token& token) {
    if (!member.visit(token))
        fail(self, member.error(), member.visits());
    if (token.kind != TokenKind::farewell || id_of(self).lthread() != 0)
        return;
    const Ballast ballast = ballast_of_task();
    if (const uint32_t page = ballast.first_wrong_page(options.checked_pages); page != options.pages)
        fail(self, "a wrong page of its task", page);
}

[[noreturn]] void run_member(uint32_t self) {
    CrowdMember member(options.parameters, self, pages_of(self));
    for (;;) {
        Token token = receive(self, member);
        visit(self, member, token);
        send(self, member.receiver_after(token.kind), token);
        if (token.kind == TokenKind::farewell)
            rest();
    }
}

// The first thread's: its own visit, then all others'.
void send_off(CrowdMember& member) {
    Token token = member.first_token();
    visit(0, member, token);
    send(0, member.receiver_after(token.kind), token);
}

// `member` is past its own visit: what comes back says so. The token's value.
uint32_t take_back(CrowdMember& member, TokenKind kind, uint32_t number) {
    l4::ThreadId sender;
    l4::Message message;
    const l4::MessageResult result = l4::wait(sender, message);
    if (!result.ok())
        fail(0, "an IPC error in receiving", result.error());
    if (!member.is_end_of_ring({static_cast<TokenKind>(message.w0), message.w1, message.w2}, kind, number))
        fail(0, "a token that did not come round", message.w1);
    return message.w2;
}

[[noreturn]] void run_first() {
    CrowdMember member(options.parameters, 0, pages_of(0));
    send_off(member);
    take_back(member, TokenKind::muster, 0);
    for (uint32_t back = 0; back < options.parameters.tours; ++back) {
        while (member.tours() < options.parameters.tours && member.tours() - back < options.tokens)
            send_off(member);
        take_back(member, TokenKind::tour, back);
        l4::probe<l4::Probe::work>(startup().instance, options.parameters.roster.active);
        if (options.pause_us != 0)
            l4::sleep_us(options.pause_us);
    }
    send_off(member);
    const uint32_t checksum = take_back(member, TokenKind::farewell, 0);
    TextLine line;
    line.text("crowd ").decimal(startup().instance).text(": verified, threads=");
    line.decimal(options.parameters.roster.threads).text(", tours=").decimal(options.parameters.tours);
    line.text(", checksum=").hex(checksum, 8).print();
    l4::probe<l4::Probe::workload_check>(startup().instance, 1);
    finish(startup(), true);
}

[[noreturn]] void thread_entry() {
    run_member(options.parameters.roster.first_of(startup().task_index) + l4::my_id().lthread());
}

void start_threads() {
    const unsigned count = options.parameters.roster.count_of(startup().task_index);
    for (unsigned lthread = 1; lthread < count; ++lthread)
        l4::lthread_ex_regs(lthread, reinterpret_cast<uint32_t>(&thread_entry),
                            stacks_address + (lthread + 1) * stack_distance - 16, l4::pager_thread);
}

} // namespace

void program_main(const StartupPage& own_startup) {
    read_options();
    ballast_of_task().fill();
    start_threads();
    if (own_startup.task_index == 0)
        run_first();
    run_member(options.parameters.roster.first_of(own_startup.task_index));
}

} // namespace workloads
