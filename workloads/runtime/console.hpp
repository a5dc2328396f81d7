// Where the lines of a task go.
//
// A workload program's go to the console of its world, which its start-up page names: the console driver, or with output
// commit the console log. A task without one (root tasks, a world without a console driver) prints by the kernel's call.
#pragma once

#include "kernel-model/abi/types.hpp"

#include <cstdint>

namespace workloads {

// Of this task.
void set_console(l4::ThreadId console);
l4::ThreadId console();

// One line, without newline. Without output commit it has left the machine when this returns; with it, it is sure to do so
// unless this thread is rolled back to before the call. If there is no such thread the kernel prints it.
void print_line(l4::ThreadId console, const char* text, uint32_t length);

// All that was printed on this console by now has left the machine when this returns.
void flush(l4::ThreadId console);

} // namespace workloads
