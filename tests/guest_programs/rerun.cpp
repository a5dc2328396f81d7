// rerun: programs that take checkpoints of their own and notice when they were set back, in every kind of thread that may
// ask: the main thread and another of the first task, and the main threads of further tasks.
//
// Each goes through its rounds: asks for a checkpoint, and says on the console, which no recovery sets back, that the round
// is durable. A round in which the session number changed is not: it says so and does the round again.
//
// Arguments: rounds (of each thread), tasks.
#include "workloads/runtime/fixpoint.hpp"
#include "workloads/runtime/program.hpp"
#include "workloads/runtime/text_line.hpp"

namespace workloads {

WORKLOAD_PROGRAM_HEADER(0, 3, "");

namespace {

constexpr unsigned second_lthread = 1;
constexpr uint32_t second_stack_top = heap_base + 0x10000;
constexpr uint32_t ended_tag = 0x454E4400u;

const StartupPage* program;
uint32_t rounds;

TextLine& begin_line(TextLine& line) {
    const l4::ThreadId self = l4::my_id();
    return line.text("rerun ")
        .decimal(program->instance)
        .text(": thread ")
        .decimal(program->task_index)
        .text(".")
        .decimal(self.lthread());
}

// False: an epoch that is not newer than the last, although no recovery came between.
bool go_through_rounds() {
    uint32_t newest = 0;
    for (uint32_t round = 1; round <= rounds;) {
        const uint32_t old = session(), epoch = fixpoint();
        TextLine line;
        begin_line(line);
        if (const uint32_t now = session(); now != old) {
            line.text(" was set back to round ").decimal(round).text(", session ").decimal(now).print();
            continue;
        }
        if (epoch == 0)
            continue; // the server is busy
        if (epoch <= newest)
            return false;
        newest = epoch;
        line.text(" round ").decimal(round).text(" durable, epoch ").decimal(epoch).print();
        ++round;
    }
    return true;
}

// The result goes to the first task's main thread, which has reports to wait for from all others.
[[noreturn]] void go_and_report() {
    const bool ok = go_through_rounds();
    while (!l4::send(program->threads[0], {ended_tag, ok, 0}).ok()) {
    }
    rest();
}

} // namespace

void program_main(const StartupPage& startup) {
    const char* const known[] = {"rounds", "instance", "tasks"};
    Arguments arguments(startup.arguments);
    rounds = static_cast<uint32_t>(arguments.number("rounds", 10, 1, 1u << 20));
    require_good_arguments(startup, "rerun", arguments, known, sizeof known / sizeof known[0]);
    program = &startup;
    if (startup.task_index != 0)
        go_and_report();

    l4::lthread_ex_regs(second_lthread, reinterpret_cast<uint32_t>(&go_and_report), second_stack_top - 16);
    bool ok = go_through_rounds();
    for (unsigned missing = startup.task_count; missing > 0;) {
        l4::ThreadId sender;
        l4::Message message;
        if (!l4::wait(sender, message).ok() || message.w0 != ended_tag)
            continue;
        ok = ok && message.w1 != 0;
        --missing;
    }
    TextLine line;
    line.text("rerun ").decimal(startup.instance);
    line.text(ok ? ": verified, rounds=" : ": FAILED: an old epoch, rounds=").decimal(rounds);
    line.text(", checksum=0").print();
    finish(startup, ok);
}

} // namespace workloads
