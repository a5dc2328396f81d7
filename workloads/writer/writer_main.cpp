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
#include "workloads/runtime/fixed_point.hpp"
#include "workloads/runtime/program.hpp"
#include "workloads/runtime/random.hpp"
#include "workloads/runtime/text_line.hpp"
#include "workloads/runtime/zipf.hpp"
#include "workloads/writer/page_writer.hpp"

namespace workloads {

WORKLOAD_PROGRAM_HEADER(1, 0, "");

namespace {

enum class Pattern : unsigned { sequential, uniform, zipf };
enum class Arrivals : unsigned { regular, poisson };

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
constinit ZipfSampler sampler;
constinit Random random;

// What is computed between two writes: turns of a loop that takes a cycle a turn on the modelled processor.
class Pace {
public:
    constexpr Pace() = default;
    Pace(const Options& options, uint32_t frequency_hz)
        : turns_(options.rate_pages_per_s == 0 ? 0 : frequency_hz / options.rate_pages_per_s),
          poisson_(options.arrivals == Arrivals::poisson), random_(options.seed + 1) {}

    void wait() {
        uint64_t turns = poisson_ ? turns_ * exponential_q24() >> 24 : turns_;
        for (; turns > 0; --turns)
            asm volatile("");
    }

private:
    // Of mean 1: -ln(u), u uniform in (0, 1].
    uint64_t exponential_q24() {
        constexpr uint64_t ln_2_q24 = 11629080;
        const uint64_t minus_log2_q24 = (uint64_t{32} << 24) - log2_q24(random_.next() | 1);
        return minus_log2_q24 * ln_2_q24 >> 24;
    }

    uint64_t turns_ = 0;
    bool poisson_ = false;
    Random random_;
};

// Ranks in another order: a multiplication with a number that has no factor in common with the number of pages.
class Scatter {
public:
    constexpr Scatter() = default;
    Scatter(uint32_t pages, bool scattered) : pages_(pages), factor_(1) {
        constexpr uint64_t golden_ratio_q32 = 2654435769;
        if (!scattered)
            return;
        factor_ = static_cast<uint32_t>(pages * golden_ratio_q32 >> 32);
        while (common_factor(factor_, pages) != 1)
            ++factor_;
    }
    uint32_t page_of(uint32_t rank) const { return static_cast<uint32_t>(uint64_t{rank} * factor_ % pages_); }

private:
    static uint32_t common_factor(uint32_t a, uint32_t b) {
        while (b != 0) {
            const uint32_t rest = a % b;
            a = b;
            b = rest;
        }
        return a;
    }

    uint32_t pages_ = 1, factor_ = 1;
};
constinit Scatter scatter;

uint32_t next_page(const Options& options, uint64_t write) {
    switch (options.pattern) {
    case Pattern::sequential:
        return static_cast<uint32_t>(write % options.pages);
    case Pattern::zipf:
        return scatter.page_of(sampler.draw(random));
    case Pattern::uniform:
        break;
    }
    return random.below(options.pages);
}

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
    scatter = Scatter(options.pages, options.scattered);
    if (options.pattern == Pattern::zipf)
        sampler = ZipfSampler(options.pages, options.zipf_exponent_q16,
                              reinterpret_cast<uint64_t*>(weights_address));

    Pace pace(options, startup.processor_frequency_hz);
    uint32_t until_probe = work_probe_writes, until_check = check_every_writes;
    uint64_t until_report = options.report_every;
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
        if (until_report != 0 && --until_report == 0) {
            TextLine line;
            line.text("writer ").decimal(startup.instance).text(": ").decimal(write + 1);
            line.text(" writes").print();
            until_report = options.report_every;
        }
        pace.wait();
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
