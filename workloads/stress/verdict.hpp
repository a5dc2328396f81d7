// Checks. The first that fails prints a line and ends the run.
#pragma once

#include "kernel-model/abi/types.hpp"

#include <cstdint>

namespace stress {

// A message with this w0 to the conductor: a check has failed, and the line is on the console.
inline constexpr uint32_t failure_tag = 0xF0F0F0F0u;

// Ends the machine by isa-debug-exit: root only. Exit status 33 or 35.
[[noreturn]] void leave(bool passed);

[[noreturn]] void fail(const char* what, uint32_t got, uint32_t expected);

inline void check(bool condition, const char* what) {
    if (!condition) [[unlikely]]
        fail(what, 0, 1);
}
inline void check_equal(uint32_t got, uint32_t expected, const char* what) {
    if (got != expected) [[unlikely]]
        fail(what, got, expected);
}

// The digest of a thread's results: each goes in, in order.
constexpr uint32_t digest(uint32_t so_far, uint32_t result) {
    const uint32_t mixed = (so_far ^ result) * 0x9E3779B1u;
    return mixed ^ mixed >> 15;
}

} // namespace stress
