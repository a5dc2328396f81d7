// writer: dirties pages in a given pattern at a given rate. See page_writer.hpp for what is checked.
//
// Arguments: pages, pattern (sequential, uniform, zipf), zipf (the exponent, such as 0.99), rate_pages_per_s
// (0: as fast as possible), writes (in all), seed.
//
// The rate is kept by sleeping between bursts of up to 10 ms worth of writes. There is no clock in a
// persistent task's memory, so the time that the writes themselves take comes on top: the rate is an upper
// bound.
#include "kernel-model/abi/probes.hpp"
#include "kernel-model/abi/syscalls.hpp"
#include "workloads/runtime/program.hpp"
#include "workloads/runtime/text_line.hpp"
#include "workloads/runtime/zipf.hpp"
#include "workloads/writer/page_writer.hpp"

namespace workloads {

WORKLOAD_PROGRAM_HEADER(1, 0, "");

namespace {

enum class Pattern : unsigned { sequential, uniform, zipf };

constexpr uint32_t pages_max = 1u << 17; // 512 MB
constexpr uint32_t zipf_exponent_max = 8;
constexpr uint32_t work_probe_writes = 100;
constexpr uint32_t check_every_writes = 50'000;
constexpr uint32_t counters_address = heap_base, weights_address = heap_base + 0x00100000u;
constexpr uint32_t content_address = heap_base + 0x00400000u;
static_assert(pages_max * sizeof(uint32_t) <= weights_address - counters_address);
static_assert(pages_max * sizeof(uint64_t) <= content_address - weights_address);

struct Options {
    uint32_t pages;
    Pattern pattern;
    uint32_t zipf_exponent_q16;
    uint32_t rate_pages_per_s;
    uint64_t writes;
    uint64_t seed;
};

Options read_options(const StartupPage& startup) {
    const char* const known[] = {"pages",  "pattern", "zipf",     "rate_pages_per_s",
                                 "writes", "seed",    "instance", "tasks"};
    const char* const patterns[] = {"sequential", "uniform", "zipf"};
    Arguments arguments(startup.arguments);
    Options options;
    options.pages = static_cast<uint32_t>(arguments.number("pages", 1000, 1, pages_max));
    options.pattern = static_cast<Pattern>(arguments.choice("pattern", 1, patterns, 3));
    options.zipf_exponent_q16 = arguments.fraction_q16("zipf", ZipfSampler::exponent_one, zipf_exponent_max);
    options.rate_pages_per_s = static_cast<uint32_t>(arguments.number("rate_pages_per_s", 0, 0, 100'000'000));
    options.writes = arguments.number("writes", 1'000'000, 1, uint64_t{1} << 40);
    options.seed = arguments.number("seed", 1, 0, ~uint64_t{0});
    require_good_arguments(startup, "writer", arguments, known, sizeof known / sizeof known[0]);
    return options;
}

constinit PageWriter writer;
constinit ZipfSampler sampler;
constinit Random random;

uint32_t next_page(const Options& options, uint64_t write) {
    switch (options.pattern) {
    case Pattern::sequential:
        return static_cast<uint32_t>(write % options.pages);
    case Pattern::zipf:
        return sampler.draw(random);
    case Pattern::uniform:
        break;
    }
    return random.below(options.pages);
}

// How many writes are made between two sleeps, and how long those are.
struct Pace {
    uint32_t burst_writes = 0; // 0: never sleep
    uint32_t sleep_us = 0;

    static Pace of_rate(uint32_t pages_per_s) {
        constexpr uint32_t second_us = 1'000'000, burst_us = 10'000;
        if (pages_per_s == 0)
            return {};
        if (pages_per_s < second_us / burst_us)
            return {1, second_us / pages_per_s};
        return {pages_per_s / (second_us / burst_us), burst_us};
    }
};

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
    random = Random(options.seed);
    if (options.pattern == Pattern::zipf)
        sampler = ZipfSampler(options.pages, options.zipf_exponent_q16,
                              reinterpret_cast<uint64_t*>(weights_address));

    const Pace pace = Pace::of_rate(options.rate_pages_per_s);
    uint32_t until_sleep = pace.burst_writes, until_probe = work_probe_writes,
             until_check = check_every_writes;
    for (uint64_t write = 0; write < options.writes; ++write) {
        const uint32_t page = next_page(options, write);
        if (!writer.write(page))
            fail(startup, page, write);
        if (--until_probe == 0) {
            l4::probe<l4::Probe::work>(startup.instance, work_probe_writes);
            until_probe = work_probe_writes;
        }
        if (--until_check == 0) {
            l4::probe<l4::Probe::workload_check>(startup.instance, writer.writes() == write + 1);
            until_check = check_every_writes;
        }
        if (pace.burst_writes && --until_sleep == 0) {
            l4::sleep_us(pace.sleep_us);
            until_sleep = pace.burst_writes;
        }
    }
    if (until_probe != work_probe_writes)
        l4::probe<l4::Probe::work>(startup.instance, work_probe_writes - until_probe);

    const uint32_t wrong = writer.first_wrong_page();
    if (wrong != writer.pages() || writer.writes() != options.writes)
        fail(startup, wrong, options.writes);
    TextLine line;
    line.text("writer ").decimal(startup.instance).text(": verified, writes=").decimal(writer.writes());
    line.text(", checksum=").hex(writer.checksum(), 16).print();
    finish(startup, true);
}

} // namespace workloads
