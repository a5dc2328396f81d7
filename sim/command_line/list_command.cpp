#include "sim/command_line/commands.hpp"
#include "sim/config/program_arguments.hpp"
#include "sim/config/search_path.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>

namespace fixpoint::sim {
namespace {

struct Metric {
    const char* name;
    const char* meaning;
};

// The keys of summary.json.
constexpr Metric metrics[] = {
    {"simulated.seconds", "modelled time from power-on to the run's end"},
    {"simulated.cycles", "processor cycles in that time"},
    {"simulated.instructions", "instructions retired"},
    {"host.seconds, host.mips", "what the simulation took; the only part that differs between two runs"},
    {"workload.finished", "all programs have ended"},
    {"workload.verified", "all programs found their data right, at the end and on the way"},
    {"checkpoints.committed", "checkpoints that became durable"},
    {"checkpoints.delayed", "checkpoints that fell due before the last one was durable"},
    {"checkpoints.interval_ms", "from snapshot to snapshot: mean, p99"},
    {"checkpoints.stop_us", "first to last instruction of the stop: mean, p50, p99, max"},
    {"checkpoints.commit_ms", "from the snapshot until it is durable: mean, p50, p99, max"},
    {"checkpoints.dirty_pages", "pages frozen by a stop: mean, max"},
    {"checkpoints.copied_pages", "pages copied because they were written while frozen: mean, max"},
    {"checkpoints.bytes_written", "bytes written to the disk for committed checkpoints"},
    {"checkpoints.write_amplification", "those bytes over the bytes of the frozen pages"},
    {"page_ins.count", "page faults that waited for the disk"},
    {"page_ins.us", "from such a fault to the repeated instruction: mean, p50, p99, max"},
    {"overhead.percent", "cycles more than the same work takes without checkpoints"},
    {"overhead.baseline_cycles", "cycles of the run without checkpoints"},
    {"overhead.cycles",
     "the difference by account: stop, write_faults, copies, tlb_and_cache, driver, other"},
    {"recovery.crash_ms", "when the power was cut"},
    {"recovery.epoch", "the checkpoint that came back; 0: none had been committed"},
    {"recovery.disk_found_ms", "kernel entry to the checkpoint server's first look at its disk"},
    {"recovery.threads_ready_ms", "kernel entry to all threads being the kernel's again"},
    {"recovery.restart_ms", "kernel entry to the first instruction of a persistent thread"},
    {"recovery.full_speed_ms", "kernel entry to the first 100 ms at 95 % of the undisturbed rate of work"},
    {"recovery.lost_ms", "from the recovered snapshot's instant to the power cut"},
    {"recovery.identical", "every page and TCB came back as it was at the snapshot"},
};

// The files of a folder in configs/ with their first comment line.
void list_files(const std::string& folder) {
    const std::filesystem::path configs = configs_folder();
    std::vector<std::filesystem::path> files;
    if (!configs.empty() && std::filesystem::is_directory(configs / folder))
        for (const auto& entry : std::filesystem::directory_iterator(configs / folder))
            if (entry.path().extension() == ".toml")
                files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const std::filesystem::path& file : files) {
        std::ifstream stream(file);
        std::string line;
        std::getline(stream, line);
        const size_t text = line.find_first_not_of("# ");
        fmt::print("{:<36} {}\n", folder + '/' + file.filename().string(),
                   line.starts_with('#') && text != std::string::npos ? line.substr(text) : "");
    }
}

} // namespace

int list_command(const std::string& what) {
    if (what == "workloads") {
        for (const ProgramInfo& program : workload_programs())
            fmt::print("{:<12} {}\n", program.name, program.summary);
    } else if (what == "metrics") {
        for (const Metric& metric : metrics)
            fmt::print("{:<34} {}\n", metric.name, metric.meaning);
    } else {
        list_files(what);
    }
    return exit_fine;
}

} // namespace fixpoint::sim
