// Places a Multiboot 1 kernel and its modules in memory, as QEMU's loader does.
//
// Source: Multiboot Specification 0.6.96; strings, boot device, memory map and addresses are those of QEMU 7.2
// (-kernel, -append, -initrd). Kernels are ELF32 executables, loaded by physical address, or any format with
// the address fields of the header (flag bit 16). Memory afterwards:
//
//   0x9000  memory map     0x9500  boot information
//   kernel as it says | module table and all strings | modules, each on a page of its own, in order |
//   the sections of an ELF kernel that it has not loaded itself
//
// What does not find its place there, because the kernel is there or memory ends, goes to the lowest free range
// above 1 MB, then to base memory. Nothing but the kernel ever goes to the first 28 KB (interrupt vectors, BIOS
// data, the firmware's stack), to the extended BIOS data area or to memory that the map calls reserved. The
// sections are the one thing that is left out when there is no room: a kernel can do without, and QEMU has none.
#pragma once

#include "models/cpu/cpu_state.hpp"
#include "models/memory/physical_memory.hpp"
#include "sim/machine/boot_file.hpp"
#include "sim/machine/free_ranges.hpp"
#include "sim/machine/kernel_layout.hpp"
#include "sim/machine/multiboot_information.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace fixpoint::sim {

class MultibootLoader {
public:
    // Reads and checks all files; a machine with `memory_bytes` must have room for them. Throws BootError.
    MultibootLoader(const BootImage& image, uint64_t memory_bytes);
    MultibootLoader(const MultibootLoader&) = delete;
    MultibootLoader& operator=(const MultibootLoader&) = delete;

    // Writes everything to memory; may be repeated for every boot.
    void place(models::PhysicalMemory& memory) const;
    // The processor at the kernel's entry: flat 32-bit protected mode, EAX the loader's magic, EBX the
    // information.
    [[nodiscard]] models::CpuState entry_state() const;

    // What the kernel wants and does not get, a line each, with the file's name.
    [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

private:
    struct Piece { // a range of memory: content, zeros behind it
        uint64_t address, memory_bytes;
        std::span<const uint8_t> content;
    };
    void load_kernel();
    void free_memory();
    void add_information_block();
    void add_modules(const BootImage& image);
    void add_elf_sections();
    void add_memory_map();
    void add_descriptors();

    // The first of the places to start from at which there is room.
    std::optional<uint32_t> find_room(uint64_t bytes, std::initializer_list<uint64_t> from);
    [[nodiscard]] Refusal no_room(std::string place, uint64_t bytes) const;
    void add(uint32_t address, std::span<const uint8_t> content);
    void add_made(uint32_t address, std::vector<uint8_t> content);

    uint64_t memory_bytes_;
    BootFile kernel_;
    std::vector<BootFile> modules_;
    std::vector<std::vector<uint8_t>> made_; // content that comes from no file
    std::vector<Piece> pieces_;
    std::vector<std::string> warnings_;
    FreeRanges free_;
    bool is_elf_ = false;
    uint32_t entry_ = 0, block_ = 0;
    uint64_t kernel_end_ = 0, modules_end_ = 0;
    MultibootInformation information_{};
};

} // namespace fixpoint::sim
