// Where two results of a case differ.
#pragma once

#include "tests/differential/processor.hpp"

#include <string>
#include <vector>

namespace differential {

struct Difference {
    std::string field; // "vector", "eax", "memory:gdt", ...; "hang" if only one processor came to an end
    uint32_t offset;   // in the arena, for memory
    uint32_t expected, got;
};

std::vector<Difference> differences(const Case& what, const Result& expected, const Result& got);
// A word of the outcome by its name; 0 if there is none.
uint32_t field_of(const Outcome& outcome, const std::string& name);
// The state for people: all words and changes.
std::string describe(const Result& result);

} // namespace differential
