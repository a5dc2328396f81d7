// tokens: prints what a rollback would contradict (I10). Every step draws a token from the time stamp counter, which no
// recovery brings back, hashes it onto a chain, and prints both. A step that is done again after a rollback has another token,
// and all chains from there on are others: if the old line has left the machine, the two lines contradict each other.
//
// Two threads print, so that lines of several clients are on their way at the same time.
//
//   tokens N.T: step S token X chain Y
//
// Arguments: steps (of each thread), pause_us (mean of the pause between two steps), seed.
#include "kernel-model/abi/syscalls.hpp"
#include "workloads/runtime/program.hpp"
#include "workloads/runtime/random.hpp"
#include "workloads/runtime/text_line.hpp"

namespace workloads {

WORKLOAD_PROGRAM_HEADER(1, 0, "");

namespace {

constexpr unsigned thread_count = 2;
constexpr uint32_t other_stack_top = heap_base + 0x10000u;

struct Parameters {
    uint32_t instance, steps, pause_us;
    uint64_t seed;
};
constinit Parameters parameters = {};
constinit uint32_t threads_done = 0;

uint64_t time_stamp() {
    uint32_t low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return static_cast<uint64_t>(high) << 32 | low;
}

void print_steps(unsigned thread) {
    Random random(parameters.seed + thread);
    uint64_t chain = 0;
    for (uint32_t step = 1; step <= parameters.steps; ++step) {
        const uint64_t token = mix64(time_stamp());
        chain = mix64(chain ^ token);
        TextLine line;
        line.text("tokens ")
            .decimal(parameters.instance)
            .text(".")
            .decimal(thread)
            .text(": step ")
            .decimal(step);
        line.text(" token ").hex(token, 16).text(" chain ").hex(chain, 16).print();
        if (parameters.pause_us != 0)
            l4::sleep_us(1 + random.below(2 * parameters.pause_us));
    }
    __atomic_fetch_add(&threads_done, 1, __ATOMIC_SEQ_CST);
}

void other_thread() {
    print_steps(1);
    rest();
}

} // namespace

void program_main(const StartupPage& startup) {
    const char* const known[] = {"steps", "pause_us", "seed", "instance", "tasks"};
    Arguments arguments(startup.arguments);
    parameters.instance = startup.instance;
    parameters.steps = static_cast<uint32_t>(arguments.number("steps", 100, 1, 1u << 30));
    parameters.pause_us = static_cast<uint32_t>(arguments.number("pause_us", 5000, 0, 10'000'000));
    parameters.seed = arguments.number("seed", 1, 0, 1u << 30);
    require_good_arguments(startup, "tokens", arguments, known, sizeof known / sizeof known[0]);

    l4::lthread_ex_regs(1, reinterpret_cast<uint32_t>(&other_thread), other_stack_top);
    print_steps(0);
    while (__atomic_load_n(&threads_done, __ATOMIC_SEQ_CST) < thread_count)
        l4::sleep_us(10'000);
    TextLine line;
    line.text("tokens ").decimal(startup.instance).text(": verified, steps=").decimal(parameters.steps);
    line.text(", threads=").decimal(thread_count).text(", checksum=0").print();
    finish(startup, true);
}

} // namespace workloads
