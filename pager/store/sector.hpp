// Reading and writing the store's single sectors: label, session, root.
#pragma once

#include "pager/store/block_device.hpp"
#include "pager/store/crc32c.hpp"
#include "pager/store/format.hpp"

namespace store {

enum class SectorState {
    ours,          // magic, checksum and version are right
    zero,          // never written
    other_version, // ours, by another version of this format
    torn,          // our magic, a wrong checksum
    unreadable,    // the device reports an error
    foreign,       // anything else
};

template<class Sector>
SectorState read_sector(BlockDevice& device, uint32_t lba, uint32_t magic, Sector& sector) {
    static_assert(sizeof(Sector) == sector_bytes);
    if (device.read(lba, &sector, 1) != DeviceStatus::ok)
        return SectorState::unreadable;
    const auto* bytes = reinterpret_cast<const uint8_t*>(&sector);
    uint8_t any = 0;
    for (uint32_t i = 0; i < sector_bytes; ++i)
        any |= bytes[i];
    if (any == 0)
        return SectorState::zero;
    if (sector.header.magic != magic)
        return SectorState::foreign;
    const uint32_t checksum = sector.header.checksum;
    sector.header.checksum = 0;
    const uint32_t expected = crc32c(&sector, sector_bytes);
    sector.header.checksum = checksum;
    if (checksum != expected)
        return SectorState::torn;
    return sector.header.version == format_version ? SectorState::ours : SectorState::other_version;
}

template<class Sector>
bool write_sector(BlockDevice& device, uint32_t lba, uint32_t magic, StoreKind kind, Sector& sector) {
    static_assert(sizeof(Sector) == sector_bytes);
    sector.header = {magic, 0, format_version, kind};
    sector.header.checksum = crc32c(&sector, sector_bytes);
    const Segment segment{&sector, sector_bytes};
    return device.write(lba, &segment, 1) == DeviceStatus::ok;
}

inline bool clear_sector(BlockDevice& device, uint32_t lba) {
    static constexpr uint8_t zeros[sector_bytes] = {};
    const Segment segment{zeros, sector_bytes};
    return device.write(lba, &segment, 1) == DeviceStatus::ok;
}

} // namespace store
