// A generated case as pieces that can be dropped one by one: what the generator makes and the shrinker cuts.
#pragma once

#include "tests/native/native_case.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace fixpoint::native {

// What one instruction does to the arithmetic flags, as far as the manual says.
struct FlagEffect {
    uint32_t reads = 0, defines = 0, undefines = 0;
    bool skippable = false; // a branch may jump over it: what it defines cannot be relied on
};

// One or a few instructions that belong together.
struct Chunk {
    // Bytes that hold the offset, in the code segment of `base`, of a place in this chunk.
    struct Fixup {
        uint16_t at, bytes, to;
        uint32_t base;
    };
    std::vector<uint8_t> bytes;
    std::vector<FlagEffect> effects;
    std::vector<Fixup> fixups;
    uint8_t code_before = 0, code_after = 0; // entries of the local table that CS holds
};

struct TestCase {
    uint32_t address = 0; // linear
    Registers before;     // but EIP
    bool modifies_code = false;
    std::vector<Chunk> chunks;

    // Every chunk runs in the code segment that it was made for, and none reads a flag that is undefined.
    [[nodiscard]] bool consistent() const;
    [[nodiscard]] Program assemble(const LocalTable& table) const;
    // The arithmetic flags that are undefined when EIP is this linear address.
    [[nodiscard]] uint32_t undefined_flags(uint32_t linear) const;
    [[nodiscard]] std::string describe(const LocalTable& table) const;
};

} // namespace fixpoint::native
