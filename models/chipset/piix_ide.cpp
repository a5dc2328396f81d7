#include "models/chipset/piix_ide.hpp"

#include <algorithm>

namespace fixpoint::models {
namespace {

constexpr uint16_t firmware_bus_master_base = 0xC000; // SeaBIOS's choice on -M pc

std::array<std::unique_ptr<AtaDrive>, ide_units> make_drives(const IdeDisks& disks, AtaErrors errors) {
    std::array<std::unique_ptr<AtaDrive>, ide_units> drives;
    for (unsigned unit = 0; unit < ide_units; ++unit)
        if (const IdeDisk& attached = disks[unit]; attached.disk != nullptr)
            drives[unit] = std::make_unique<AtaDrive>(*attached.disk, attached.model, unit, errors);
    return drives;
}

Picoseconds sector_time(const IdeDisk& disk) {
    return disk.disk != nullptr ? sector_bytes * ps_per_second / disk.cable_bytes_per_second : 0;
}

} // namespace

PiixIdeFunction::PiixIdeFunction() : PciFunction{0x8086, 0x7010, 0x010180, 0x00} {
    define(0x04, 2, 0x0000, 0x0005);
    define_firmware(0x04, 2, 0x0001); // I/O space on, bus mastering off
    define(0x06, 2, 0x0280, 0x0000);
    define(0x20, 4, 1, 0xFFFF'FFF0); // the high half, too, as in QEMU: firmware takes the size from all bits
    define_firmware(0x20, 4, firmware_bus_master_base | 1);
    for (const unsigned channel_timing : {0x40u, 0x42u}) { // IDETIM
        define(channel_timing, 2, 0x0000, 0xFFFF);
        define_firmware(channel_timing, 2, 0x8000); // decodes
    }
    define(0x44, 1, 0x00, 0xFF);
    define(0x48, 1, 0x00, 0x0F); // ultra DMA of the PIIX4, harmless here
    define(0x4A, 2, 0x0000, 0x3333);
}

std::optional<uint16_t> PiixIdeFunction::bus_master_base() const {
    const auto base = static_cast<uint16_t>(read_config(0x20, 4) & 0xFFF0);
    return io_enabled() && base != 0 ? std::optional{base} : std::nullopt;
}

PiixIde::PiixIde(const IdeDisks& disks, AtaErrors errors, BusMasterMemory& memory)
    : drives_{make_drives(disks, errors)},
      channels_{{{{{{drives_[0].get(), sector_time(disks[0])}, {drives_[1].get(), sector_time(disks[1])}}},
                  errors,
                  memory},
                 {{{{drives_[2].get(), sector_time(disks[2])}, {drives_[3].get(), sector_time(disks[3])}}},
                  errors,
                  memory}}} {}

uint32_t PiixIde::read(uint32_t offset, unsigned bytes) {
    if (offset >= bus_master)
        return channels_[(offset - bus_master) / 8].read_bus_master((offset - bus_master) % 8, bytes);
    const unsigned channel = offset / secondary_task_file;
    if (!function.channel_enabled(channel) || !function.io_enabled())
        return all_ones(bytes);
    const unsigned index = offset % secondary_task_file;
    if (index == primary_control)
        return channels_[channel].alternate_status();
    if (index == IdeChannel::data_port)
        return channels_[channel].read_task_file(index, bytes);
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes; ++i)
        value |= channels_[channel].read_task_file(index + i, 1) << 8 * i;
    return value;
}

void PiixIde::write(uint32_t offset, unsigned bytes, uint32_t value) {
    if (offset >= bus_master) {
        channels_[(offset - bus_master) / 8].write_bus_master((offset - bus_master) % 8, bytes, value);
        return;
    }
    const unsigned channel = offset / secondary_task_file;
    if (!function.channel_enabled(channel) || !function.io_enabled())
        return;
    const unsigned index = offset % secondary_task_file;
    if (index == primary_control)
        return channels_[channel].write_control(static_cast<uint8_t>(value));
    if (index == IdeChannel::data_port)
        return channels_[channel].write_task_file(index, bytes, value);
    for (unsigned i = 0; i < bytes; ++i)
        channels_[channel].write_task_file(index + i, 1, value >> 8 * i & 0xFF);
}

void PiixIde::advance(Picoseconds now) {
    for (IdeChannel& channel : channels_) {
        channel.advance(now);
        channel.enable_bus_master(function.bus_master_enabled());
    }
}

Picoseconds PiixIde::next_event() const {
    return std::min(channels_[0].next_event(), channels_[1].next_event());
}

void PiixIde::power_cycle(Picoseconds now) {
    for (IdeChannel& channel : channels_)
        channel.reset(now);
}

} // namespace fixpoint::models
