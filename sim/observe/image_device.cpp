#include "sim/observe/image_device.hpp"

#include <algorithm>
#include <limits>

namespace fixpoint::sim {

uint32_t ImageDevice::sector_count() const {
    return static_cast<uint32_t>(
        std::min<uint64_t>(image_.sector_count(), std::numeric_limits<uint32_t>::max()));
}

store::DeviceStatus ImageDevice::read(uint32_t first_sector, void* buffer, uint32_t sectors) {
    if (!image_.contains(first_sector, sectors))
        return store::DeviceStatus::medium_error;
    for (uint64_t lba = first_sector; lba < uint64_t{first_sector} + sectors; ++lba)
        if (image_.is_unreadable(lba))
            return store::DeviceStatus::medium_error;
    image_.read(first_sector, {static_cast<uint8_t*>(buffer), size_t{sectors} * store::sector_bytes});
    return store::DeviceStatus::ok;
}

} // namespace fixpoint::sim
