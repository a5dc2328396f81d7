// The store's block device over the disk driver (pager/disk_protocol.hpp). Each of the server's threads has
// one, with its own request area. Buffers are physical addresses as they are: the server's memory is mapped
// virtual = physical.
#pragma once

#include <cstdint>

#include "pager/disk_protocol.hpp"
#include "pager/store/block_device.hpp"

namespace pager {

class DriverDisk final : public store::BlockDevice {
public:
    explicit DriverDisk(uint32_t area) : area_{area} {}

    // Maps the request page to the driver. Once for all areas.
    static DiskStatus connect();
    // Asks for the disk's size.
    DiskStatus identify();

    uint32_t sector_count() const override { return sectors_; }
    store::DeviceStatus read(uint32_t first_sector, void* buffer, uint32_t sectors) override;
    store::DeviceStatus write(uint32_t first_sector, const store::Segment* segments, uint32_t count) override;
    store::DeviceStatus flush() override;

    uint32_t requests() const { return requests_; } // up to now

private:
    store::DeviceStatus transfer(DiskOperation operation, uint32_t first_sector, uint32_t segments);

    uint32_t area_;
    uint32_t sectors_ = 0, requests_ = 0;
};

} // namespace pager
