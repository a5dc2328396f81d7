// Where a kernel's parts are to stand in physical memory, whatever the format of its file.
#pragma once

#include "sim/machine/boot_file.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace fixpoint::sim {

// A range of physical memory: file content, zeros behind it.
struct KernelPiece {
    uint64_t address, memory_bytes;
    std::span<const uint8_t> content;
    std::string name; // for messages: "program header 2"

    [[nodiscard]] uint64_t end() const { return address + memory_bytes; }
    [[nodiscard]] bool contains(uint64_t place) const { return place >= address && place < end(); }
};

struct KernelLayout {
    std::vector<KernelPiece> pieces; // none of them empty
    uint32_t entry;
    std::string entry_name; // the field that it comes from

    [[nodiscard]] uint64_t end() const; // behind the highest piece
};

// Throws BootError unless every piece lies in memory, none where the devices and the BIOS are, no byte has two
// contents (zeros give way to content), and the entry lies in a piece.
void check_layout(const BootFile& file, const KernelLayout& layout, uint64_t memory_bytes);

} // namespace fixpoint::sim
