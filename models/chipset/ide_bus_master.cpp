// The bus master of an IDE channel: registers, the table of regions, and sectors to and from memory.
#include "models/chipset/ide_channel.hpp"

#include "models/disk/unflushed_writes.hpp"

#include <algorithm>

namespace fixpoint::models {
namespace {

constexpr uint8_t drives_capable = ide_bus_master::device_0_capable | ide_bus_master::device_1_capable;
// A physical region descriptor: address, then byte count (0: 64 KB) and the end mark.
constexpr uint32_t prd_bytes = 8, prd_end = 0x8000'0000;
using DescriptorBytes = std::array<uint8_t, prd_bytes>;

struct Descriptor {
    uint32_t address, bytes;
    bool last;
};

Descriptor parse(const DescriptorBytes& raw) {
    constexpr uint32_t bytes_mask = 0xFFFE, most_bytes = 0x10000;
    const auto word = [&](size_t i) {
        return uint32_t{raw[i]} | uint32_t{raw[i + 1]} << 8 | uint32_t{raw[i + 2]} << 16 |
               uint32_t{raw[i + 3]} << 24;
    };
    const uint32_t bytes = word(4) & bytes_mask;
    return {word(0) & ~1u, bytes != 0 ? bytes : most_bytes, (word(4) & prd_end) != 0};
}

} // namespace

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
        if (at == ide_bus_master::command_register) {
            write_command_register(byte);
        } else if (at == ide_bus_master::status_register) {
            const uint8_t cleared = byte & (ide_bus_master::error | ide_bus_master::interrupt);
            bm_status_ =
                static_cast<uint8_t>((bm_status_ & ~cleared & ~drives_capable) | (byte & drives_capable));
        } else if (at >= ide_bus_master::table_register && at < ide_bus_master::table_register + 4) {
            const unsigned shift = 8 * (at - ide_bus_master::table_register);
            table_ = ((table_ & ~(0xFFu << shift)) | uint32_t{byte} << shift) & ~3u;
        }
    }
}

void IdeChannel::write_command_register(uint8_t value) {
    const bool started = value & ~bm_command_ & ide_bus_master::start;
    const bool stopped = bm_command_ & ~value & ide_bus_master::start;
    bm_command_ = value & (ide_bus_master::start | ide_bus_master::to_memory);
    if (started) {
        bm_status_ |= ide_bus_master::active;
        next_entry_ = table_;
        region_bytes_ = 0;
        last_region_ = false;
        start_sector(now_);
    } else if (stopped) {
        bm_status_ &= static_cast<uint8_t>(~ide_bus_master::active);
        sector_done_ = never;
    }
}

void IdeChannel::enable_bus_master(bool enabled) {
    bus_master_enabled_ = enabled;
    start_sector(now_);
}

bool IdeChannel::drive_wants_sector() const {
    const AtaDrive* drive = selected();
    return drive != nullptr && drive->dma_request() &&
           drive->dma_to_memory() == ((bm_command_ & ide_bus_master::to_memory) != 0);
}

void IdeChannel::start_sector(Picoseconds now) {
    if (sector_done_ != never || !(bm_status_ & ide_bus_master::active) || !bus_master_enabled_)
        return;
    if (drive_wants_sector())
        sector_done_ = now + drives_[selected_].sector_time;
}

void IdeChannel::stop_engine(bool error) {
    bm_status_ &= static_cast<uint8_t>(~ide_bus_master::active);
    if (error)
        bm_status_ |= ide_bus_master::error;
}

void IdeChannel::end_of_table() {
    stop_engine(false);
    if (AtaDrive* const drive = selected())
        drive->table_ended();
}

// False at the end of the table.
bool IdeChannel::next_region() {
    if (last_region_) {
        end_of_table();
        return false;
    }
    DescriptorBytes entry{};
    if (!memory_.read(next_entry_, entry)) {
        stop_engine(true);
        return false;
    }
    const Descriptor descriptor = parse(entry);
    next_entry_ += prd_bytes;
    region_ = descriptor.address;
    region_bytes_ = descriptor.bytes;
    last_region_ = descriptor.last;
    return true;
}

// QEMU adds up the table before it moves anything; it reads no more than a page of it.
bool IdeChannel::table_suffices(const AtaDrive& drive) const {
    constexpr uint32_t page_bytes = 4'096;
    DescriptorBytes entry{};
    uint64_t bytes = 0;
    for (uint32_t at = table_; at - table_ < page_bytes; at += prd_bytes) {
        if (!memory_.read(at, entry))
            return true; // the transfer will end with an error there
        const Descriptor descriptor = parse(entry);
        bytes += descriptor.bytes;
        if (descriptor.last)
            break;
    }
    return bytes >= drive.dma_bytes_left();
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
    if (!drive_wants_sector()) // a new command may have come meanwhile
        return;
    if (like_qemu() && next_entry_ == table_ && region_bytes_ == 0 && !table_suffices(*selected()))
        return end_of_table();
    if (!next_sector_regions(regions))
        return;
    if (!move_sector(*selected(), regions))
        stop_engine(true);
    else if (region_bytes_ == 0 && last_region_)
        end_of_table();
}

// False: memory does not answer.
bool IdeChannel::move_sector(AtaDrive& drive, const std::vector<Region>& regions) {
    SectorData data{};
    bool answered = true, moved = true;
    size_t at = 0;
    if (drive.dma_to_memory()) {
        moved = drive.dma_take(data);
        for (const Region& region : regions) {
            if (moved)
                answered &= memory_.write(region.address, std::span{data}.subspan(at, region.bytes));
            at += region.bytes;
        }
    } else {
        for (const Region& region : regions) {
            answered &= memory_.read(region.address, std::span{data}.subspan(at, region.bytes));
            at += region.bytes;
        }
        if (answered)
            moved = drive.dma_put(data);
    }
    if (!moved && drive.error_stops_bus_master())
        stop_engine(false);
    return answered;
}

} // namespace fixpoint::models
