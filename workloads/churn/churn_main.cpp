// churn: tasks come and go, pages are mapped, granted and unmapped all the time. The manager, the only task that the
// root task starts, is the chief and the pager of its children, above the checkpoint server.
//
//   lthread 0   arguments, start and end
//   lthread 1   the children's pager (pager.hpp)
//   from 2 on   conductors: what the children do, and whether it was right (conductor.hpp)
//
// Arguments: children (tasks: one more), conductors, pages, rounds (commands to each child), check_every (rounds between
// checks of all pages), seed.
#include "kernel-model/abi/probes.hpp"
#include "kernel-model/abi/syscalls.hpp"
#include "workloads/churn/conductor.hpp"
#include "workloads/runtime/program.hpp"
#include "workloads/runtime/text_line.hpp"

namespace workloads {

constexpr unsigned manager_tasks = 1, children_by_default = 8;
WORKLOAD_PROGRAM_HEADER(manager_tasks, children_by_default, "children", manager_tasks);

namespace {

constexpr unsigned pager_lthread = 1, first_conductor_lthread = 2, conductors_max = 8;
constexpr uint32_t pages_max = 1u << 16;
constexpr uint32_t pool_address = heap_base, records_address = 0x28000000u, stacks_address = 0x30000000u,
                   child_stacks_address = 0x31000000u, stack_bytes = 0x10000u;
static_assert((pages_max + 1) * l4::page_size <= records_address - pool_address);
static_assert((pages_max + 1) * sizeof(PageRecord) <= stacks_address - records_address);

struct Options {
    unsigned children = 0, conductors = 0;
    uint32_t pages = 0, rounds = 0, check_every = 0;
    uint64_t seed = 0;
};

Options read_options(const StartupPage& startup) {
    const char* const known[] = {"children",    "conductors", "pages",    "rounds",
                                 "check_every", "seed",       "instance", "tasks"};
    Arguments arguments(startup.arguments);
    Options options;
    options.children = startup.task_count - manager_tasks;
    arguments.number("children", children_by_default, 1, children_max);
    const unsigned most = options.children < conductors_max ? options.children : conductors_max;
    options.conductors = static_cast<unsigned>(arguments.number("conductors", most < 2 ? most : 2, 1, most));
    options.pages = static_cast<uint32_t>(arguments.number("pages", 256, 16, pages_max));
    options.rounds = static_cast<uint32_t>(arguments.number("rounds", 2000, 1, 1u << 28));
    options.check_every = static_cast<uint32_t>(arguments.number("check_every", 100, 1, 1u << 28));
    options.seed = arguments.number("seed", 1, 0, ~uint64_t{0});
    require_good_arguments(startup, "churn", arguments, known, sizeof known / sizeof known[0]);
    return options;
}

constinit ChildPager child_pager;
constinit Conductor conductors[conductors_max];
constinit Options options;
constinit uint32_t instance = 0;
volatile bool stopped = false; // somebody has found an error

PageRecord* records() {
    return reinterpret_cast<PageRecord*>(records_address);
}

[[noreturn]] void pager_entry() {
    child_pager.run();
}

[[noreturn]] void conductor_entry() {
    const l4::ThreadId self = l4::my_id();
    Conductor& conductor = conductors[self.lthread() - first_conductor_lthread];
    conductor.fill_pages();
    for (uint32_t round = 1; round <= options.rounds && !conductor.error() && !stopped; ++round) {
        conductor.run_round();
        l4::probe<l4::Probe::work>(instance, conductor.children());
        if (round % options.check_every == 0 && conductor.check_pages())
            l4::probe<l4::Probe::workload_check>(instance, 1);
    }
    if (conductor.error())
        stopped = true;
    else if (!stopped)
        conductor.check_pages();
    l4::send(self.with_lthread(0), {self.lthread(), 0, 0});
    rest();
}

void start_thread(unsigned lthread, void (*entry)()) {
    l4::lthread_ex_regs(lthread, reinterpret_cast<uint32_t>(entry),
                        stacks_address + (lthread + 1) * stack_bytes - 16, l4::pager_thread);
}

void start_pager(const StartupPage& startup) {
    child_pager = ChildPager({pool_address, options.pages, child_stacks_address,
                              startup.threads[manager_tasks].task(), options.children});
    PageModel null_page(records(), options.pages, 1, 0);
    for (unsigned stripe = 0; stripe < stripes_per_page; ++stripe)
        fill(child_pager.page(options.pages).stripes[stripe], null_page.state(options.pages, stripe));
    start_thread(pager_lthread, &pager_entry);
}

// The part of `whole` that the conductor with this number begins with.
uint32_t share_begin(uint32_t whole, unsigned number) {
    return static_cast<uint32_t>(uint64_t{whole} * number / options.conductors);
}

void start_conductors() {
    const l4::ThreadId pager = l4::my_id().with_lthread(pager_lthread);
    for (unsigned i = 0; i < options.conductors; ++i) {
        const unsigned first_child = share_begin(options.children, i);
        const uint32_t first_page = share_begin(options.pages, i);
        conductors[i] =
            Conductor(child_pager, pager, records(),
                      {first_child, share_begin(options.children, i + 1) - first_child, first_page,
                       share_begin(options.pages, i + 1) - first_page, options.seed * conductors_max + i});
        start_thread(first_conductor_lthread + i, &conductor_entry);
    }
}

void wait_for_conductors() {
    for (unsigned ended = 0; ended < options.conductors && !stopped;) {
        l4::ThreadId from;
        l4::Message message;
        const l4::MessageResult result = l4::wait(from, message, l4::Timeouts::make(0, 10'000));
        if (result.ok())
            ++ended;
        if (child_pager.stray_fault() != 0)
            stopped = true;
    }
}

bool report(TextLine& line) {
    if (const uint32_t address = child_pager.stray_fault()) {
        line.text("FAILED: a child faulted at 0x").hex(address & ~3u, 8);
        return false;
    }
    uint32_t checksum = 0, created = 0;
    for (unsigned i = 0; i < options.conductors; ++i) {
        Conductor& conductor = conductors[i];
        if (const char* error = conductor.error()) {
            line.text("FAILED: child ").decimal(conductor.error_child()).text(": ").text(error);
            line.text(", ").decimal(conductor.error_value());
            return false;
        }
        conductor.end();
        checksum = chain32(checksum, conductor.checksum());
        created += conductor.created();
    }
    line.text("verified, rounds=").decimal(options.rounds).text(", created=").decimal(created);
    line.text(", faults=").decimal(child_pager.faults()).text(", checksum=").hex(checksum, 8);
    return true;
}

} // namespace

void program_main(const StartupPage& startup) {
    instance = startup.instance;
    options = read_options(startup);
    start_pager(startup);
    start_conductors();
    wait_for_conductors();
    TextLine line;
    line.text("churn ").decimal(instance).text(": ");
    const bool verified = report(line);
    line.print();
    l4::probe<l4::Probe::workload_check>(instance, verified);
    finish(startup, verified);
}

} // namespace workloads
