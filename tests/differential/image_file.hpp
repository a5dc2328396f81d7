// ELF programs laid out in memory, for the processors that are not given a Multiboot loader.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace differential {

std::vector<uint8_t> read_file(const std::filesystem::path& file);
void write_file(const std::filesystem::path& file, const std::vector<uint8_t>& content);

// The memory from the lowest loaded address on.
struct FlatProgram {
    uint32_t address;
    std::vector<uint8_t> bytes;
};
// Throws std::runtime_error if the file is no 32-bit ELF program.
FlatProgram flatten(const std::filesystem::path& elf);

} // namespace differential
