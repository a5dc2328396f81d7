// A small drive with round numbers, and a host that moves its sectors: what the tests of the drives share.
#pragma once

#include "models/disk/disk.hpp"

#include <array>
#include <cassert>
#include <cstdint>

namespace fixpoint::models::test {

using SectorBytes = std::array<uint8_t, sector_bytes>;

// 6,000 rpm: 10 ms a revolution, 100 sectors a track: 100 us a sector. Two heads, two zones.
inline DiskParameters small_drive() {
    return {.kind = DiskKind::mechanical,
            .model = "SMALL",
            .command_overhead_us = 0,
            .interface_bytes_per_second = 100'000'000,
            .mechanical = {.rotation_rpm = 6'000,
                           .cylinders = 100,
                           .heads = 2,
                           .zones = {{0, 100, 10, 20}, {50, 50, 5, 10}},
                           .seek = {{1, 1'000}, {11, 3'000}, {99, 10'000}},
                           .head_switch_us = 1'000,
                           .write_settle_us = 500,
                           .read_segments = 2,
                           .read_segment_sectors = 64,
                           .read_ahead_sectors = 0,
                           .write_cache_sectors = 32,
                           .write_cache_enabled = true,
                           .destage_delay_us = 2'000},
            .ideal = {}};
}

inline SectorBytes filled(uint8_t value) {
    SectorBytes bytes;
    bytes.fill(value);
    return bytes;
}

inline SectorBytes on_media(const DiskImage& image, uint64_t lba) {
    SectorBytes bytes{};
    image.read(lba, bytes);
    return bytes;
}

// Moves sectors without any time on the cable.
class InstantHost {
public:
    explicit InstantHost(Disk& disk) : disk_{disk} {}

    Picoseconds now = 0;

    void wait_until(Picoseconds time) {
        assert(time >= now);
        now = time;
        disk_.advance(now);
    }
    // Each returns the instant at which the command was done.
    Picoseconds read(uint64_t lba, uint64_t sectors, SectorBytes* last = nullptr) {
        disk_.advance(now);
        disk_.begin_read(lba, sectors, now);
        SectorBytes data{};
        while (!disk_.command_done()) {
            step();
            if (disk_.sector_ready())
                read_error = !disk_.take_sector(data, now);
        }
        if (last != nullptr)
            *last = data;
        return now;
    }
    Picoseconds write(uint64_t lba, uint64_t sectors, uint8_t value) {
        disk_.advance(now);
        disk_.begin_write(lba, sectors, now);
        while (!disk_.command_done()) {
            step();
            if (disk_.sector_ready())
                disk_.put_sector(filled(value), now);
        }
        return now;
    }
    Picoseconds flush() {
        disk_.advance(now);
        disk_.begin_flush(now);
        while (!disk_.command_done())
            step();
        return now;
    }
    bool read_error = false;

private:
    void step() {
        if (disk_.next_event() == never)
            return;
        now = disk_.next_event();
        disk_.advance(now);
    }
    Disk& disk_;
};

} // namespace fixpoint::models::test
