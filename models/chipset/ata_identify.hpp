// The 256 words that a drive answers to IDENTIFY DEVICE. Source: ATA/ATAPI-5 (T13/1321D), with the 48-bit
// address words of ATA-6.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace fixpoint::models {

struct AtaSettings {
    uint8_t multiple_sectors = 0;   // SET MULTIPLE MODE; 0: off
    uint8_t multiword_dma_mode = 2; // selected by SET FEATURES
    int8_t ultra_dma_mode = -1;     // -1: none selected
    bool write_cache = true, read_ahead = true;
};

using AtaIdentification = std::array<uint16_t, 256>;

[[nodiscard]] AtaIdentification identify_drive(std::string_view model, uint64_t sectors,
                                               const AtaSettings& settings);

// The geometry reported for CHS addressing: at most 16383 cylinders, 16 heads, 63 sectors.
struct AtaGeometry {
    uint16_t cylinders, heads, sectors;
};
[[nodiscard]] AtaGeometry default_geometry(uint64_t sectors);

} // namespace fixpoint::models
