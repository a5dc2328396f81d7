// What the store needs of a disk. The guest implements it over the disk driver, host tools over an image
// file, tests over a fake that remembers every write.
#pragma once

#include <cstdint>

namespace store {

inline constexpr uint32_t sector_bytes = 512, block_bytes = 4096,
                          sectors_per_block = block_bytes / sector_bytes;

enum class DeviceStatus : uint32_t { ok = 0, medium_error = 1, failed = 2 };

struct Segment { // one piece of a gathered write
    const void* data = nullptr;
    uint32_t bytes = 0; // a multiple of sector_bytes
};

inline constexpr uint32_t transfer_segments_max =
                              32, // 128 KB, the most that one command of an ATA drive moves
    transfer_bytes_max = transfer_segments_max * block_bytes;

class BlockDevice {
public:
    virtual uint32_t sector_count() const = 0;
    // Both move at most transfer_bytes_max bytes. A sector is written wholly or not at all, or becomes
    // unreadable; between sectors of one request, and between requests, there is no order but the one that
    // flush() makes.
    virtual DeviceStatus read(uint32_t first_sector, void* buffer, uint32_t sectors) = 0;
    virtual DeviceStatus write(uint32_t first_sector, const Segment* segments, uint32_t count) = 0;
    // All writes that were completed before are durable when it returns ok.
    virtual DeviceStatus flush() = 0;

protected:
    ~BlockDevice() = default; // never deleted through this interface
};

} // namespace store
