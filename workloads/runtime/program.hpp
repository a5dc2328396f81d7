// What every workload program is built on: it defines `program_header` and `program_main`; the runtime
// provides the entry point and the ways to end.
#pragma once

#include "workloads/runtime/arguments.hpp"
#include "workloads/runtime/startup.hpp"

namespace workloads {

// The program. It never returns: it ends by finish() or rest().
[[noreturn]] void program_main(const StartupPage& startup);

// Places the program's header where the root task looks for it: extra_tasks, default_tasks, tasks_argument and, if not
// all of them are started by the root task, started_tasks.
#define WORKLOAD_PROGRAM_HEADER(...)                                                                         \
    extern const ProgramHeader program_header;                                                               \
    [[gnu::section(".program_header"), gnu::used]] constinit const ProgramHeader program_header = {          \
        program_header_magic, __VA_ARGS__}

// The instance is done: when its output has left the machine it tells the simulator by a probe and the root task by
// messages, for ever.
[[noreturn]] void finish(const StartupPage& startup, bool verified);

// A task that has nothing left to do while others of its instance go on.
[[noreturn]] void rest();

// Ends the instance as failed when an argument is unknown or cannot be read, with a line that says which.
void require_good_arguments(const StartupPage& startup, const char* program, const Arguments& arguments,
                            const char* const* known, unsigned known_count);

} // namespace workloads
