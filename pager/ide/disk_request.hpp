// A request as the driver keeps it.
#pragma once

#include <cstdint>

namespace pager {

struct DiskRequest {
    enum class Kind : uint8_t { read, write, flush } kind = Kind::flush;
    uint32_t area = 0; // of the request page: its segments
    uint32_t first_sector = 0, segments = 0;
};

} // namespace pager
