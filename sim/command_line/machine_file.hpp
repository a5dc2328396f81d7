// The machine that `boot` and `bench` are asked for on the command line.
#pragma once

#include "sim/machine/machine_parameters.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fixpoint::sim {

// `file`: --machine; `set`: --set, KEY=VALUE each; `memory_mib`: --memory. Throws ConfigurationError.
[[nodiscard]] MachineParameters read_machine(const std::string& file, const std::vector<std::string>& set,
                                             std::optional<long long> memory_mib);

} // namespace fixpoint::sim
