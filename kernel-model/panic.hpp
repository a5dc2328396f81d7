// The kernel gives up: reason, registers, a backtrace with the functions' names and the thread list go to the serial
// console; then the processor halts for ever. Runs on a stack of its own.
#pragma once

#include <cstdint>

namespace kernel {

struct Frame;

[[noreturn]] void panic(const char* reason);
[[noreturn]] void panic_in_trap(const char* reason, const Frame& frame);

// What the loader has given the kernel cannot be booted: one line that says why, no registers.
[[noreturn]] void refuse_to_boot(const char* reason);

// A condition that holds unless the kernel has a bug.
inline void require(bool condition, const char* what) {
    if (!condition) [[unlikely]]
        panic(what);
}

} // namespace kernel
