// full_disk: tasks that together need more pages than the disk has, until one of them gives its own back.
//
//   task 0     the host: fills its ballast, lets the guests begin, and discards the ballast when nobody gets on any more
//   tasks 1-3  the guests: fill their pages; when all have, check and discard them
//   task 4     is created and deleted by the host; what it leaves behind is the host's to discard
//
// Every round fills the disk anew. Ballast and guests' pages must not fit together, the guests' alone must.
//
// Arguments: rounds, ballast (pages), pages (of each guest).
#include "kernel-model/abi/probes.hpp"
#include "kernel-model/abi/syscalls.hpp"
#include "workloads/runtime/discard.hpp"
#include "workloads/runtime/program.hpp"
#include "workloads/runtime/text_line.hpp"

namespace workloads {

constexpr unsigned guests = 3, started = 1 + guests;
WORKLOAD_PROGRAM_HEADER(started + 1, 0, "", started);

namespace {

constexpr uint32_t data_base = heap_base, unused_base = 0x20000000u;
constexpr uint32_t words_per_page = 4, word_distance = l4::page_size / words_per_page;
// What guests say while they fill their pages, and how long the host waits for that: far longer than it takes.
constexpr uint32_t still_filling = 1, pages_between_reports = 16;
constexpr uint64_t stuck_us = 300'000;

struct Settings {
    uint32_t rounds = 0, ballast = 0, pages = 0;
};

const char* error = nullptr;
uint32_t error_detail = 0;

void expect(bool condition, const char* what, uint32_t detail) {
    if (condition || error)
        return;
    error = what;
    error_detail = detail;
}

volatile uint32_t& word(uint32_t page, uint32_t index) {
    return *reinterpret_cast<volatile uint32_t*>(data_base + page * l4::page_size + index * word_distance);
}
uint32_t expected(uint32_t round, uint32_t page, uint32_t index) {
    return (round << 20 ^ page << 4 ^ index) * 0x9E3779B1u + l4::my_id().task();
}

void fill(uint32_t round, uint32_t page) {
    for (uint32_t i = 0; i < words_per_page; ++i)
        word(page, i) = expected(round, page, i);
}

void check(uint32_t round, uint32_t pages) {
    for (uint32_t page = 0; page < pages; ++page)
        for (uint32_t i = 0; i < words_per_page; ++i)
            expect(word(page, i) == expected(round, page, i), "a page with other content", page);
}

// The smallest power of two that holds them.
l4::Fpage data(uint32_t pages) {
    unsigned log2_size = l4::page_bits;
    while ((1u << log2_size) < pages * l4::page_size)
        ++log2_size;
    return l4::Fpage::make(data_base, log2_size);
}

void discard_data(uint32_t pages) {
    const Discarded discarded = discard_pages(data(pages));
    expect(!discarded.refused, "the own pages could not be discarded", 0);
    expect(discarded.pages == pages || (discarded.repeated && discarded.pages <= pages),
           "another number of pages was discarded", discarded.pages);
}

void try_what_is_refused(const StartupPage& startup) {
    const unsigned other = startup.task_index == 0 ? 1 : 0;
    expect(discard_pages(data(1), startup.threads[other].task()).refused,
           "pages of another task were discarded", other);
    expect(startup.task_index == 0 || discard_pages(data(1), startup.threads[started].task()).refused,
           "pages of another task's task were discarded", 0);
    expect(discard_pages(data(1), l4::root_task).refused, "pages of the root task were discarded", 0);
    expect(discard_pages(l4::Fpage::make(0xE0000000u, 24)).refused, "TCBs were discarded", 0);
    expect(discard_pages({0}).refused, "an fpage of no size was discarded", 0);
    const Discarded nothing = discard_pages(l4::Fpage::make(unused_base, 28));
    expect(!nothing.refused && nothing.pages == 0, "pages that nobody has touched were discarded",
           nothing.pages);
}

[[noreturn]] void run_guest(const StartupPage& startup, const Settings& settings) {
    const l4::ThreadId host = startup.threads[0];
    try_what_is_refused(startup);
    for (;;) {
        l4::Message message;
        l4::receive(host, message);
        const uint32_t round = message.w0;
        for (uint32_t page = 0; page < settings.pages; ++page) {
            fill(round, page);
            if (page % pages_between_reports == 0)
                l4::send(host, {round, 0, still_filling});
        }
        l4::send(host, {round, 0, 0});
        l4::receive(host, message);
        check(round, settings.pages);
        discard_data(settings.pages);
        expect(word(0, 1) == 0, "a discarded page that is not zero", word(0, 1));
        discard_pages(data(1));
        l4::send(host, {round, reinterpret_cast<uint32_t>(error), error_detail});
    }
}

// The child's code. It makes the checkpoint server its pager (INT 0x35 for itself, all else kept) and writes to a page.
[[gnu::naked, noreturn]] void child_entry() {
    asm volatile(
        "movl $0, %%eax\n\tmovl $-1, %%ecx\n\tmovl $1f, %%edx\n\tmovl $-1, %%ebx\n\tmovl %[pager], %%esi\n\t"
        "int $0x35\n"
        "1:\tmovl $1, %c[data]\n"
        "2:\tjmp 2b"
        :
        : [pager] "i"(l4::pager_thread.raw), [data] "i"(data_base));
}

// The code itself comes from this thread. A recovery loses it; the child then runs into zeros, and nobody minds.
constexpr unsigned code_pager_lthread = 1;
alignas(16) uint8_t code_pager_stack[4096] = {1}; // initialised: its page is there from the start

[[noreturn]] void run_code_pager() {
    l4::ThreadId child;
    l4::Message message;
    l4::wait(child, message);
    for (;;) {
        const uint32_t page = reinterpret_cast<uint32_t>(&child_entry) & ~(l4::page_size - 1);
        (void)*reinterpret_cast<const volatile uint8_t*>(page);
        message = {page, l4::Fpage::make(page, l4::page_bits).raw, 0};
        l4::reply_and_wait(child, message, l4::send_map);
    }
}

void start_code_pager() {
    l4::lthread_ex_regs(code_pager_lthread, reinterpret_cast<uint32_t>(&run_code_pager),
                        reinterpret_cast<uint32_t>(code_pager_stack) + sizeof code_pager_stack - 16);
}

class Child {
public:
    explicit Child(l4::ThreadId number) : number_{number} {}
    void live_for_a_while() const {
        constexpr unsigned mcp_max = 255;
        const l4::ThreadId child = l4::task_new(l4::ThreadId::make(number_.task(), 0, 0, l4::my_id().task()),
                                                mcp_max, reinterpret_cast<uint32_t>(&child_entry), 0,
                                                l4::my_id().with_lthread(code_pager_lthread));
        expect(!child.is_nil(), "a task that could not be created", 0);
        l4::sleep_us(20'000);
        expect(!l4::task_new(child, 0, 0, 0, l4::nil_thread).is_nil(), "a task that could not be deleted", 0);
    }
    Discarded discard() const { return discard_pages(l4::Fpage::whole_space(), number_.task()); }

private:
    l4::ThreadId number_;
};

void try_child(const Child& child) {
    child.live_for_a_while();
    const Discarded first = child.discard();
    expect(!first.refused && (first.pages > 0 || first.repeated), "a deleted task's page", first.pages);
    const Discarded second = child.discard();
    expect(!second.refused && second.pages == 0, "a deleted task's page that is there again", second.pages);
}

// All that is there so far then has its place on the disk. An aborted call: a recovery has just gone back to one.
void take_checkpoint() {
    l4::Message message{pager::request_word(pager::Request::checkpoint)};
    l4::ThreadId server = l4::pager_thread;
    l4::call(server, message);
}

void tell_guests(const StartupPage& startup, uint32_t round) {
    for (unsigned guest = 1; guest <= guests; ++guest)
        l4::send(startup.threads[guest], {round, 0, 0});
}

enum class Heard { nothing, still_filling, done };
Heard wait_for_guest(uint32_t round, uint64_t patience_us) {
    l4::ThreadId from;
    l4::Message message;
    if (!l4::wait(from, message, l4::Timeouts::make(0, patience_us)).ok())
        return Heard::nothing;
    expect(message.w0 == round, "a guest in another round", message.w0);
    expect(message.w1 == 0, reinterpret_cast<const char*>(message.w1), message.w2);
    return message.w2 == still_filling ? Heard::still_filling : Heard::done;
}

void run_round(uint32_t round, const StartupPage& startup, const Settings& settings, const Child& child) {
    for (uint32_t page = 0; page < settings.ballast; ++page)
        fill(round, page);
    tell_guests(startup, round);
    bool was_full = false;
    for (unsigned ready = 0; ready < guests && !error;) {
        const Heard heard = wait_for_guest(round, was_full ? l4::Timeouts::infinite_us : stuck_us);
        ready += heard == Heard::done ? 1 : 0;
        if (heard != Heard::nothing)
            continue;
        was_full = true;
        child.live_for_a_while(); // it waits for its page, and must not get it any more
        expect(!child.discard().refused, "a deleted task's pages could not be discarded", 0);
        check(round, settings.ballast);
        take_checkpoint();
        discard_data(settings.ballast);
    }
    tell_guests(startup, round);
    for (unsigned ready = 0; ready < guests && !error; ++ready)
        wait_for_guest(round, l4::Timeouts::infinite_us);
    expect(was_full || error, "the disk was not full", round);
    expect(error || child.discard().pages == 0, "a task that was deleted got a page", round);
}

} // namespace

void program_main(const StartupPage& startup) {
    const char* const known[] = {"rounds", "ballast", "pages", "instance", "tasks"};
    Arguments arguments(startup.arguments);
    Settings settings;
    settings.rounds = static_cast<uint32_t>(arguments.number("rounds", 3, 1, 1u << 20));
    settings.ballast = static_cast<uint32_t>(arguments.number("ballast", 600, 1, 1u << 16));
    settings.pages = static_cast<uint32_t>(arguments.number("pages", 250, 1, 1u << 16));
    require_good_arguments(startup, "full_disk", arguments, known, sizeof known / sizeof known[0]);
    if (startup.task_index != 0)
        run_guest(startup, settings);

    start_code_pager();
    const Child child{startup.threads[started]};
    try_what_is_refused(startup);
    try_child(child);
    for (uint32_t round = 1; round <= settings.rounds && !error; ++round) {
        run_round(round, startup, settings, child);
        TextLine line;
        line.text("full_disk ").decimal(startup.instance).text(": round ").decimal(round).print();
        l4::probe<l4::Probe::work>(startup.instance, 1);
    }
    TextLine line;
    line.text("full_disk ").decimal(startup.instance);
    if (error)
        line.text(": FAILED: ").text(error).text(", ").decimal(error_detail).print();
    else
        line.text(": verified, rounds=").decimal(settings.rounds).text(", checksum=0").print();
    finish(startup, !error);
}

} // namespace workloads
