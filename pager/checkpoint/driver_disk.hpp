// The store's block device over the disk driver (pager/disk_protocol.hpp). Each of the server's threads has
// one, with request areas of its own. Buffers are physical addresses as they are: the server's memory is mapped
// virtual = physical.
#pragma once

#include <cstdint>

#include "pager/checkpoint/write_queue.hpp"
#include "pager/disk_protocol.hpp"
#include "pager/store/block_device.hpp"

namespace pager {

class DriverDisk final : public store::BlockDevice, public WriteQueue {
public:
    // `area` is for calls; the thread that hands over writes has WriteQueue::places further ones from `queue_area` on.
    explicit DriverDisk(uint32_t area, uint32_t queue_area = disk_request_areas)
        : area_{area}, queue_area_{queue_area} {}

    // Maps the request page to the driver. Once for all areas.
    static DiskStatus connect();
    // Asks for the disk's size.
    DiskStatus identify();

    uint32_t sector_count() const override { return sectors_; }
    store::DeviceStatus read(uint32_t first_sector, void* buffer, uint32_t sectors) override;
    store::DeviceStatus write(uint32_t first_sector, const store::Segment* segments, uint32_t count) override;
    store::DeviceStatus flush() override;

    store::DeviceStatus submit(uint32_t place, uint32_t first_sector, const store::Segment* segments,
                               uint32_t count) override;
    End wait() override;

    uint32_t requests() const { return requests_; } // reads and writes up to now
    bool is_busy() const { return busy_; }          // one of them is under way

private:
    static void put_segments(uint32_t area, const store::Segment* segments, uint32_t count);
    store::DeviceStatus transfer(DiskOperation operation, uint32_t first_sector, uint32_t segments);

    uint32_t area_, queue_area_;
    uint32_t sectors_ = 0, requests_ = 0;
    bool busy_ = false;
};

} // namespace pager
