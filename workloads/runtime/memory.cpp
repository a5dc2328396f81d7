// What the compiler calls by itself in the root task and the workload programs.
#include "workloads/runtime/memory.hpp"

#include "kernel-model/abi/memory_functions.hpp"

extern "C" size_t strlen(const char* text) {
    const auto* end = static_cast<const volatile char*>(text);
    while (*end)
        ++end;
    return static_cast<size_t>(end - text);
}
