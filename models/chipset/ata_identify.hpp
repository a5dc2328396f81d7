// The 256 words that a drive answers to IDENTIFY DEVICE. Source: ATA/ATAPI-5 (T13/1321D), with the 48-bit
// address words of ATA-6.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace fixpoint::models {

// The fastest modes of each kind.
namespace ata_modes {
inline constexpr unsigned pio = 4, multiword_dma = 2, ultra_dma = 5;
}

struct AtaSettings {
    uint8_t multiple_sectors = 0;                 // SET MULTIPLE MODE; 0: off
    int8_t multiword_dma_mode = -1;               // selected by SET FEATURES; -1: none
    int8_t ultra_dma_mode = ata_modes::ultra_dma; // firmware has selected the fastest one
    bool smart = true;
};

// The geometry of CHS addresses.
struct AtaGeometry {
    uint16_t cylinders, heads, sectors;
};
// What a drive starts with: at most 16383 cylinders, 16 heads, 63 sectors.
[[nodiscard]] AtaGeometry default_geometry(uint64_t sectors);
// After INITIALIZE DEVICE PARAMETERS; `heads` and `sectors_per_track` not 0.
[[nodiscard]] AtaGeometry translated_geometry(uint64_t sectors, uint16_t heads, uint16_t sectors_per_track);

struct AtaIdentity {
    std::string_view model;
    unsigned unit; // 0 to 3: primary master to secondary slave
    uint64_t sectors;
    AtaGeometry current_geometry;
    bool write_cache;    // is on
    bool names_device_1; // word 93 tells the place on the cable; else it is always device 0's
};

using AtaIdentification = std::array<uint16_t, 256>;

[[nodiscard]] AtaIdentification identify_drive(const AtaIdentity& identity, const AtaSettings& settings);

} // namespace fixpoint::models
