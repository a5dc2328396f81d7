// Requests to the disk driver (l4::disk_driver_thread): the first disk of the first IDE channel, by
// bus-master DMA.
//
// A client first maps one page to the driver by a CONNECT call: the *request page*, shared from then on. It
// is divided into request areas, one for each of the client's threads; an area holds the segments of one
// request. Buffers are given by physical address, so that the disk moves the data without the driver ever
// mapping it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pager {

enum class DiskOperation : uint32_t {
    connect = 1,  // a map message: w1 = fpage of the request page, writable or not
    read = 2,     // w1 = first sector, w2 = segments | area << 16
    write = 3,    // the same
    flush = 4,    // all writes replied to before are on the media when the reply comes
    identify = 5, // reply: w1 = sectors of the disk
};

// Reply: w0.
enum class DiskStatus : uint32_t {
    ok = 0,
    no_disk = 1,
    bad_request = 2,  // beyond the disk's end, not connected, segments not whole sectors or too many
    medium_error = 3, // the disk reported an error, twice
    timeout = 4,      // the disk did not answer, twice
};

inline constexpr uint32_t sector_bytes = 512;
inline constexpr uint32_t disk_request_sectors_max = 256; // ATA READ/WRITE DMA with a count of 0

struct DiskSegment {
    uint32_t physical_address; // even
    uint32_t bytes;            // a multiple of sector_bytes, not 0
};
static_assert(sizeof(DiskSegment) == 8);

inline constexpr uint32_t disk_segments_max = 64, disk_request_areas = 4;

struct DiskRequestPage {
    DiskSegment area[disk_request_areas][disk_segments_max];
};
static_assert(sizeof(DiskRequestPage) <= 4096);

} // namespace pager
