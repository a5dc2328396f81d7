// The calls that touch another thread's TCB for the first time. Each has tasks of its own, from `first_task` on: TCB pages
// that are present stay so.
#pragma once

#include "tests/kernel/guest/tcb_pager.hpp"

#include <span>

namespace tcb_fault_calls {

struct Call {
    const char* name;
    bool (*function)();
    unsigned tasks = 1;
};
std::span<const Call> all_calls();

extern volatile unsigned first_task; // where the next call's tasks begin
extern volatile bool told;           // by tells()

// Entries of stored threads, beside count_words_up(): the same by SYSENTER, and one that only says that it has run.
void echo_by_sysenter();
void tells();

using Ipc = l4::MessageResult(l4::ThreadId&, uint32_t, uint32_t, l4::Timeouts, l4::Message&);
bool echoes(Ipc& ipc, l4::ThreadId server, l4::Timeouts timeouts, unsigned rounds);
bool becomes_true(const volatile bool& flag); // within a while

} // namespace tcb_fault_calls
