// Names for guest code from the symbols and line tables of the image's files.
#pragma once

#include "models/cpu/cpu.hpp"
#include "models/memory/physical_memory.hpp"
#include "sim/machine/boot_image.hpp"
#include "sim/observe/guest_code_map.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fixpoint::sim {

class CodeNames {
public:
    // CPU and memory outlive the names. The files are read when the first name is wanted.
    CodeNames(const BootImage& image, const models::Cpu& cpu, const models::PhysicalMemory& memory);

    // "function+0x12, file.cpp:34" for a linear address in the current address space; empty: unknown.
    [[nodiscard]] std::string operator()(uint32_t linear) const;

private:
    const models::Cpu& cpu_;
    const models::PhysicalMemory& memory_;
    std::vector<std::filesystem::path> files_;
    mutable std::optional<GuestCodeMap> map_; // a cache of the files
};

} // namespace fixpoint::sim
