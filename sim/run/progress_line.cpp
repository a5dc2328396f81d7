#include "sim/run/progress_line.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

namespace fixpoint::sim {
namespace {

constexpr const char* clear_line = "\r\033[K";

double fraction_of(const Experiment& experiment, const Progress& job) {
    if (job.ended)
        return 1;
    double done = 0, all = 0;
    if (experiment.run.until_workload) {
        done = static_cast<double>(job.work);
        for (const Workload& workload : experiment.workloads)
            all += static_cast<double>(workload.total_work);
    } else {
        done = static_cast<double>(job.simulated_ps);
        all = static_cast<double>(experiment.run.end);
    }
    return all > 0 ? std::min(done / all, 1.0) : 0;
}

} // namespace

ProgressLine::ProgressLine(bool wanted) : active_(wanted && isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
    if (drawn_)
        std::fputs(clear_line, stderr);
}

std::string ProgressLine::text(const std::vector<Experiment>& experiments, ProgressView jobs,
                               double elapsed_s) {
    double fraction = 0, simulated_s = 0, instructions = 0;
    uint64_t checkpoints = 0;
    size_t ended = 0;
    for (size_t i = 0; i < jobs.size(); ++i) {
        fraction += fraction_of(experiments[i], *jobs[i]) / static_cast<double>(jobs.size());
        simulated_s +=
            static_cast<double>(jobs[i]->simulated_ps) / static_cast<double>(models::ps_per_second);
        instructions += static_cast<double>(jobs[i]->instructions);
        checkpoints += jobs[i]->checkpoints;
        ended += jobs[i]->ended ? 1 : 0;
    }
    std::string line = fmt::format("{:5.2f} s simulated, {:.0f} MIPS, {} checkpoints", simulated_s,
                                   elapsed_s > 0 ? instructions / elapsed_s / 1e6 : 0.0, checkpoints);
    if (jobs.size() > 1)
        line += fmt::format(", {} of {} simulations", ended, jobs.size());
    constexpr double too_little_to_tell = 0.01;
    if (fraction > too_little_to_tell)
        line += fmt::format(", about {:.0f} s left", elapsed_s * (1 - fraction) / fraction);
    return line;
}

void ProgressLine::draw(const std::vector<Experiment>& experiments, ProgressView jobs) {
    if (!active_)
        return;
    const double elapsed_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
    fmt::print(stderr, "{}{}", clear_line, text(experiments, jobs, elapsed_s));
    std::fflush(stderr);
    drawn_ = true;
}

} // namespace fixpoint::sim
