// How the root task ends.
#pragma once

#include "workloads/runtime/text_line.hpp"

namespace workloads {

// What QEMU's isa-debug-exit device turns into the exit status (value << 1) | 1: 33 and 35.
inline constexpr unsigned exit_verified = 0x10, exit_failed = 0x11;

// Whether the end of all workloads ends the machine ("exit=debug" on the root task's command line).
void set_exit_by_debug_port(bool enabled);

// Prints the line and ends the machine, or stops this task for ever where it may not.
[[noreturn]] void leave(TextLine& line, bool verified);
// leave() with "root: " before the line.
[[noreturn]] void fail(TextLine& line);

} // namespace workloads
