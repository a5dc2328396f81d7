// A disk image as the store's device: to read only.
#pragma once

#include "models/disk/disk_image.hpp"
#include "pager/store/block_device.hpp"

namespace fixpoint::sim {

class ImageDevice final : public store::BlockDevice {
public:
    explicit ImageDevice(const models::DiskImage& image) : image_(image) {}
    virtual ~ImageDevice() = default;

    uint32_t sector_count() const override;
    store::DeviceStatus read(uint32_t first_sector, void* buffer, uint32_t sectors) override;
    store::DeviceStatus write(uint32_t, const store::Segment*, uint32_t) override {
        return store::DeviceStatus::failed;
    }
    store::DeviceStatus flush() override { return store::DeviceStatus::failed; }

private:
    const models::DiskImage& image_;
};

} // namespace fixpoint::sim
