// A drive with an arm, turning platters, a read buffer with read-ahead and a volatile write cache.
//
// The media does one thing at a time, a *run* over consecutive sectors:
//
//            request_media()                    finish_sector()
//   none ---------------------> read  ----------------------------> none    end of request and read-ahead,
//     |                          sector after sector into a segment          or the write cache is due
//     | start_destage()
//     +-----------------------> write ----------------------------> none    no dirty sector follows
//                                write cache -> image
//
// A host read that needs the media stops any run that does not lead to it: at once while the arm is moving
// into place or waiting for the sector, after the sector when it is passing under the head. The write cache
// is emptied in the background in ascending order from where the head is (then from the lowest), beginning
// destage_delay_us after the first write into an empty cache; at once when a flush waits or the cache is
// full.
//
// Invariants: a sector is in the image only if its last moment under the head is not later than the instant
// advanced to; a sector leaves the write cache at that same instant; so flush is done when the cache is
// empty.
#pragma once

#include "models/disk/disk.hpp"
#include "models/disk/disk_mechanics.hpp"
#include "models/disk/unflushed_writes.hpp"

#include <map>
#include <utility>
#include <vector>

namespace fixpoint::models {

class MechanicalDisk final : public Disk {
public:
    // Throws std::invalid_argument naming the parameter, or when the image is larger than the drive.
    MechanicalDisk(const DiskParameters& parameters, DiskImage& image);

    [[nodiscard]] uint64_t sector_count() const override { return image_.sector_count(); }
    [[nodiscard]] bool writable() const override { return image_.writable(); }
    void advance(Picoseconds now) override;
    [[nodiscard]] Picoseconds next_event() const override;
    void begin_read(uint64_t lba, uint64_t sectors, Picoseconds now) override;
    void begin_write(uint64_t lba, uint64_t sectors, Picoseconds now) override;
    void begin_flush(Picoseconds now) override;
    [[nodiscard]] bool sector_ready() const override;
    [[nodiscard]] bool take_sector(Sector data, Picoseconds now) override;
    void put_sector(ConstSector data, Picoseconds now) override;
    [[nodiscard]] std::optional<uint64_t> take_write_error() override {
        return std::exchange(write_error_, std::nullopt);
    }
    [[nodiscard]] bool command_done() const override;
    void abort_command(Picoseconds now) override;
    void enable_write_cache(bool enabled, Picoseconds now) override;
    [[nodiscard]] bool write_cache_enabled() const override { return write_cache_enabled_; }
    void enable_read_ahead(bool enabled) override { read_ahead_enabled_ = enabled; }
    void power_loss(PowerLoss mode, uint64_t seed, Picoseconds now) override;
    [[nodiscard]] uint64_t unflushed_sectors() const override { return dirty_.size(); }
    [[nodiscard]] const DiskCounters& counters() const override { return counters_; }

private:
    enum class Command { none, read, write, flush };
    enum class Run { none, read, write };
    struct Segment { // sectors [first, end) are in the read buffer
        uint64_t first = 0, end = 0;
        uint64_t last_use = 0; // 0: unused
        [[nodiscard]] bool holds(uint64_t lba) const { return first <= lba && lba < end; }
    };

    void begin(Command command, uint64_t lba, uint64_t sectors, Picoseconds now);
    void catch_up(Picoseconds now);
    void finish_sector();
    void request_media(Picoseconds now);
    void request_read(Picoseconds now);
    void start_run(Run kind, uint64_t lba, uint64_t end, Picoseconds from);
    bool start_destage(Picoseconds now);
    void stop_run(Picoseconds now);
    [[nodiscard]] uint64_t next_dirty() const;
    [[nodiscard]] const Segment* segment_of(uint64_t lba) const;
    Segment& segment_for_read(uint64_t lba);
    [[nodiscard]] uint64_t read_ahead_end() const;
    void reset_state(Picoseconds now);

    DiskImage& image_;
    MechanicalDiskParameters parameters_;
    DiskMechanics mechanics_;
    Picoseconds overhead_, destage_delay_;

    Picoseconds now_ = 0;
    bool write_cache_enabled_ = true, read_ahead_enabled_ = true;

    // The host's command: sectors [lba_, end_) are still to be moved.
    Command command_ = Command::none;
    uint64_t first_ = 0, lba_ = 0, end_ = 0;
    Picoseconds command_start_ = 0; // its overhead is over

    // The media.
    Run run_ = Run::none;
    uint64_t run_lba_ = 0, run_end_ = 0; // the sector under or before the head; reads: where the run ends
    bool run_stopping_ = false;          // ends with this sector
    DiskMechanics::Access run_timing_{};
    DiskPosition position_{};    // of the arm when no run moves it
    uint64_t head_lba_ = 0;      // where the last run ended
    Picoseconds media_free_ = 0; // when the arm can take the next run

    std::vector<Segment> segments_;
    Segment* run_segment_ = nullptr;
    uint64_t uses_ = 0;

    std::map<uint64_t, SectorData> dirty_; // the write cache: accepted, not on the media
    Picoseconds destage_from_ = never;

    std::optional<uint64_t> write_error_;
    DiskCounters counters_;
};

} // namespace fixpoint::models
