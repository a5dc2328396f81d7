// What kernel test programs share: checks that report on the console, threads, tasks made of the program's
// own code.
#pragma once

#include "kernel-model/abi/kernel_info.hpp"
#include "kernel-model/abi/syscalls.hpp"
#include "kernel-model/abi/system_layout.hpp"

namespace kernel_test {

// Counts a check and prints it when it fails.
void check(bool condition, const char* what);
unsigned checks_failed();

// Prints `kernel test: N checks, M failed` and ends the machine: exit status 33 if none has failed, else 35.
[[noreturn]] void finish();

// Starts lthread `number` of the own task with a stack of its own.
void start_thread(unsigned number, void (*entry)(), l4::ThreadId pager = l4::invalid_thread);
l4::ThreadId own_thread(unsigned number);

// Starts `entry` as lthread 0 of task `number`. The task has no memory of its own: its pager, usually lthread
// 1 (serve_faults), gives it the program's, 1:1.
l4::ThreadId start_task(unsigned number, void (*entry)(), l4::ThreadId pager, unsigned mcp = 255);

// The body of a pager thread that maps whatever page is asked for from its own space, 1:1, writable.
void serve_faults();
unsigned faults_served(); // so far, by all of these

// The same for the program's own pages only: a thread that faults elsewhere stays where it is.
struct FaultLog {
    uint32_t served, last_w0;
};
extern volatile FaultLog fault_log;
void serve_program_faults();

// The kernel info page, at the address that sigma0 gives it: a page fault there brings it back.
const volatile l4::KernelInfo& kernel_info_page();
inline uint64_t clock_us() {
    return kernel_info_page().clock_us;
}

// The body of a server thread that sends the words back, 1, 2 and 3 higher.
void count_words_up();

// Timeouts for a receive of at most `us`.
inline l4::Timeouts within_us(uint64_t us) {
    return l4::Timeouts::make(l4::Timeouts::infinite_us, us);
}

inline bool has_error(l4::MessageResult result, l4::IpcError error) {
    return result.error() == static_cast<unsigned>(error);
}

} // namespace kernel_test
