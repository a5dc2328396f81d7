// Requests to the disk driver (l4::disk_driver_thread): the first disk of the first IDE channel, by
// bus-master DMA.
//
// A client first maps one page to the driver by a CONNECT call: the *request page*, shared from then on. It
// is divided into request areas; an area holds the segments of one request and belongs to it until its client has
// been told how it ended. Buffers are given by physical address, so that the disk moves the data without the driver
// ever mapping it.
//
// A thread either calls and waits for the end of its request (read, write, flush), or hands over writes, an area
// each, and collects their ends later. The order in which requests go to the disk: pager/ide/request_queue.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pager {

enum class DiskOperation : uint32_t {
    connect = 1, // a map message: w1 = fpage of the request page, writable or not
    read = 2,    // w1 = first sector, w2 = segments | area << 16
    write = 3,   // the same
    flush =
        4, // w2 = area << 16; all writes replied to or collected before are on the media when the reply comes
    identify = 5,     // reply: w1 = sectors of the disk
    submit_write = 6, // as write; the reply comes at once: ok, it is on its way, or bad_request
    collect = 7,      // waits for the end of one of the caller's submitted writes: its status, w1 = its area
};

// Reply: w0.
enum class DiskStatus : uint32_t {
    ok = 0,
    no_disk = 1,
    bad_request =
        2, // beyond the disk's end, not connected, area in use, segments not whole sectors or too many
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

inline constexpr uint32_t disk_segments_max = 32, disk_request_areas = 16;

struct DiskRequestPage {
    DiskSegment area[disk_request_areas][disk_segments_max];
};
static_assert(sizeof(DiskRequestPage) <= 4096);

constexpr uint32_t disk_request_word(uint32_t segments, uint32_t area) { // w2
    return segments | area << 16;
}
constexpr uint32_t disk_request_segments(uint32_t w2) {
    return w2 & 0xFFFFu;
}
constexpr uint32_t disk_request_area(uint32_t w2) {
    return w2 >> 16;
}

} // namespace pager
