// How the root task ends.
#pragma once

#include "workloads/runtime/text_line.hpp"

namespace workloads {

// What QEMU's isa-debug-exit device turns into the exit status (value << 1) | 1: 33 and 35.
inline constexpr unsigned exit_verified = 0x10, exit_failed = 0x11;

// Whether the end of all workloads ends the machine ("exit=debug" on the root task's command line).
void set_exit_by_debug_port(bool enabled);

// Ends the machine, or stops this task for ever where it may not.
[[noreturn]] void leave(bool verified);
// Prints the line with "root: " before it, and leaves.
[[noreturn]] void fail(TextLine& line);

} // namespace workloads
