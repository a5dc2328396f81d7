// writer: dirties pages in a given pattern at a given rate. See page_writer.hpp for what is checked.
//
// Arguments: pages, pattern (sequential, uniform, zipf), zipf (the exponent, such as 0.99), scatter (1: ranks are spread
// over the pages, else the hottest pages lie side by side), rate_pages_per_s (0: as fast as possible), arrivals (regular,
// poisson), writes (in all), report_every (writes between two lines on the console; 0: none), seed.
//
// The rate is kept by computing between writes, never by sleeping: the processor is busy all the time, so what a
// checkpoint takes away is missed. The time of the write itself comes on top, so the rate is an upper bound.
#include "kernel-model/abi/probes.hpp"
#include "kernel-model/abi/syscalls.hpp"
#include "workloads/runtime/program.hpp"
#include "workloads/runtime/text_line.hpp"
#include "workloads/writer/pace.hpp"
#include "workloads/writer/page_choice.hpp"
#include "workloads/writer/page_writer.hpp"

namespace workloads {

WORKLOAD_PROGRAM_HEADER(1, 0, "");

namespace {

constexpr uint32_t pages_max = 1u << 17; // 512 MB
constexpr uint32_t zipf_exponent_max = 8;
constexpr uint32_t check_every_writes = 50'000;
constexpr uint32_t counters_address = heap_base, weights_address = heap_base + 0x00100000u;
constexpr uint32_t content_address = heap_base + 0x00400000u;
static_assert(pages_max * sizeof(uint32_t) <= weights_address - counters_address);
static_assert(pages_max * sizeof(uint64_t) <= content_address - weights_address);

struct Options {
    uint32_t pages;
    Pattern pattern;
    uint32_t zipf_exponent_q16;
    bool scattered;
    uint32_t rate_pages_per_s;
    Arrivals arrivals;
    uint64_t writes;
    uint64_t report_every;
    uint64_t seed;
};

Options read_options(const StartupPage& startup) {
    const char* const known[] = {"pages",    "pattern", "zipf",         "scatter", "rate_pages_per_s",
                                 "arrivals", "writes",  "report_every", "seed",    "instance",
                                 "tasks"};
    const char* const patterns[] = {"sequential", "uniform", "zipf"};
    const char* const arrivals[] = {"regular", "poisson"};
    Arguments arguments(startup.arguments);
    Options options;
    options.pages = static_cast<uint32_t>(arguments.number("pages", 1000, 1, pages_max));
    options.pattern = static_cast<Pattern>(arguments.choice("pattern", 1, patterns, 3));
    options.zipf_exponent_q16 = arguments.fraction_q16("zipf", ZipfSampler::exponent_one, zipf_exponent_max);
    options.scattered = arguments.number("scatter", 0, 0, 1) != 0;
    options.arrivals = static_cast<Arrivals>(arguments.choice("arrivals", 0, arrivals, 2));
    options.rate_pages_per_s = static_cast<uint32_t>(arguments.number("rate_pages_per_s", 0, 0, 100'000'000));
    options.writes = arguments.number("writes", 1'000'000, 1, uint64_t{1} << 40);
    options.report_every = arguments.number("report_every", 0, 0, uint64_t{1} << 40);
    options.seed = arguments.number("seed", 1, 0, ~uint64_t{0});
    require_good_arguments(startup, "writer", arguments, known, sizeof known / sizeof known[0]);
    return options;
}

constinit PageWriter writer;
constinit PageChoice choice;
constinit Pace pace;

[[noreturn]] void fail(const StartupPage& startup, uint32_t page, uint64_t write) {
    TextLine line;
    line.text("writer ").decimal(startup.instance).text(": FAILED: page ").decimal(page);
    line.text(" contradicts its counter at write ").decimal(write).print();
    l4::probe<l4::Probe::workload_check>(startup.instance, 0);
    finish(startup, false);
}

} // namespace

void program_main(const StartupPage& startup) {
    const Options options = read_options(startup);
    writer = PageWriter(options.pages, options.seed, reinterpret_cast<uint64_t*>(content_address),
                        reinterpret_cast<uint32_t*>(counters_address));
    ZipfSampler sampler;
    if (options.pattern == Pattern::zipf)
        sampler = ZipfSampler(options.pages, options.zipf_exponent_q16,
                              reinterpret_cast<uint64_t*>(weights_address));
    choice = PageChoice(options.pages, options.pattern, sampler, options.scattered, options.seed);
    pace = Pace(options.rate_pages_per_s, options.arrivals, startup.processor_frequency_hz,
                measure_cycles_per_turn(), options.seed + 1);

    uint32_t until_check = check_every_writes;
    uint64_t until_report = options.report_every;
    for (uint64_t write = 0; write < options.writes; ++write) {
        const uint32_t page = choice.next();
        if (!writer.write(page))
            fail(startup, page, write);
        l4::probe<l4::Probe::work>(startup.instance, 1);
        if (--until_check == 0) {
            l4::probe<l4::Probe::workload_check>(startup.instance, writer.writes() == write + 1);
            until_check = check_every_writes;
        }
        if (until_report != 0 && --until_report == 0) {
            TextLine line;
            line.text("writer ").decimal(startup.instance).text(": ").decimal(write + 1);
            line.text(" writes").print();
            until_report = options.report_every;
        }
        pace.wait();
    }

    const uint32_t wrong = writer.first_wrong_page();
    if (wrong != writer.pages() || writer.writes() != options.writes)
        fail(startup, wrong, options.writes);
    TextLine line;
    line.text("writer ").decimal(startup.instance).text(": verified, writes=").decimal(writer.writes());
    line.text(", checksum=").hex(writer.checksum(), 16).print();
    finish(startup, true);
}

} // namespace workloads
