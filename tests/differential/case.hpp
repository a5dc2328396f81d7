// A generated case: the state it starts in, its instructions, and what it is about.
#pragma once

#include "tests/differential/guest/layout.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace differential {

struct Patch {
    uint32_t offset; // in the arena
    std::vector<uint8_t> content;
};

struct Case {
    CaseRecord state{}; // `bytes` and `patches` are filled in by serialise()
    CaseRecord plain{}; // the environment's own state, to which shrinking goes back
    struct Instruction {
        std::string name;
        std::vector<uint8_t> bytes;
    };
    std::vector<Instruction> code; // at code_at
    uint32_t code_at = at::code;   // offset in the arena
    std::vector<Patch> patches;
    std::vector<std::string> features; // "class:gate", "mode:pm32", "instr:lds", ...

    [[nodiscard]] bool has(const std::string& feature) const;
    void add_feature(const std::string& feature);
    // The name of the instruction that contains this offset in the arena; "elsewhere" if none does.
    [[nodiscard]] std::string instruction_at(uint32_t offset) const;
    // The doubleword of the arena there when the case begins: the template's with the patches and the code.
    [[nodiscard]] uint32_t word_before(uint32_t offset) const;
};

// The record as the driver reads it, appended to `table`.
void serialise(const Case& what, std::vector<uint8_t>& table);
// The module of an image.
std::vector<uint8_t> module_of(const std::vector<Case>& cases, bool verbose, uint32_t first);
// The arena before patches, the same for all cases.
const std::vector<uint8_t>& arena_template();
// For people: state that is not plain, patches, code disassembled.
std::string describe(const Case& what);

} // namespace differential
