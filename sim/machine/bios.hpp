// A firmware ROM: it stands at the top of 4 GB, its last 128 KB below 1 MB as well, and the processor starts in real
// mode at FFFF:FFF0. What it finds out of the machine beside its chips is machine_inventory.hpp's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace fixpoint::sim {

class Bios {
public:
    // As QEMU takes them.
    static constexpr size_t unit_bytes = 64u << 10, largest_bytes = 8u << 20;

    // Reads the file, a multiple of `unit_bytes`. Throws BootError.
    explicit Bios(const std::filesystem::path& file);

    [[nodiscard]] std::span<const uint8_t> rom() const { return rom_; }

private:
    std::vector<uint8_t> rom_;
};

// What `--bios` names: a file, or "seabios" for the installed one. Throws BootError, with the places looked at.
std::filesystem::path find_bios(const std::string& name);
// The video BIOS that is installed with SeaBIOS, for the adapter's option ROM; empty: none.
std::vector<uint8_t> read_video_bios();

} // namespace fixpoint::sim
