// Kernels made in memory, good and bad, for tests of the boot loader.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <elf.h>

namespace fixpoint::sim::test {

using Bytes = std::vector<uint8_t>;

inline constexpr uint32_t multiboot_magic = 0x1BADB002;

void put_word(Bytes& bytes, size_t offset, uint32_t word);
// Changes the Multiboot header's flags, and its checksum with them.
void set_flags(Bytes& kernel, size_t header, uint32_t flags);

// A kernel by address fields: the header at `header` in the file, then the content, up to file_bytes.
struct FlatKernel {
    uint32_t header = 0, flags = 0x10003, file_bytes = 64;
    uint32_t header_addr = 0x10'0000, load_addr = 0x10'0000, load_end_addr = 0, bss_end_addr = 0,
             entry_addr = 0x10'0020;
    [[nodiscard]] Bytes build() const;
};

// An ELF32 executable. In the file: ELF header, Multiboot header, program headers, contents, section headers.
class ElfKernel {
public:
    static constexpr uint32_t header_offset = sizeof(Elf32_Ehdr);
    static constexpr uint32_t segments_offset = header_offset + 48;

    uint32_t flags = 3;
    uint32_t entry = 0x10'0000;

    struct Segment {
        uint32_t physical;
        Bytes content;
        uint32_t memory_bytes = 0;      // the content's, if that is more
        uint32_t virtual_address = ~0u; // the physical one
        uint32_t type = PT_LOAD;
    };
    struct Section {
        std::string name;
        uint32_t type = SHT_PROGBITS, address = 0;
        Bytes content = {};
        uint32_t alignment = 1;
    };
    std::vector<Segment> segments;
    std::vector<Section> sections; // a null section before them, the names behind them

    [[nodiscard]] Bytes build() const;
};

} // namespace fixpoint::sim::test
