#include "tests/differential/image_file.hpp"

#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <elf.h>

namespace differential {

std::vector<uint8_t> read_file(const std::filesystem::path& file) {
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

void write_file(const std::filesystem::path& file, const std::vector<uint8_t>& content) {
    std::ofstream out{file, std::ios::binary};
    out.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
    if (!out)
        throw std::runtime_error(file.string() + ": cannot write");
}

FlatProgram flatten(const std::filesystem::path& elf) {
    const std::vector<uint8_t> file = read_file(elf);
    Elf32_Ehdr header{};
    if (file.size() < sizeof header || std::memcmp(file.data(), ELFMAG, SELFMAG) != 0)
        throw std::runtime_error(elf.string() + ": not an ELF file");
    std::memcpy(&header, file.data(), sizeof header);
    FlatProgram program{~0u, {}};
    std::vector<Elf32_Phdr> segments;
    uint32_t end = 0;
    for (unsigned i = 0; i < header.e_phnum; ++i) {
        Elf32_Phdr segment;
        std::memcpy(&segment, &file.at(header.e_phoff + i * sizeof segment), sizeof segment);
        if (segment.p_type != PT_LOAD || segment.p_memsz == 0)
            continue;
        segments.push_back(segment);
        program.address = std::min(program.address, segment.p_paddr);
        end = std::max(end, segment.p_paddr + segment.p_memsz);
    }
    if (segments.empty())
        throw std::runtime_error(elf.string() + ": nothing to load");
    program.bytes.resize(end - program.address);
    for (const Elf32_Phdr& segment : segments)
        std::memcpy(&program.bytes[segment.p_paddr - program.address], &file.at(segment.p_offset),
                    segment.p_filesz);
    return program;
}

} // namespace differential
