// A TCB pager in miniature, and a checkpoint in memory that survives a reset of the machine.
//
// Task 6 pages the TCBs of all tasks from 16 on and gives every other page 1:1. All tasks share the program's memory;
// persistent threads write only to the world, which is saved with the TCBs. A test starts three times: it builds the
// world and snapshots it; recovers, and takes another snapshot at once; recovers from that.
#pragma once

#include "tests/kernel/guest/checks.hpp"

#include <initializer_list>

namespace kernel_test {

inline constexpr uint32_t world_base = 0x01900000, world_bytes = 0x40000, stack_bytes = 0x1000;

// `build` makes the world, which then lives for 150 ms before its snapshot; `in_the_middle` is called
// just before. Returns at the third start, when all is recovered.
void run_until_third_start(void (*build)(), void (*in_the_middle)());
unsigned start_number();

// What the test adds, on the server's side: its lthread 2, a pager outside the world (it has a stack of its own), and
// what else to try when all pages are back, false: it failed.
void outside_pager_main();
bool try_after_recovery();

extern volatile uint32_t tcb_faults, io_faults, recovery_failures; // of this start
void forget_snapshot();

// Adopts a TCB page with this content, which is not part of the world: for content that is refused.
l4::RecoveryResult adopt_content(uint32_t tcb_page, const void* content);
// A saved TCB.
const void* saved_tcb(l4::ThreadId id);

// Serves page faults for ever: `special` is answered by the frame `substitute`, all other pages are mapped 1:1.
[[noreturn]] void serve_pages(uint32_t special, uint32_t substitute, l4::ThreadId client,
                              l4::Message message);

[[noreturn]] void rest();
l4::ThreadId thread_in(unsigned task, unsigned lthread);

} // namespace kernel_test
