#include "sim/config/program_arguments.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace fixpoint::sim {
namespace {

// Fills Workload::arguments while the keys are read.
class Arguments {
public:
    Arguments(Section& section, Workload& workload) : section_(section), workload_(workload) {}

    uint64_t number(std::string_view key, const IntegerKey& schema) {
        const auto value = static_cast<uint64_t>(section_.integer(key, schema));
        append(key, std::to_string(value));
        return value;
    }
    // The guest reads decimals without an exponent.
    void fraction(std::string_view key, const RealKey& schema) {
        append(key, fmt::format("{:.4f}", section_.real(key, schema)));
    }
    void choice(std::string_view key, std::string_view meaning, const std::vector<std::string_view>& choices,
                size_t otherwise) {
        append(key, choices[section_.choice(key, meaning, choices, otherwise)]);
    }

private:
    void append(std::string_view key, std::string_view value) {
        workload_.arguments += fmt::format("{}{}={}", workload_.arguments.empty() ? "" : " ", key, value);
    }

    Section& section_;
    Workload& workload_;
};

void read_ledger(Arguments& arguments, Workload& workload) {
    arguments.number("accounts",
                     {.meaning = "accounts", .minimum = 2, .maximum = 1 << 20, .otherwise = 20'000});
    const uint64_t clients =
        arguments.number("clients", {.meaning = "client tasks", .minimum = 1, .maximum = 64, .otherwise = 4});
    const uint64_t transfers = arguments.number(
        "transfers",
        {.meaning = "transfers of each client", .minimum = 1, .maximum = (1 << 28) - 1, .otherwise = 40'000});
    arguments.number(
        "log", {.meaning = "records kept of the log", .minimum = 1, .maximum = 1 << 20, .otherwise = 8'192});
    arguments.number("check_every", {.meaning = "transfers between two checks of the whole ledger",
                                     .minimum = 1,
                                     .maximum = 1 << 30,
                                     .otherwise = 10'000});
    arguments.number("pause_us", {.meaning = "us that a client sleeps after every 100 transfers",
                                  .maximum = 60'000'000,
                                  .otherwise = 0});
    workload.total_work = clients * transfers;
}

void read_writer(Arguments& arguments, Workload& workload) {
    arguments.number("pages", {.meaning = "pages", .minimum = 1, .maximum = 1 << 17, .otherwise = 1'000});
    arguments.choice("pattern", "the order of the writes", {"sequential", "uniform", "zipf"}, 1);
    arguments.fraction("zipf",
                       {.meaning = "exponent of the Zipf distribution", .maximum = 8, .otherwise = 1.0});
    arguments.number("scatter",
                     {.meaning = "1: Zipf ranks are spread over the pages", .maximum = 1, .otherwise = 0});
    arguments.choice("arrivals", "when writes are made at a given rate", {"regular", "poisson"}, 0);
    arguments.number(
        "rate_pages_per_s",
        {.meaning = "writes a second, 0: as fast as possible", .maximum = 10'000'000, .otherwise = 0});
    workload.total_work = arguments.number(
        "writes",
        {.meaning = "writes in all", .minimum = 1, .maximum = 1'000'000'000, .otherwise = 1'000'000});
    arguments.number("report_every", {.meaning = "writes between two lines on the console, 0: none",
                                      .maximum = 1'000'000'000,
                                      .otherwise = 0});
}

void read_churn(Arguments& arguments, Workload& workload) {
    const uint64_t children = arguments.number(
        "children", {.meaning = "tasks that come and go", .minimum = 1, .maximum = 64, .otherwise = 8});
    arguments.number("conductors", {.meaning = "threads that direct them",
                                    .minimum = 1,
                                    .maximum = static_cast<int64_t>(std::min<uint64_t>(children, 8)),
                                    .otherwise = static_cast<int64_t>(std::min<uint64_t>(children, 2))});
    arguments.number(
        "pages", {.meaning = "pages that they share", .minimum = 16, .maximum = 1 << 16, .otherwise = 256});
    const uint64_t rounds = arguments.number(
        "rounds",
        {.meaning = "commands to each child", .minimum = 1, .maximum = 1 << 28, .otherwise = 2'000});
    arguments.number("check_every", {.meaning = "rounds between two checks of all pages",
                                     .minimum = 1,
                                     .maximum = 1 << 28,
                                     .otherwise = 100});
    workload.total_work = children * rounds;
}

void read_crowd(Arguments& arguments, Workload& workload) {
    constexpr int64_t threads_per_task = 64, tasks_max = 128;
    const auto tasks = static_cast<int64_t>(
        arguments.number("tasks", {.meaning = "tasks", .minimum = 1, .maximum = tasks_max, .otherwise = 4}));
    const auto threads =
        static_cast<int64_t>(arguments.number("threads", {.meaning = "threads in all tasks together",
                                                          .minimum = std::max<int64_t>(tasks, 2),
                                                          .maximum = tasks * threads_per_task,
                                                          .otherwise = tasks * 16}));
    const auto active =
        static_cast<int64_t>(arguments.number("active", {.meaning = "threads that pass messages round",
                                                         .minimum = 2,
                                                         .maximum = threads,
                                                         .otherwise = threads}));
    arguments.number(
        "pages_per_thread",
        {.meaning = "pages that a thread writes to, beside its stack's", .maximum = 1024, .otherwise = 1});
    const auto pages = static_cast<int64_t>(arguments.number(
        "pages",
        {.meaning = "further pages of each task, written to once", .maximum = 1 << 18, .otherwise = 0}));
    arguments.number("checked_pages", {.meaning = "of the further pages, those that are read at the end",
                                       .maximum = pages,
                                       .otherwise = pages});
    const uint64_t tours = arguments.number(
        "tours",
        {.meaning = "times round for messages", .minimum = 1, .maximum = 1 << 30, .otherwise = 1'000});
    arguments.number(
        "tokens",
        {.meaning = "messages on the way at a time", .minimum = 1, .maximum = active - 1, .otherwise = 1});
    arguments.number("pause_us", {.meaning = "us that the first thread sleeps after each time round",
                                  .maximum = 60'000'000,
                                  .otherwise = 0});
    workload.total_work = static_cast<uint64_t>(active) * tours;
}

} // namespace

const std::vector<ProgramInfo>& workload_programs() {
    static const std::vector<ProgramInfo> programs = {
        {"ledger", "client tasks move money between the accounts of a server task; every transfer is logged"},
        {"writer", "dirties pages sequentially, uniformly or by a Zipf distribution, at a given rate"},
        {"churn", "a pager of its own creates and kills tasks, maps, grants and unmaps their pages"},
        {"crowd", "many threads, of which some pass messages round while the others wait"},
    };
    return programs;
}

Workload read_workload(Section& section, uint64_t seed) {
    std::vector<std::string_view> names;
    for (const ProgramInfo& program : workload_programs())
        names.push_back(program.name);
    Workload workload;
    workload.program = names[section.choice("program", "a workload program", names)];
    Arguments arguments(section, workload);
    if (workload.program == "ledger")
        read_ledger(arguments, workload);
    else if (workload.program == "churn")
        read_churn(arguments, workload);
    else if (workload.program == "crowd")
        read_crowd(arguments, workload);
    else
        read_writer(arguments, workload);
    arguments.number("seed", {.meaning = "seed of the program's random choices",
                              .maximum = 0xFFFF'FFFF,
                              .otherwise = static_cast<int64_t>(seed & 0xFFFF'FFFF)});
    return workload;
}

} // namespace fixpoint::sim
