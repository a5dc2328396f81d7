// A firmware ROM, and what it needs to be told of the machine.
//
// The ROM stands at the top of 4 GB, its last 128 KB below 1 MB as well, and the processor starts in real mode at
// FFFF:FFF0. SeaBIOS asks the CMOS memory and QEMU's firmware configuration device for everything else: the layout
// of its CMOS cells is QEMU's (hw/i386/pc.c documents it), which is that of an AT where an AT has them.
#pragma once

#include "models/chipset/fw_cfg.hpp"
#include "models/chipset/rtc.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
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

    struct Surroundings {
        uint64_t memory_bytes = 0;
        std::array<std::optional<uint64_t>, 4> disk_sectors{}; // by IDE unit
    };
    static void describe(const Surroundings& machine, models::FirmwareConfiguration& configuration,
                         models::Rtc& rtc);

private:
    std::vector<uint8_t> rom_;
};

// What `--bios` names: a file, or "seabios" for the installed one. Throws BootError, with the places looked at.
std::filesystem::path find_bios(const std::string& name);
// The video BIOS that is installed with SeaBIOS, for the adapter's option ROM; empty: none.
std::vector<uint8_t> read_video_bios();

} // namespace fixpoint::sim
