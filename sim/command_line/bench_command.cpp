// How fast the simulator is: guest instructions per second of host processor time, loop by loop.
#include "sim/bench/loops.hpp"
#include "sim/command_line/commands.hpp"
#include "sim/command_line/machine_file.hpp"
#include "sim/config/configuration_error.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace fixpoint::sim {

int bench_command(const BenchOptions& options) {
    for (const std::string& name : options.names)
        if (std::ranges::find(loop_names(), name) == loop_names().end())
            throw ConfigurationError(fmt::format("bench: expected names among {}; found \"{}\"",
                                                 fmt::join(loop_names(), ", "), name));
    const MachineParameters machine = read_machine(options.machine, options.set, std::nullopt);
    const std::vector<LoopResult> results = measure_loops(machine, options.names, options.percent);
    fmt::print("{:<15}{:>16}{:>16}{:>22}\n", "loop", "million/s", "instructions", "cycles/instruction");
    for (const LoopResult& r : results)
        fmt::print("{:<15}{:>16.1f}{:>16}{:>22.2f}\n", r.name, r.million_operations_per_second(),
                   r.instructions, static_cast<double>(r.cycles) / static_cast<double>(r.instructions));
    fmt::print(
        "million/s: guest instructions (copies: doublewords moved) per second of host processor time\n");
    return exit_fine;
}

} // namespace fixpoint::sim
