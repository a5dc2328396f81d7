// The bus-master IDE function of the PIIX3 at 00:01.1: two channels of up to two drives, DMA by PRD tables.
//
// Source: Intel 82371SB data sheet (290550). The channels are in ide_channel.hpp, the drives in ata_drive.hpp.
#pragma once

#include "models/chipset/ide_channel.hpp"
#include "models/chipset/pci.hpp"
#include "models/device.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

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

// A disk to be attached, with what its drive tells about itself.
struct IdeDisk {
    Disk* disk = nullptr; // null: nothing at this place
    std::string model;
    uint64_t cable_bytes_per_second = 0; // the slower of controller and drive; not 0 if there is a disk
};
// Primary master and slave, secondary master and slave.
inline constexpr unsigned ide_units = 4;
using IdeDisks = std::array<IdeDisk, ide_units>;

class PiixIde final : public Device {
public:
    // Offsets that the router maps the ports to.
    enum : uint32_t {
        primary_task_file = 0,    // 0x1F0-0x1F7
        primary_control = 8,      // 0x3F6
        secondary_task_file = 16, // 0x170-0x177
        secondary_control = 24,   // 0x376
        bus_master = 32,          // BAR4
    };

    static constexpr uint16_t bus_master_size = 16; // ports

    PiixIdeFunction function;

    // The disks must outlive it.
    PiixIde(const IdeDisks& disks, AtaErrors errors, BusMasterMemory& memory);

    [[nodiscard]] Wire& interrupt(unsigned channel) { return channels_[channel].interrupt; }

    uint32_t read(uint32_t offset, unsigned bytes) override;
    void write(uint32_t offset, unsigned bytes, uint32_t value) override;
    void advance(Picoseconds now) override;
    [[nodiscard]] Picoseconds next_event() const override;
    void power_cycle(Picoseconds now) override;

private:
    std::array<std::unique_ptr<AtaDrive>, ide_units> drives_;
    std::array<IdeChannel, 2> channels_;
};

} // namespace fixpoint::models
