// Instructions for people to read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace differential {

// One line an instruction, from `address` on, until the bytes end.
std::string disassemble(const std::vector<uint8_t>& code, uint32_t address, bool code32);

} // namespace differential
