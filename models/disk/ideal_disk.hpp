// A drive without mechanics and without a volatile cache: constant latencies, and what it accepts is durable.
#pragma once

#include "models/disk/disk.hpp"

#include <utility>

namespace fixpoint::models {

class IdealDisk final : public Disk {
public:
    IdealDisk(const DiskParameters& parameters, DiskImage& image);

    [[nodiscard]] uint64_t sector_count() const override { return image_.sector_count(); }
    [[nodiscard]] bool writable() const override { return image_.writable(); }
    void advance(Picoseconds now) override { now_ = now; }
    [[nodiscard]] Picoseconds next_event() const override;
    void begin_read(uint64_t lba, uint64_t sectors, Picoseconds now) override;
    void begin_write(uint64_t lba, uint64_t sectors, Picoseconds now) override;
    void begin_flush(Picoseconds now) override;
    [[nodiscard]] bool sector_ready() const override { return remaining_ != 0 && now_ >= ready_; }
    [[nodiscard]] bool take_sector(Sector data, Picoseconds now) override;
    void put_sector(ConstSector data, Picoseconds now) override;
    [[nodiscard]] std::optional<uint64_t> take_write_error() override {
        return std::exchange(write_error_, std::nullopt);
    }
    [[nodiscard]] bool command_done() const override { return remaining_ == 0 && now_ >= ready_; }
    void abort_command(Picoseconds now) override;
    void enable_write_cache(bool, Picoseconds) override {}
    [[nodiscard]] bool write_cache_enabled() const override { return false; }
    void enable_read_ahead(bool) override {}
    void power_loss(PowerLoss mode, uint64_t seed, Picoseconds now) override;
    [[nodiscard]] uint64_t unflushed_sectors() const override { return 0; }
    [[nodiscard]] const DiskCounters& counters() const override { return counters_; }

private:
    void begin(uint64_t lba, uint64_t sectors, Picoseconds ready);

    DiskImage& image_;
    Picoseconds overhead_, read_latency_, write_latency_, flush_latency_, sector_time_;
    Picoseconds now_ = 0, ready_ = 0;
    uint64_t lba_ = 0, remaining_ = 0;
    std::optional<uint64_t> write_error_;
    DiskCounters counters_;
};

} // namespace fixpoint::models
