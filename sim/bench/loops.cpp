#include "sim/bench/loops.hpp"

#include "models/cpu/cpu.hpp"
#include "sim/config/search_path.hpp"
#include "sim/machine/machine.hpp"
#include "sim/run/process_pool.hpp"

#include <algorithm>
#include <ctime>
#include <fmt/format.h>
#include <stdexcept>

namespace fixpoint::sim {
namespace {

constexpr const char* ipc_loop = "ipc"; // the only one that needs the kernel

double processor_seconds() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Takes the time between the guest's lines.
class LineWatch {
public:
    explicit LineWatch(Machine& machine) : machine_{machine} {}

    void put(char c) {
        if (c != '\n') {
            line_ += c;
            return;
        }
        const models::Cpu& cpu = machine_.cpu();
        if (line_.starts_with("begin ")) {
            begin_ = {"", 0, cpu.instructions(), cpu.cycles(), processor_seconds()};
        } else if (line_.starts_with("end ")) {
            const double seconds = processor_seconds() - begin_.host_seconds;
            const size_t space = line_.rfind(' ');
            const uint64_t instructions = cpu.instructions() - begin_.instructions;
            const uint64_t counted = std::stoull(line_.substr(space + 1));
            results.push_back({line_.substr(4, space - 4), counted != 0 ? counted : instructions,
                               instructions, cpu.cycles() - begin_.cycles, seconds});
        }
        line_.clear();
    }

    std::vector<LoopResult> results;

private:
    Machine& machine_;
    std::string line_;
    LoopResult begin_{};
};

nlohmann::json measure_image(const MachineParameters& parameters, const BootImage& image) {
    Machine machine(parameters, nullptr);
    LineWatch watch(machine);
    machine.set_serial_output([&](char c) { watch.put(c); });
    machine.load(image);
    const RunEnd end = machine.run(models::never);
    if (end != RunEnd::powered_off) // through port 0x8900; a failure would be a debug exit
        throw std::runtime_error(fmt::format("the image {} did not come to its end", image.kernel.string()));
    nlohmann::json rows = nlohmann::json::array();
    for (const LoopResult& r : watch.results)
        rows.push_back({r.name, r.operations, r.instructions, r.cycles, r.host_seconds});
    return rows;
}

} // namespace

const std::vector<std::string>& loop_names() {
    static const std::vector<std::string> names{"register-alu", "compiled-code", "pointer-chase", "stores",
                                                "copy-4096",    "copy-64",       "page-fault",    "interrupt",
                                                "ring-3-0-3",   "address-space", "port-read",     ipc_loop};
    return names;
}

std::vector<LoopResult> measure_loops(const MachineParameters& machine, const std::vector<std::string>& names,
                                      unsigned percent) {
    const std::filesystem::path images = image_folder();
    std::vector<Job> jobs;
    const auto add = [&](BootImage image) {
        jobs.push_back(
            {[&machine, image = std::move(image)](Progress&) { return measure_image(machine, image); }});
    };
    std::string bare = fmt::format("rounds={}", percent);
    for (const std::string& name : names)
        if (name != ipc_loop)
            bare += " " + name;
    const bool wants_ipc = names.empty() || std::ranges::find(names, ipc_loop) != names.end();
    const bool wants_bare = names.empty() || names.size() > (wants_ipc ? 1 : 0);
    if (wants_bare)
        add({images / "bench.elf", bare, {}});
    if (wants_ipc)
        add({images / "kernel.elf", "", {{images / "sigma0.elf", ""}, {images / "bench_ipc.elf", ""}}});

    std::vector<LoopResult> results;
    for (const JobResult& job : run_jobs(jobs, 1, [](ProgressView) {})) {
        if (!job.error.empty())
            throw std::runtime_error(job.error);
        for (const nlohmann::json& row : job.value)
            results.push_back({row[0], row[1], row[2], row[3], row[4]});
    }
    return results;
}

} // namespace fixpoint::sim
