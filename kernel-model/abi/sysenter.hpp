// ipc by SYSENTER, on processors that have it. Guest only.
//
// The caller pushes ECX (timeouts), EBP (receive descriptor), its code selector and the return address, and passes
// its ESP in ECX. The four words are gone from the stack on return. The kernel returns in one of two ways: by IRET to
// the return address with w0 in EDX, or by SYSEXIT, which needs EDX itself, two bytes before it with w0 in EBP, if
// `movl %ebp, %edx` stands there. Programs of Hazelnut have it there. Without it, w0 is in EBP and EDX alike.
#pragma once

#include <cstdint>

// 0x1B: the user's code selector. The fixed encoding is the one that the kernel looks for.
#define L4_IPC_SYSENTER                                                                                      \
    "pushl %%ecx\n\tpushl %%ebp\n\tpushl $0x1b\n\tpushl $9f\n\tmovl %%esp, %%ecx\n\tsysenter\n\t"            \
    ".byte 0x89, 0xEA # movl ebp, edx\n9:\n\t"

namespace l4 {

// CPUID's feature bit; the first Pentium Pros (family 6, below model 3, stepping 3) set it without having the
// instruction (SDM volume 2, SYSENTER).
inline bool has_sysenter(uint32_t signature, uint32_t features) {
    constexpr uint32_t feature_sep = 1u << 11;
    const uint32_t family = signature >> 8 & 0xF, model = signature >> 4 & 0xF, stepping = signature & 0xF;
    return (features & feature_sep) != 0 && !(family == 6 && model < 3 && stepping < 3);
}
inline bool processor_has_sysenter() {
    uint32_t signature = 1, ebx, ecx, features;
    asm volatile("cpuid" : "+a"(signature), "=b"(ebx), "=c"(ecx), "=d"(features));
    return has_sysenter(signature, features);
}

} // namespace l4
