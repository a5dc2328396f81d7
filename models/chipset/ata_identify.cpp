#include "models/chipset/ata_identify.hpp"

#include <algorithm>

namespace fixpoint::models {
namespace {

// Two characters a word, the first in the high byte, padded with spaces.
void put_string(AtaIdentification& words, size_t first, size_t count, std::string_view text) {
    for (size_t i = 0; i < count; ++i) {
        const auto at = [&](size_t position) {
            return static_cast<uint8_t>(position < text.size() ? text[position] : ' ');
        };
        words[first + i] = static_cast<uint16_t>(at(2 * i) << 8 | at(2 * i + 1));
    }
}

void put_number(AtaIdentification& words, size_t first, size_t count, uint64_t value) {
    for (size_t i = 0; i < count; ++i)
        words[first + i] = static_cast<uint16_t>(value >> 16 * i);
}

constexpr uint64_t lba28_limit = 0x0FFF'FFFF;

} // namespace

AtaGeometry default_geometry(uint64_t sectors) {
    constexpr uint64_t per_cylinder = 16 * 63;
    return {static_cast<uint16_t>(std::clamp<uint64_t>(sectors / per_cylinder, 1, 16'383)), 16, 63};
}

AtaIdentification identify_drive(std::string_view model, uint64_t sectors, const AtaSettings& settings) {
    AtaIdentification words{};
    const AtaGeometry geometry = default_geometry(sectors);
    const auto chs_sectors = static_cast<uint32_t>(geometry.cylinders) * geometry.heads * geometry.sectors;
    words[0] = 0x0040; // fixed disk
    words[1] = words[54] = geometry.cylinders;
    words[3] = words[55] = geometry.heads;
    words[6] = words[56] = geometry.sectors;
    put_string(words, 10, 10, "FP0000000001");
    words[21] = 512; // buffer, in sectors
    put_string(words, 23, 4, "1.0");
    put_string(words, 27, 20, model);
    words[47] = 0x8010; // up to 16 sectors a block of READ/WRITE MULTIPLE
    words[48] = 0x0001; // 32-bit data port accesses
    words[49] = 0x0B00; // LBA, DMA, IORDY
    words[51] = words[52] = 0x0200;
    words[53] = 0x0007; // words 54-58, 64-70 and 88 are valid
    put_number(words, 57, 2, chs_sectors);
    words[59] =
        static_cast<uint16_t>(settings.multiple_sectors != 0 ? 0x0100 | settings.multiple_sectors : 0);
    put_number(words, 60, 2, std::min(sectors, lba28_limit));
    // Mode words: supported in the low byte, the selected one in the high byte.
    words[63] = static_cast<uint16_t>(
        0x0007 | (settings.ultra_dma_mode < 0 ? 0x100 << settings.multiword_dma_mode : 0));
    words[64] = 0x0003;                                     // PIO 3 and 4
    words[65] = words[66] = words[67] = words[68] = 0x0078; // cycle times of 120 ns
    words[80] = 0x00F0;                                     // ATA-4 to ATA-7
    words[81] = 0x0016;
    words[82] = 0x4021; // SMART-free: write cache, look-ahead off the list, NOP
    words[83] = 0x7400; // FLUSH CACHE, FLUSH CACHE EXT, 48-bit addresses
    words[84] = 0x4000;
    words[85] = static_cast<uint16_t>(0x4001 | (settings.write_cache ? 0x20 : 0));
    words[86] = 0x3400;
    words[87] = 0x4000;
    words[88] =
        static_cast<uint16_t>(0x003F | (settings.ultra_dma_mode >= 0 ? 0x100 << settings.ultra_dma_mode : 0));
    words[93] = 0x6001; // 80-conductor cable, device 0
    put_number(words, 100, 4, sectors);
    return words;
}

} // namespace fixpoint::models
