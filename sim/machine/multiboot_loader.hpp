// Places a Multiboot 1 kernel and its modules in memory, as QEMU's loader does.
//
// Source: Multiboot Specification 0.6.96. Kernels are ELF32 executables, loaded by physical address, or any
// format with the address fields of the header (flag bit 16). Memory afterwards:
//
//   0x9000  memory map     0x9500  boot information
//   kernel as it says | module table and all strings | modules, each on a page of its own, in order
#pragma once

#include "models/cpu/cpu_state.hpp"
#include "models/memory/physical_memory.hpp"
#include "sim/machine/boot_image.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace fixpoint::sim {

class MultibootLoader {
public:
    // Reads and checks all files; a machine with `memory_bytes` must have room for them. Throws BootError.
    MultibootLoader(const BootImage& image, uint64_t memory_bytes);

    // Writes everything to memory; may be repeated for every boot.
    void place(models::PhysicalMemory& memory) const;
    // The processor at the kernel's entry: flat 32-bit protected mode, EAX the loader's magic, EBX the
    // information.
    [[nodiscard]] models::CpuState entry_state() const;

private:
    struct Segment { // a range of memory: file content, zeros behind it
        uint32_t address, memory_bytes;
        std::vector<uint8_t> content;
    };
    void load_kernel(const std::filesystem::path& file, const std::vector<uint8_t>& content);
    void load_elf(const std::filesystem::path& file, const std::vector<uint8_t>& content);
    void load_by_header(const std::filesystem::path& file, const std::vector<uint8_t>& content,
                        size_t header);
    void add_boot_information(const BootImage& image);
    uint32_t add(uint32_t address, std::vector<uint8_t> content); // returns the address behind it

    uint64_t memory_bytes_;
    uint32_t entry_ = 0;
    std::vector<Segment> segments_;
};

} // namespace fixpoint::sim
