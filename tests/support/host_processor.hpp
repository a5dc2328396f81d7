// Whose processor the tests run on, for those that compare with it instruction by instruction.
//
// What two makers' processors do differently where the manuals leave it open is allowed for in tests/native and
// tests/float80 as far as it has been seen, and that was on AMD's. Intel's do other things there: after a single step between
// iterations of a compare, at FSCALE and FPREM that leave a denormal operand as it is, in the exceptions of transcendental
// functions at the ends of their ranges; newer ones also save no x87 selectors (CPUID leaf 7, EBX bit 13). See docs/caveats.md.
#pragma once

#include <cpuid.h>
#include <cstring>

namespace fixpoint::tests {

inline bool host_is_compared_with() {
    unsigned highest = 0;
    char maker[12];
    unsigned ebx = 0, ecx = 0, edx = 0;
    if (__get_cpuid(0, &highest, &ebx, &ecx, &edx) == 0)
        return false;
    std::memcpy(maker, &ebx, sizeof ebx);
    std::memcpy(maker + 4, &edx, sizeof edx);
    std::memcpy(maker + 8, &ecx, sizeof ecx);
    return std::memcmp(maker, "AuthenticAMD", sizeof maker) == 0;
}

inline constexpr const char* host_is_not_compared_with =
    "a processor of another maker than AMD: its differences have not been gone through";

} // namespace fixpoint::tests
