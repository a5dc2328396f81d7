// The debugger's `monitor` commands: what of the machine gdb itself has no notion of.
#pragma once

#include "sim/debug/debug_target.hpp"

#include <string>
#include <string_view>

namespace fixpoint::sim {

// Runs a command line and returns what it prints; a wrong command prints what is wrong and how to ask for help.
[[nodiscard]] std::string run_monitor_command(DebugTarget& target, std::string_view line);

} // namespace fixpoint::sim
