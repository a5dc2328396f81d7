// Kernels that are ELF32 executables: what is to be loaded, and the sections for the kernel's own debugger.
//
// Source: System V ABI, chapters 4 and 5; Multiboot Specification 0.6.96, section 3.3 (flag bit 5). Segments go
// to their physical addresses. An entry point that lies in the virtual range of a segment but in no physical
// one is translated, as GRUB and QEMU do.
#pragma once

#include "sim/machine/kernel_layout.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace fixpoint::sim {

// Throws BootError.
[[nodiscard]] KernelLayout layout_elf(const BootFile& file);

// The section header table and, as GRUB has it, the contents of all sections that no segment loads (those with
// address 0: symbols, strings, debugging data) behind it.
class ElfSections {
public:
    // Nothing if the file has no sections. `file` must outlive the object.
    [[nodiscard]] static std::optional<ElfSections> find(const BootFile& file);

    // Of the table; the table must be whole, the contents within the file.
    [[nodiscard]] bool sound() const { return sound_; }
    [[nodiscard]] uint32_t count() const { return count_; }
    [[nodiscard]] uint32_t names() const { return names_; } // number of the section with the names
    [[nodiscard]] uint64_t bytes() const { return bytes_; } // of table and contents

    static constexpr uint32_t alignment = 4096, entry_bytes = 40;
    // Table and contents for the address where they will stand, the contents' addresses in the table.
    [[nodiscard]] std::vector<uint8_t> at(uint32_t address) const;

private:
    struct Content {
        uint32_t section;
        uint64_t offset; // from the table's begin
    };
    explicit ElfSections(const BootFile& file) : file_{&file} {}
    void lay_out();

    const BootFile* file_;
    bool sound_ = false;
    uint64_t table_ = 0; // offset in the file
    uint32_t count_ = 0, names_ = 0;
    uint64_t bytes_ = 0;
    std::vector<Content> contents_;
};

} // namespace fixpoint::sim
