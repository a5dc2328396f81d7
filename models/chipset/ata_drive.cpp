#include "models/chipset/ata_drive.hpp"

#include "models/chipset/ata_commands.hpp"

#include <utility>

namespace fixpoint::models {
namespace {

constexpr uint8_t lba_mode = 0x40;       // device register
constexpr uint8_t soft_reset_bit = 0x04; // device control

} // namespace

AtaDrive::AtaDrive(Disk& disk, std::string model)
    : disk_{disk}, model_{std::move(model)}, geometry_{default_geometry(disk.sector_count())} {
    signature();
}

void AtaDrive::reset(Picoseconds now) {
    now_ = now;
    disk_.advance(now);
    disk_.abort_command(now);
    settings_ = {};
    settings_.write_cache = disk_.write_cache_enabled();
    geometry_ = default_geometry(disk_.sector_count());
    features_ = {};
    control_ = 0;
    phase_ = Phase::idle;
    signature();
    interrupt.set(false);
}

// Count and address tell an ATA drive from others after power-on, reset and diagnostics.
void AtaDrive::signature() {
    count_ = lba_low_ = {1, 0};
    lba_mid_ = lba_high_ = {};
    device_ = 0;
    error_ = 1; // diagnostics passed
    status_ = ata_status::ready | ata_status::seek_complete;
}

uint8_t AtaDrive::read_register(unsigned index) {
    const auto pick = [&](const Register& r) { return control_ & 0x80 ? r.previous : r.current; };
    switch (index) {
    case 1:
        return error_;
    case 2:
        return pick(count_);
    case 3:
        return pick(lba_low_);
    case 4:
        return pick(lba_mid_);
    case 5:
        return pick(lba_high_);
    case 6:
        return static_cast<uint8_t>(device_ | 0xA0);
    default:
        interrupt.set(false);
        return status_;
    }
}

void AtaDrive::write_register(unsigned index, uint8_t value) {
    if (status_ & ata_status::busy)
        return; // a busy drive does not listen
    control_ &= 0x7F;
    switch (index) {
    case 1:
        features_.write(value);
        break;
    case 2:
        count_.write(value);
        break;
    case 3:
        lba_low_.write(value);
        break;
    case 4:
        lba_mid_.write(value);
        break;
    case 5:
        lba_high_.write(value);
        break;
    case 6:
        device_ = value;
        break;
    default:
        interrupt.set(false);
        if (selected() || value == ata_command::diagnostic)
            command(value);
        break;
    }
}

void AtaDrive::write_control(uint8_t value) {
    const bool resetting = control_ & soft_reset_bit;
    control_ = value;
    if (value & soft_reset_bit) {
        if (!resetting)
            soft_reset();
    } else if (resetting) {
        signature();
    }
}

// Cached writes are not touched: the drive goes on writing them.
void AtaDrive::soft_reset() {
    disk_.abort_command(now_);
    phase_ = Phase::idle;
    settings_.multiple_sectors = 0;
    interrupt.set(false);
    signature();
    status_ = ata_status::busy;
}

bool AtaDrive::address(bool extended, uint64_t& lba, uint32_t& sectors) const {
    if (extended) {
        lba = uint64_t{lba_low_.current} | uint64_t{lba_mid_.current} << 8 |
              uint64_t{lba_high_.current} << 16 | uint64_t{lba_low_.previous} << 24 |
              uint64_t{lba_mid_.previous} << 32 | uint64_t{lba_high_.previous} << 40;
        sectors = static_cast<uint32_t>(count_.previous << 8 | count_.current);
        if (sectors == 0)
            sectors = 65'536;
    } else {
        sectors = count_.current == 0 ? 256 : count_.current;
        if (device_ & lba_mode) {
            lba = static_cast<uint64_t>(device_ & 15) << 24 | uint64_t{lba_high_.current} << 16 |
                  uint64_t{lba_mid_.current} << 8 | lba_low_.current;
        } else {
            const uint64_t cylinder = static_cast<uint64_t>(lba_high_.current) << 8 | lba_mid_.current;
            const unsigned head = device_ & 15, sector = lba_low_.current;
            if (sector == 0 || sector > geometry_.sectors || head >= geometry_.heads)
                return false;
            lba = (cylinder * geometry_.heads + head) * geometry_.sectors + sector - 1;
        }
    }
    return lba < disk_.sector_count() && sectors <= disk_.sector_count() - lba;
}

void AtaDrive::store_address(uint64_t lba) {
    if (extended_) {
        lba_low_ = {static_cast<uint8_t>(lba), static_cast<uint8_t>(lba >> 24)};
        lba_mid_ = {static_cast<uint8_t>(lba >> 8), static_cast<uint8_t>(lba >> 32)};
        lba_high_ = {static_cast<uint8_t>(lba >> 16), static_cast<uint8_t>(lba >> 40)};
        return;
    }
    if (!(device_ & lba_mode)) { // back to cylinder, head, sector
        const uint64_t track = lba / geometry_.sectors;
        const auto sector = static_cast<uint8_t>(lba % geometry_.sectors + 1);
        const auto head = static_cast<uint8_t>(track % geometry_.heads);
        const uint64_t cylinder = track / geometry_.heads;
        lba_low_.current = sector;
        lba_mid_.current = static_cast<uint8_t>(cylinder);
        lba_high_.current = static_cast<uint8_t>(cylinder >> 8);
        device_ = static_cast<uint8_t>((device_ & 0xF0) | head);
        return;
    }
    lba_low_.current = static_cast<uint8_t>(lba);
    lba_mid_.current = static_cast<uint8_t>(lba >> 8);
    lba_high_.current = static_cast<uint8_t>(lba >> 16);
    device_ = static_cast<uint8_t>((device_ & 0xF0) | (lba >> 24 & 15));
}

} // namespace fixpoint::models
