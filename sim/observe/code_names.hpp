// Names for guest code from the symbol tables of the image's files.
#pragma once

#include "models/cpu/cpu.hpp"
#include "models/memory/physical_memory.hpp"
#include "sim/machine/boot_image.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fixpoint::sim {

class CodeNames {
public:
    // Files that are no ELF files or have no symbols name nothing. CPU and memory outlive the names.
    CodeNames(const BootImage& image, const models::Cpu& cpu, const models::PhysicalMemory& memory);

    // "function+0x12" for a linear address in the current address space; modules are linked at the same addresses, so
    // the bytes that are there decide whose code it is. Empty: unknown.
    [[nodiscard]] std::string operator()(uint32_t linear) const;

private:
    struct Function {
        std::string name;
        uint32_t bytes;
        std::vector<uint8_t> first_bytes; // as linked
    };
    using Functions = std::map<uint32_t, Function>; // by address

    void add_file(const std::filesystem::path& file);
    [[nodiscard]] bool is_there(uint32_t linear, const Function& function) const;

    const models::Cpu& cpu_;
    const models::PhysicalMemory& memory_;
    std::vector<Functions> files_;
};

} // namespace fixpoint::sim
