// The clock of a QEMU that runs in virtual time: shared memory between the test and the library that is loaded into QEMU
// (virtual_clock_preload.cpp).
//
// The test sets target_ns; QEMU's main loop lets its time go from timer to timer up to there before it looks at any
// command that comes afterwards.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace fixpoint::qtest {

struct VirtualClock {
    std::atomic<uint64_t> target_ns; // written by the test, never decreases
    std::atomic<uint64_t> now_ns;    // written by QEMU
};
static_assert(std::atomic<uint64_t>::is_always_lock_free);

inline constexpr size_t virtual_clock_bytes = 4096; // of the file
static_assert(sizeof(VirtualClock) <= virtual_clock_bytes);

inline constexpr const char* virtual_clock_variable = "FIXPOINT_VIRTUAL_CLOCK"; // names the file

} // namespace fixpoint::qtest
