#include "models/chipset/piix_ide.hpp"

#include "models/disk/unflushed_writes.hpp"

#include <algorithm>

namespace fixpoint::models {
namespace {

// Bus master registers.
enum : unsigned { bm_command_register = 0, bm_status_register = 2, bm_table_register = 4 };
constexpr uint8_t bm_start = 0x01, bm_to_memory = 0x08;
constexpr uint8_t bm_active = 0x01, bm_error = 0x02, bm_interrupt = 0x04, bm_drives_capable = 0x60;
// A physical region descriptor: address, then byte count (0: 64 KB) and the end mark.
constexpr uint32_t prd_bytes = 8, prd_end = 0x8000'0000;

constexpr uint16_t firmware_bus_master_base = 0xC000; // SeaBIOS's choice on -M pc

constexpr uint32_t all_ones(unsigned bytes) {
    return bytes == 4 ? ~0u : (1u << 8 * bytes) - 1;
}

} // namespace

PiixIdeFunction::PiixIdeFunction() : PciFunction{0x8086, 0x7010, 0x010180, 0x00} {
    define(0x04, 2, 0x0000, 0x0005);
    define_firmware(0x04, 2, 0x0001); // I/O space on, bus mastering off
    define(0x06, 2, 0x0280, 0x0000);
    define(0x20, 4, 1, 0x0000'FFF0);
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

IdeChannel::IdeChannel(AtaDrive* drive, BusMasterMemory& memory, Picoseconds sector_time)
    : drive_{drive}, memory_{memory}, sector_time_{sector_time} {
    if (drive_ != nullptr)
        drive_->interrupt.connect([this](bool level) { drive_interrupt(level); });
    reset(0);
}

void IdeChannel::drive_interrupt(bool level) {
    if (level && !interrupts_disabled_)
        bm_status_ |= bm_interrupt;
    interrupt.set(level && !interrupts_disabled_);
}

void IdeChannel::reset(Picoseconds now) {
    now_ = now;
    interrupts_disabled_ = false;
    bm_command_ = 0;
    bm_status_ = drive_ != nullptr ? 0x20 : 0; // firmware marks device 0 as DMA capable
    table_ = 0;
    region_bytes_ = 0;
    sector_done_ = never;
    if (drive_ != nullptr)
        drive_->reset(now);
    interrupt.set(false);
}

// --- Task file ---------------------------------------------------------------------------------------------

uint32_t IdeChannel::read_task_file(unsigned index, unsigned bytes) {
    if (drive_ == nullptr)
        return 0;
    if (index == 0) {
        if (!drive_->selected())
            return 0;
        uint32_t value = drive_->read_data();
        if (bytes == 4)
            value |= uint32_t{drive_->read_data()} << 16;
        return value;
    }
    // Device 0 answers for an absent device 1, but with status 0.
    if (index == 7 && !drive_->selected())
        return 0;
    return drive_->read_register(index);
}

void IdeChannel::write_task_file(unsigned index, unsigned bytes, uint32_t value) {
    if (drive_ == nullptr)
        return;
    if (index == 0) {
        if (!drive_->selected())
            return;
        drive_->write_data(static_cast<uint16_t>(value));
        if (bytes == 4)
            drive_->write_data(static_cast<uint16_t>(value >> 16));
    } else {
        drive_->write_register(index, static_cast<uint8_t>(value));
    }
    start_sector(now_);
}

uint8_t IdeChannel::alternate_status() const {
    return present() ? drive_->alternate_status() : 0;
}

void IdeChannel::write_control(uint8_t value) {
    interrupts_disabled_ = value & 2;
    if (drive_ == nullptr)
        return;
    drive_->write_control(value);
    interrupt.set(drive_->interrupt.level() && !interrupts_disabled_);
}

// --- Bus master --------------------------------------------------------------------------------------------

uint32_t IdeChannel::read_bus_master(unsigned offset, unsigned bytes) const {
    const std::array<uint8_t, 8> registers{bm_command_,
                                           0,
                                           bm_status_,
                                           0,
                                           static_cast<uint8_t>(table_),
                                           static_cast<uint8_t>(table_ >> 8),
                                           static_cast<uint8_t>(table_ >> 16),
                                           static_cast<uint8_t>(table_ >> 24)};
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes && offset + i < registers.size(); ++i)
        value |= uint32_t{registers[offset + i]} << 8 * i;
    return value;
}

void IdeChannel::write_bus_master(unsigned offset, unsigned bytes, uint32_t value) {
    for (unsigned i = 0; i < bytes; ++i) {
        const auto byte = static_cast<uint8_t>(value >> 8 * i);
        const unsigned at = offset + i;
        if (at == bm_command_register) {
            const bool started = byte & ~bm_command_ & bm_start, stopped = bm_command_ & ~byte & bm_start;
            bm_command_ = byte & (bm_start | bm_to_memory);
            if (started) {
                bm_status_ |= bm_active;
                next_entry_ = table_;
                region_bytes_ = 0;
                last_region_ = false;
                start_sector(now_);
            } else if (stopped) {
                bm_status_ &= static_cast<uint8_t>(~bm_active);
                sector_done_ = never;
            }
        } else if (at == bm_status_register) {
            const uint8_t cleared = byte & (bm_error | bm_interrupt);
            bm_status_ = static_cast<uint8_t>((bm_status_ & ~cleared & ~bm_drives_capable) |
                                              (byte & bm_drives_capable));
        } else if (at >= bm_table_register && at < bm_table_register + 4) {
            const unsigned shift = 8 * (at - bm_table_register);
            table_ = ((table_ & ~(0xFFu << shift)) | uint32_t{byte} << shift) & ~3u;
        }
    }
}

void IdeChannel::enable_bus_master(bool enabled) {
    bus_master_enabled_ = enabled;
    start_sector(now_);
}

bool IdeChannel::drive_wants_sector() const {
    return drive_->dma_request() && drive_->dma_to_memory() == ((bm_command_ & bm_to_memory) != 0);
}

void IdeChannel::start_sector(Picoseconds now) {
    if (sector_done_ != never || !(bm_status_ & bm_active) || !bus_master_enabled_ || drive_ == nullptr)
        return;
    if (drive_wants_sector())
        sector_done_ = now + sector_time_;
}

void IdeChannel::stop_engine(bool error) {
    bm_status_ &= static_cast<uint8_t>(~bm_active);
    if (error)
        bm_status_ |= bm_error;
}

// False at the end of the table.
bool IdeChannel::next_region() {
    if (last_region_) {
        stop_engine(false);
        return false;
    }
    std::array<uint8_t, prd_bytes> entry{};
    if (!memory_.read(next_entry_, entry)) {
        stop_engine(true);
        return false;
    }
    const auto word = [&](size_t i) {
        return uint32_t{entry[i]} | uint32_t{entry[i + 1]} << 8 | uint32_t{entry[i + 2]} << 16 |
               uint32_t{entry[i + 3]} << 24;
    };
    next_entry_ += prd_bytes;
    region_ = word(0) & ~1u;
    region_bytes_ = word(4) & 0xFFFE;
    if (region_bytes_ == 0)
        region_bytes_ = 0x10000;
    last_region_ = word(4) & prd_end;
    return true;
}

// The memory of the next sector; false when the table ends before it or cannot be read.
bool IdeChannel::next_sector_regions(std::vector<Region>& regions) {
    for (uint32_t missing = sector_bytes; missing != 0;) {
        if (region_bytes_ == 0 && !next_region())
            return false;
        const uint32_t bytes = std::min(region_bytes_, missing);
        regions.push_back({region_, bytes});
        region_ += bytes;
        region_bytes_ -= bytes;
        missing -= bytes;
    }
    return true;
}

void IdeChannel::finish_sector() {
    sector_done_ = never;
    std::vector<Region> regions;
    if (!drive_wants_sector() || !next_sector_regions(regions)) // a new command may have come meanwhile
        return;
    SectorData data{};
    bool answered = true;
    size_t at = 0;
    if (drive_->dma_to_memory()) {
        if (!drive_->dma_take(data))
            return;
        for (const Region& region : regions) {
            answered = answered && memory_.write(region.address, std::span{data}.subspan(at, region.bytes));
            at += region.bytes;
        }
    } else {
        for (const Region& region : regions) {
            answered = answered && memory_.read(region.address, std::span{data}.subspan(at, region.bytes));
            at += region.bytes;
        }
        if (answered)
            drive_->dma_put(data);
    }
    if (!answered)
        stop_engine(true);
    else if (region_bytes_ == 0 && last_region_)
        stop_engine(false);
}

void IdeChannel::advance(Picoseconds now) {
    for (Picoseconds next = next_event(); next <= now; next = next_event()) {
        now_ = next;
        if (drive_ != nullptr)
            drive_->advance(next);
        if (sector_done_ <= next)
            finish_sector();
        start_sector(next);
    }
    now_ = now;
    if (drive_ != nullptr)
        drive_->advance(now);
    start_sector(now);
}

Picoseconds IdeChannel::next_event() const {
    return std::min(sector_done_, drive_ != nullptr ? drive_->next_event() : never);
}

// --- The function ------------------------------------------------------------------------------------------

PiixIde::PiixIde(Disk* disk, const std::string& model, BusMasterMemory& memory,
                 uint64_t cable_bytes_per_second)
    : drive_{disk != nullptr ? std::make_unique<AtaDrive>(*disk, model) : nullptr},
      channels_{{{drive_.get(), memory, sector_bytes * ps_per_second / cable_bytes_per_second},
                 {nullptr, memory, sector_bytes * ps_per_second / cable_bytes_per_second}}} {}

uint32_t PiixIde::read(uint32_t offset, unsigned bytes) {
    if (offset >= bus_master)
        return channels_[(offset - bus_master) / 8].read_bus_master((offset - bus_master) % 8, bytes);
    const unsigned channel = offset / secondary_task_file;
    if (!function.channel_enabled(channel) || !function.io_enabled())
        return all_ones(bytes);
    const unsigned index = offset % secondary_task_file;
    return index == primary_control ? channels_[channel].alternate_status()
                                    : channels_[channel].read_task_file(index, bytes);
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
        channels_[channel].write_control(static_cast<uint8_t>(value));
    else
        channels_[channel].write_task_file(index, bytes, value);
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
