// Runs 32-bit code on the host's own processor: the oracle of the differential test.
//
// The host process is a 64-bit one; the kernel offers a 32-bit code segment (0x23) to every process, so a far
// return into memory below 4 GB executes IA-32 code as it is, at the same addresses as the model does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace fixpoint::models {

struct NativeRegisters {
    uint32_t general[8]; // eax ecx edx ebx esp ebp esi edi
    uint32_t eflags;
};

class NativeProcessor {
public:
    static constexpr uint32_t base = 0x0100'0000, code = base, code_bytes = 0x1000, data = base + 0x2000,
                              data_bytes = 0x1000, stack_top = base + 0x5000, bytes = 0x6000;

    // Throws std::runtime_error if the host refuses the addresses.
    NativeProcessor();
    ~NativeProcessor();
    NativeProcessor(const NativeProcessor&) = delete;
    NativeProcessor& operator=(const NativeProcessor&) = delete;

    [[nodiscard]] uint8_t* memory(uint32_t address) { return reinterpret_cast<uint8_t*>(uintptr_t{address}); }
    // Executes `instructions` at `code`; they must run off their end.
    NativeRegisters run(std::span<const uint8_t> instructions, const NativeRegisters& before);
};

} // namespace fixpoint::models
