// The workload programs of the image as the configuration sees them: their arguments, checked before anything
// runs.
#pragma once

#include "sim/config/section.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace fixpoint::sim {

struct ProgramInfo {
    std::string_view name; // image/<name>.elf
    std::string_view summary;
};

[[nodiscard]] const std::vector<ProgramInfo>& workload_programs();

struct Workload {
    std::string program;
    std::string arguments;   // "key=value ..." as the program gets them
    uint64_t total_work = 0; // units of its `work` probes until it is done
};

// Reads one [[workload]] table. `seed` is used where the table gives none.
[[nodiscard]] Workload read_workload(Section& section, uint64_t seed);

} // namespace fixpoint::sim
