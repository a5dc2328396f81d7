// Writes that the drain hands to the disk without waiting for each: several may be on their way, and they end in any
// order. A *place* names one from submit() until wait() has told its end.
#pragma once

#include <cstdint>

#include "pager/store/block_device.hpp"

namespace pager {

class WriteQueue {
public:
    static constexpr uint32_t places = 8;

    struct End {
        uint32_t place = 0;
        store::DeviceStatus status = store::DeviceStatus::ok;
    };

    // Not ok: it was not taken. The segments' data stay as they are until its end.
    [[nodiscard]] virtual store::DeviceStatus submit(uint32_t place, uint32_t first_sector,
                                                     const store::Segment* segments, uint32_t count) = 0;
    // Until one of those that are on their way has ended.
    [[nodiscard]] virtual End wait() = 0;

    // Those that have ended are on the media when it returns ok.
    [[nodiscard]] virtual store::DeviceStatus flush() = 0;

protected:
    ~WriteQueue() = default;
};

} // namespace pager
