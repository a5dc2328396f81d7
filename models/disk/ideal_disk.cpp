#include "models/disk/ideal_disk.hpp"

#include <algorithm>
#include <cassert>

namespace fixpoint::models {

IdealDisk::IdealDisk(const DiskParameters& parameters, DiskImage& image)
    : image_{image}, overhead_{parameters.command_overhead_us * ps_per_us},
      read_latency_{parameters.ideal.read_latency_ns * ps_per_ns},
      write_latency_{parameters.ideal.write_latency_ns * ps_per_ns},
      flush_latency_{parameters.ideal.flush_latency_ns * ps_per_ns}, sector_time_{parameters.ideal.sector_ns *
                                                                                  ps_per_ns} {}

Picoseconds IdealDisk::next_event() const {
    return ready_ > now_ ? ready_ : never;
}

void IdealDisk::begin(uint64_t lba, uint64_t sectors, Picoseconds ready) {
    assert(command_done());
    lba_ = lba;
    remaining_ = sectors;
    ready_ = ready;
}

void IdealDisk::begin_read(uint64_t lba, uint64_t sectors, Picoseconds now) {
    ++counters_.read_commands;
    begin(lba, sectors, now + overhead_ + read_latency_ + sector_time_);
}

void IdealDisk::begin_write(uint64_t lba, uint64_t sectors, Picoseconds now) {
    ++counters_.write_commands;
    begin(lba, sectors, now + overhead_ + write_latency_);
}

void IdealDisk::begin_flush(Picoseconds now) {
    ++counters_.flushes;
    begin(0, 0, now + overhead_ + flush_latency_);
}

bool IdealDisk::take_sector(Sector data, Picoseconds now) {
    assert(sector_ready());
    if (image_.is_unreadable(lba_)) {
        remaining_ = 0;
        return false;
    }
    image_.read(lba_++, data);
    --remaining_;
    // The next one follows at the medium's rate; the last leaves nothing to wait for.
    ready_ = remaining_ != 0 ? std::max(now, ready_ + sector_time_) : now;
    ++counters_.sectors_read;
    ++counters_.media_sectors_read;
    return true;
}

void IdealDisk::put_sector(ConstSector data, Picoseconds now) {
    assert(sector_ready());
    if (!image_.write(lba_, data) && !write_error_)
        write_error_ = lba_;
    ++lba_;
    --remaining_;
    ready_ = std::max(now, ready_ + sector_time_);
    ++counters_.sectors_written;
    ++counters_.media_sectors_written;
}

void IdealDisk::abort_command(Picoseconds now) {
    remaining_ = 0;
    ready_ = now_ = now;
}

// Nothing is volatile here: every mode leaves the image as it is.
void IdealDisk::power_loss(PowerLoss, uint64_t, Picoseconds now) {
    abort_command(now);
    write_error_.reset();
}

} // namespace fixpoint::models
