// A drive behind its controller: one command at a time, sectors one by one, in modelled time.
//
// The controller owns the cable: it starts a command, waits until the drive has a sector for it (or room for
// one), moves it at the cable's speed, and waits until the command is done. Like every device the drive only
// acts in advance(); next_event() names the next instant that matters to the *host*, while background work
// (read-ahead, writing the cache to the media) is caught up with by the next advance(). The image always
// holds what the media holds at the instant last advanced to, nothing earlier and nothing later.
#pragma once

#include "models/disk/disk_image.hpp"
#include "models/disk/disk_parameters.hpp"
#include "models/disk/power_loss.hpp"
#include "models/time.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace fixpoint::models {

using Sector = std::span<uint8_t, sector_bytes>;
using ConstSector = std::span<const uint8_t, sector_bytes>;

struct DiskCounters {
    uint64_t read_commands = 0, write_commands = 0, flushes = 0;
    uint64_t sectors_read = 0, sectors_written = 0; // over the cable
    uint64_t media_sectors_read = 0, media_sectors_written = 0;
};

class Disk {
public:
    Disk() = default;
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;
    virtual ~Disk() = default;

    [[nodiscard]] virtual uint64_t sector_count() const = 0;
    // False: write-protected, begin_write() is not allowed.
    [[nodiscard]] virtual bool writable() const = 0;

    virtual void advance(Picoseconds now) = 0;
    [[nodiscard]] virtual Picoseconds next_event() const = 0;

    // A new command; no other may be in progress and the range must lie on the disk. advance(now) comes
    // first.
    virtual void begin_read(uint64_t lba, uint64_t sectors, Picoseconds now) = 0;
    virtual void begin_write(uint64_t lba, uint64_t sectors, Picoseconds now) = 0;
    // Done when everything accepted before it is on the media.
    virtual void begin_flush(Picoseconds now) = 0;

    // Whether the next sector of the command can move now: it is in the buffer, or there is room for it.
    [[nodiscard]] virtual bool sector_ready() const = 0;
    // False: the sector is unreadable; the command ends there.
    [[nodiscard]] virtual bool take_sector(Sector data, Picoseconds now) = 0;
    virtual void put_sector(ConstSector data, Picoseconds now) = 0;
    // The first sector that the media has refused since last asked; what was to be written there is lost.
    [[nodiscard]] virtual std::optional<uint64_t> take_write_error() = 0;
    // Nothing of the command is left to do. A drive without a command is done.
    [[nodiscard]] virtual bool command_done() const = 0;
    // Gives the command up (reset); sectors already put stay in the write cache.
    virtual void abort_command(Picoseconds now) = 0;

    // What the host can switch by SET FEATURES. A drive without a write cache ignores it.
    virtual void enable_write_cache(bool enabled, Picoseconds now) = 0;
    [[nodiscard]] virtual bool write_cache_enabled() const = 0;
    virtual void enable_read_ahead(bool enabled) = 0;

    // Power fails at `now`: the image becomes what `mode` leaves of the unflushed data; `seed` draws what is
    // left to chance. The drive is as after power-on; switches have their power-on values.
    virtual void power_loss(PowerLoss mode, uint64_t seed, Picoseconds now) = 0;

    // Sectors accepted that the media does not have yet.
    [[nodiscard]] virtual uint64_t unflushed_sectors() const = 0;
    [[nodiscard]] virtual const DiskCounters& counters() const = 0;
};

// `image` must outlive the drive. Throws std::invalid_argument naming the parameter, also when the drive is
// smaller than the image.
std::unique_ptr<Disk> make_disk(const DiskParameters& parameters, DiskImage& image);

} // namespace fixpoint::models
