#include "models/chipset/ata_drive.hpp"

#include <algorithm>
#include <utility>

namespace fixpoint::models {
namespace {

// Device register.
constexpr uint8_t lba_mode = 0x40, device_always_one = 0xA0;
// Device control register.
constexpr uint8_t soft_reset_bit = 0x04, high_order_byte = 0x80;
constexpr uint8_t diagnostics_passed = 0x01; // error register

constexpr uint8_t qemu_multiple_sectors = 16; // QEMU's drives start with SET MULTIPLE MODE done

} // namespace

AtaDrive::AtaDrive(Disk& disk, std::string model, unsigned unit, AtaErrors errors)
    : disk_{disk}, model_{std::move(model)}, unit_{unit}, errors_{errors},
      power_on_write_cache_{disk.write_cache_enabled()}, settings_{power_on_settings()},
      reverts_at_reset_{!like_qemu()}, geometry_{default_geometry(disk.sector_count())} {
    signature();
}

AtaSettings AtaDrive::power_on_settings() const {
    AtaSettings settings;
    if (like_qemu())
        settings.multiple_sectors = qemu_multiple_sectors;
    return settings;
}

void AtaDrive::reset(Picoseconds now) {
    now_ = now;
    disk_.advance(now);
    disk_.abort_command(now);
    disk_.enable_write_cache(power_on_write_cache_, now);
    disk_.enable_read_ahead(true);
    const bool smart = settings_.smart; // kept without power
    settings_ = power_on_settings();
    settings_.smart = smart;
    reverts_at_reset_ = !like_qemu();
    geometry_ = default_geometry(disk_.sector_count());
    power_.power_on(now);
    features_ = {};
    forget_count_and_address();
    control_ = 0;
    phase_ = Phase::idle;
    signature();
    interrupt.set(false);
}

void AtaDrive::forget_count_and_address() {
    count_ = lba_low_ = lba_mid_ = lba_high_ = {};
}

// Count and address tell an ATA drive from others after power-on, reset and diagnostics.
void AtaDrive::signature() {
    count_.current = lba_low_.current = 1;
    lba_mid_.current = lba_high_.current = 0;
    device_ = 0;
    error_ = diagnostics_passed;
    status_ = ata_status::ready | ata_status::seek_complete;
}

uint8_t AtaDrive::read_register(unsigned index) const {
    const auto pick = [&](const Register& r) { return control_ & high_order_byte ? r.previous : r.current; };
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
    default:
        return static_cast<uint8_t>(device_ | device_always_one);
    }
}

uint8_t AtaDrive::read_status() {
    interrupt.set(false);
    return status_;
}

void AtaDrive::clear_high_order_byte() {
    control_ &= static_cast<uint8_t>(~high_order_byte);
}

bool AtaDrive::listens() const {
    return !(status_ & (like_qemu() ? ata_status::busy | ata_status::data_request : ata_status::busy));
}

void AtaDrive::write_register(unsigned index, uint8_t value) {
    clear_high_order_byte();
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
    default:
        device_ = value;
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

// Cached writes are not touched: the drive goes on writing them. The transfer mode stays.
void AtaDrive::soft_reset() {
    disk_.abort_command(now_);
    phase_ = Phase::idle;
    power_.reset();
    if (reverts_at_reset_ || like_qemu())
        settings_.multiple_sectors = power_on_settings().multiple_sectors;
    if (reverts_at_reset_)
        geometry_ = default_geometry(disk_.sector_count());
    if (reverts_at_reset_ && !like_qemu()) {
        disk_.enable_write_cache(power_on_write_cache_, now_);
        disk_.enable_read_ahead(true);
    }
    if (like_qemu()) // which reverts once
        reverts_at_reset_ = false;
    interrupt.set(false);
    forget_count_and_address();
    signature();
    status_ = ata_status::busy;
}

void AtaDrive::diagnose(bool interrupts) {
    if (phase_ != Phase::idle)
        disk_.abort_command(now_);
    phase_ = Phase::idle;
    if (!like_qemu())
        forget_count_and_address();
    signature();
    interrupt.set(false);
    if (interrupts)
        request_interrupt();
}

// A 48-bit command has an LBA whatever the device register says; QEMU takes it at its word.
bool AtaDrive::addresses_48_bits() const {
    return transfer_.extended && (!like_qemu() || device_ & lba_mode);
}

bool AtaDrive::read_address() {
    sectors_ =
        static_cast<uint32_t>(transfer_.extended ? count_.previous << 8 | count_.current : count_.current);
    if (sectors_ == 0)
        sectors_ = transfer_.extended ? 65'536 : 256;
    if (addresses_48_bits()) {
        first_lba_ = uint64_t{lba_low_.current} | uint64_t{lba_mid_.current} << 8 |
                     uint64_t{lba_high_.current} << 16 | uint64_t{lba_low_.previous} << 24 |
                     uint64_t{lba_mid_.previous} << 32 | uint64_t{lba_high_.previous} << 40;
        return true;
    }
    if (device_ & lba_mode) {
        first_lba_ = static_cast<uint64_t>(device_ & 15) << 24 | uint64_t{lba_high_.current} << 16 |
                     uint64_t{lba_mid_.current} << 8 | lba_low_.current;
        return true;
    }
    const uint64_t cylinder = static_cast<uint64_t>(lba_high_.current) << 8 | lba_mid_.current;
    const unsigned head = device_ & 15, sector = lba_low_.current;
    // Sector 0 of the first track wraps to an address beyond any disk.
    first_lba_ = (cylinder * geometry_.heads + head) * geometry_.sectors + sector - 1;
    return like_qemu() || (sector != 0 && sector <= geometry_.sectors && head < geometry_.heads);
}

uint32_t AtaDrive::sectors_that_exist() const {
    const uint64_t size = disk_.sector_count();
    return first_lba_ < size ? static_cast<uint32_t>(std::min<uint64_t>(sectors_, size - first_lba_)) : 0;
}

void AtaDrive::store_address(uint64_t lba) {
    if (addresses_48_bits()) {
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

void AtaDrive::store_progress(uint64_t lba) {
    store_address(lba);
    const uint64_t left = first_lba_ + sectors_ - lba;
    count_.current = static_cast<uint8_t>(left);
    if (transfer_.extended)
        count_.previous = static_cast<uint8_t>(left >> 8);
}

} // namespace fixpoint::models
