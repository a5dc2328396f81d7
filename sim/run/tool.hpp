// Running another program of the system.
#pragma once

#include <string>
#include <vector>

namespace fixpoint::sim {

// Waits for it; its output goes to standard error. False: it is not there, or it failed.
[[nodiscard]] bool run_tool(const std::vector<std::string>& command);

} // namespace fixpoint::sim
