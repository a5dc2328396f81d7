// What a disk drive is like: every value comes from a file in configs/disks, none has a default in code.
// Integers only, so that modelled time is the same on every host.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fixpoint::models {

enum class DiskKind {
    mechanical, // "mechanical": rotating platters, an arm, a volatile write cache
    ideal,      // "ideal": constant latency, no volatile cache
};

// A range of cylinders with the same number of sectors on each track; it ends where the next begins.
struct DiskZone {
    uint32_t first_cylinder;    // ascending; the first zone starts at 0
    uint32_t sectors_per_track; // 1 to 65,535
    // Between the last sector of a track and the first of the cylinder's next track.
    uint32_t track_skew_sectors;
    // Between the last sector of a cylinder and the first of the next cylinder.
    uint32_t cylinder_skew_sectors;
};

// A point of the seek curve: moving the arm over `cylinders` takes `us`, settling for a read included.
struct SeekPoint {
    uint32_t cylinders; // ascending, the first is 1
    uint32_t us;
};

struct MechanicalDiskParameters {
    uint32_t rotation_rpm; // 1,000 to 20,000
    uint32_t cylinders, heads;
    std::vector<DiskZone> zones;
    std::vector<SeekPoint> seek; // linear in between; beyond the last point its value
    uint32_t head_switch_us;     // to another head of the same cylinder
    uint32_t write_settle_us;    // more settling before a write than before a read, after any movement

    uint32_t read_segments;        // number of separate streams the read buffer can hold, at least 1
    uint32_t read_segment_sectors; // size of each; read-ahead stops when it is full
    uint32_t read_ahead_sectors;   // how far beyond a request the drive reads on; 0: no read-ahead
    uint32_t write_cache_sectors;  // limit of sectors accepted but not yet on the media, at least 1
    bool write_cache_enabled;      // after power-on; the host can change it by SET FEATURES
    uint32_t destage_delay_us;     // from the first write into an empty cache to the first one to the media
};

struct IdealDiskParameters {
    uint32_t read_latency_ns, write_latency_ns, flush_latency_ns; // a command's, before its first sector
    uint32_t sector_ns;                                           // then for each sector
};

struct DiskParameters {
    DiskKind kind;
    std::string model;                   // as IDENTIFY tells it, at most 40 characters
    uint32_t command_overhead_us;        // from the command to the start of the drive's work on it
    uint32_t interface_bytes_per_second; // burst rate of the drive's side of the cable (100,000,000: UDMA 5)

    MechanicalDiskParameters mechanical; // table [mechanical], kind = "mechanical" only
    IdealDiskParameters ideal;           // table [ideal], kind = "ideal" only
};

} // namespace fixpoint::models
