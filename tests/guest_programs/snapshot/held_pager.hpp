// A persistent pager of threads of its own task that keeps the fault on the window's second page in a certain phase until the
// observer releases it. The pages of its window are those of its store.
#pragma once

#include "kernel-model/abi/types.hpp"

namespace snapshot_test {

inline constexpr uint32_t held_window = 0x60000000u, held_store = 0x68000000u, held_bytes = 0x10000u;
inline constexpr uint32_t held_page_offset = l4::page_size;

enum class HeldWhen {
    nothing_received, // it does not receive: the fault waits in its queue
    fault_received,   // it waits for the observer
    computing,        // it computes before it answers
};

void start_held_pager(unsigned lthread, HeldWhen when);
// Is it in that phase now?
bool held_pager_holds(unsigned lthread);
// From here on it answers every fault at once.
void release_held_pager(unsigned lthread);

} // namespace snapshot_test
