// The bus-master IDE function of the PIIX3 at 00:01.1: two channels, a drive on the first one, DMA by PRD
// tables.
//
// Source: Intel 82371SB data sheet (290550), Programming Interface for Bus Master IDE Controller rev. 1.0.
// A DMA transfer moves sector by sector at the cable's speed; each sector's memory access happens when it has
// passed. Bus master status at the end: 04 when table and transfer end together, 05 when the table is longer,
// 00 and no interrupt when it is shorter (the drive goes on waiting).
#pragma once

#include "models/chipset/ata_drive.hpp"
#include "models/chipset/bus_master.hpp"
#include "models/chipset/pci.hpp"
#include "models/device.hpp"
#include "models/wire.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fixpoint::models {

class PiixIdeFunction final : public PciFunction {
public:
    std::function<void()> on_change; // I/O decoding or the base of the bus master registers

    PiixIdeFunction();
    // Null when I/O space is off.
    [[nodiscard]] std::optional<uint16_t> bus_master_base() const;
    [[nodiscard]] bool io_enabled() const { return read_config(0x04, 2) & 1; }
    [[nodiscard]] bool bus_master_enabled() const { return read_config(0x04, 2) & 4; }
    [[nodiscard]] bool channel_enabled(unsigned channel) const {
        return read_config(0x40 + 2 * channel, 2) & 0x8000;
    }

private:
    void changed() override {
        if (on_change)
            on_change();
    }
};

// One channel: task file ports, the drive if there is one, and its bus master.
class IdeChannel {
public:
    Wire interrupt; // IRQ 14 or 15

    // `drive` may be null.
    IdeChannel(AtaDrive* drive, BusMasterMemory& memory, Picoseconds sector_time);

    uint32_t read_task_file(unsigned index, unsigned bytes);
    void write_task_file(unsigned index, unsigned bytes, uint32_t value);
    [[nodiscard]] uint8_t alternate_status() const;
    void write_control(uint8_t value);

    uint32_t read_bus_master(unsigned offset, unsigned bytes) const;
    void write_bus_master(unsigned offset, unsigned bytes, uint32_t value);
    void enable_bus_master(bool enabled);

    void advance(Picoseconds now);
    [[nodiscard]] Picoseconds next_event() const;
    void reset(Picoseconds now);

private:
    [[nodiscard]] bool present() const { return drive_ != nullptr && drive_->selected(); }
    void drive_interrupt(bool level);
    [[nodiscard]] bool drive_wants_sector() const; // in the direction of the engine
    void start_sector(Picoseconds now);
    void finish_sector();
    bool next_region();
    void stop_engine(bool error);
    struct Region {
        uint32_t address, bytes;
    };
    bool next_sector_regions(std::vector<Region>& regions);

    AtaDrive* drive_;
    BusMasterMemory& memory_;
    Picoseconds sector_time_;
    Picoseconds now_ = 0;
    bool interrupts_disabled_ = false; // nIEN

    uint8_t bm_command_ = 0, bm_status_ = 0;
    uint32_t table_ = 0;
    bool bus_master_enabled_ = false;
    // The engine's place in the table.
    uint32_t next_entry_ = 0, region_ = 0, region_bytes_ = 0;
    bool last_region_ = false;
    Picoseconds sector_done_ = never; // the sector on the cable has passed
};

class PiixIde final : public Device {
public:
    // Offsets that the router maps the ports to.
    enum : uint32_t {
        primary_task_file = 0,    // 0x1F0-0x1F7
        primary_control = 8,      // 0x3F6
        secondary_task_file = 16, // 0x170-0x177
        secondary_control = 24,   // 0x376
        bus_master = 32,          // BAR4, 16 ports
    };

    PiixIdeFunction function;

    // `disk` may be null; else it is device 0 of the first channel. cable_bytes_per_second: the slower of
    // controller and drive.
    PiixIde(Disk* disk, const std::string& model, BusMasterMemory& memory, uint64_t cable_bytes_per_second);

    [[nodiscard]] Wire& interrupt(unsigned channel) { return channels_[channel].interrupt; }

    uint32_t read(uint32_t offset, unsigned bytes) override;
    void write(uint32_t offset, unsigned bytes, uint32_t value) override;
    void advance(Picoseconds now) override;
    [[nodiscard]] Picoseconds next_event() const override;
    void power_cycle(Picoseconds now) override;

private:
    std::unique_ptr<AtaDrive> drive_;
    std::array<IdeChannel, 2> channels_;
};

} // namespace fixpoint::models
