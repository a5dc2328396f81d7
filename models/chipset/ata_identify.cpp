#include "models/chipset/ata_identify.hpp"

#include "models/disk/disk_image.hpp"

#include <algorithm>
#include <string>

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

// Supported modes in the low byte, the selected one in the high byte.
uint16_t mode_word(unsigned supported, int selected) {
    return static_cast<uint16_t>(supported | (selected >= 0 ? 0x100u << selected : 0));
}

constexpr uint64_t lba28_limit = 0x0FFF'FFFF;
constexpr uint64_t chs_limit = uint64_t{16'383} * 16 * 63; // no CHS address reaches further

} // namespace

AtaGeometry default_geometry(uint64_t sectors) {
    constexpr uint16_t heads = 16, sectors_per_track = 63;
    return translated_geometry(sectors, heads, sectors_per_track);
}

AtaGeometry translated_geometry(uint64_t sectors, uint16_t heads, uint16_t sectors_per_track) {
    const uint64_t reachable = std::min(sectors, chs_limit);
    const uint64_t cylinders = reachable / (uint64_t{heads} * sectors_per_track);
    return {static_cast<uint16_t>(std::clamp<uint64_t>(cylinders, 1, 65'535)), heads, sectors_per_track};
}

AtaIdentification identify_drive(const AtaIdentity& identity, const AtaSettings& settings) {
    AtaIdentification words{};
    const AtaGeometry geometry = default_geometry(identity.sectors), &current = identity.current_geometry;
    words[0] = 0x0040; // fixed disk
    words[1] = geometry.cylinders;
    words[3] = geometry.heads;
    // Bytes of a track and of a sector: retired by ATA-3, but Bochs's BIOS reads sectors of this length.
    words[4] = static_cast<uint16_t>(geometry.sectors * sector_bytes);
    words[5] = sector_bytes;
    words[6] = geometry.sectors;
    put_string(words, 10, 10, std::string{"FP000000000"} + static_cast<char>('1' + identity.unit));
    words[21] = 512; // buffer, in sectors
    put_string(words, 23, 4, "1.0");
    put_string(words, 27, 20, identity.model);
    words[47] = 0x8010; // up to 16 sectors a block of READ/WRITE MULTIPLE
    words[48] = 0x0001; // 32-bit data port accesses
    words[49] = 0x0B00; // LBA, DMA, IORDY
    words[51] = words[52] = 0x0200;
    words[53] = 0x0007; // words 54-58, 64-70 and 88 are valid
    words[54] = current.cylinders;
    words[55] = current.heads;
    words[56] = current.sectors;
    put_number(words, 57, 2, uint64_t{current.cylinders} * current.heads * current.sectors);
    words[59] =
        static_cast<uint16_t>(settings.multiple_sectors != 0 ? 0x0100 | settings.multiple_sectors : 0);
    put_number(words, 60, 2, std::min(identity.sectors, lba28_limit));
    words[63] = mode_word(0x0007, settings.multiword_dma_mode);
    words[64] = 0x0003;                                     // PIO 3 and 4
    words[65] = words[66] = words[67] = words[68] = 0x0078; // cycle times of 120 ns
    words[80] = 0x00F0;                                     // ATA-4 to ATA-7
    words[81] = 0x0016;
    words[82] = 0x4021; // NOP, write cache, SMART
    words[83] = 0x7400; // FLUSH CACHE, FLUSH CACHE EXT, 48-bit addresses
    words[84] = 0x4000;
    words[85] =
        static_cast<uint16_t>(0x4000 | (identity.write_cache ? 0x20 : 0) | (settings.smart ? 0x01 : 0));
    words[86] = 0x3400;
    words[87] = 0x4000;
    words[88] = mode_word(0x003F, settings.ultra_dma_mode);
    words[93] = identity.names_device_1 && identity.unit % 2 == 1 ? 0x6100 : 0x6001; // 80-conductor cable
    put_number(words, 100, 4, identity.sectors);
    return words;
}

} // namespace fixpoint::models
