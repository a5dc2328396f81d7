#include "models/chipset/ata_drive.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace fixpoint::models {
namespace {

enum : uint8_t {
    nop = 0x00, // aborts, as the standard asks
    recalibrate = 0x10,
    read_sectors = 0x20,
    read_sectors_ext = 0x24,
    read_dma_ext = 0x25,
    read_multiple_ext = 0x29,
    write_sectors = 0x30,
    write_sectors_ext = 0x34,
    write_dma_ext = 0x35,
    write_multiple_ext = 0x39,
    verify_sectors = 0x40,
    verify_sectors_ext = 0x42,
    seek_command = 0x70,
    diagnostic = 0x90,
    initialise_parameters = 0x91,
    standby_immediate = 0xE0,
    idle_immediate = 0xE1,
    standby = 0xE2,
    idle = 0xE3,
    check_power_mode = 0xE5,
    sleep_command = 0xE6,
    read_multiple = 0xC4,
    write_multiple = 0xC5,
    set_multiple_mode = 0xC6,
    read_dma = 0xC8,
    write_dma = 0xCA,
    flush_cache = 0xE7,
    flush_cache_ext = 0xEA,
    identify_device = 0xEC,
    set_features_command = 0xEF,
    read_native_maximum = 0xF8,
};

constexpr uint8_t lba_mode = 0x40;       // device register
constexpr uint8_t soft_reset_bit = 0x04; // device control
constexpr uint8_t maximum_multiple = 16;

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

// --- Registers ---------------------------------------------------------------------------------------------

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
        if (selected() || value == diagnostic)
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

// --- Commands ----------------------------------------------------------------------------------------------

void AtaDrive::command(uint8_t code) {
    error_ = 0;
    status_ = ata_status::busy | ata_status::ready | ata_status::seek_complete;
    phase_ = Phase::executing;
    direction_ = Direction::none;
    dma_ = extended_ = verify_ = flushing_ = false;
    sectors_ = moved_ = buffer_sectors_ = 0;
    buffer_position_ = 0;
    switch (code) {
    case identify_device:
        identify();
        return;
    case set_features_command:
        set_features();
        return;
    case read_dma:
        begin_transfer(Direction::to_host, true, false, false);
        return;
    case read_dma_ext:
        begin_transfer(Direction::to_host, true, true, false);
        return;
    case write_dma:
        begin_transfer(Direction::from_host, true, false, false);
        return;
    case write_dma_ext:
        begin_transfer(Direction::from_host, true, true, false);
        return;
    case read_sectors:
    case read_sectors + 1:
        begin_transfer(Direction::to_host, false, false, false);
        return;
    case read_sectors_ext:
        begin_transfer(Direction::to_host, false, true, false);
        return;
    case write_sectors:
    case write_sectors + 1:
        begin_transfer(Direction::from_host, false, false, false);
        return;
    case write_sectors_ext:
        begin_transfer(Direction::from_host, false, true, false);
        return;
    case read_multiple:
        begin_transfer(Direction::to_host, false, false, true);
        return;
    case read_multiple_ext:
        begin_transfer(Direction::to_host, false, true, true);
        return;
    case write_multiple:
        begin_transfer(Direction::from_host, false, false, true);
        return;
    case write_multiple_ext:
        begin_transfer(Direction::from_host, false, true, true);
        return;
    case set_multiple_mode: {
        const uint8_t sectors = count_.current;
        if (sectors > maximum_multiple || (sectors & (sectors - 1)) != 0)
            return fail(ata_error::aborted);
        settings_.multiple_sectors = sectors;
        return finish();
    }
    case verify_sectors:
    case verify_sectors + 1:
        begin_verify(false);
        return;
    case verify_sectors_ext:
        begin_verify(true);
        return;
    case seek_command: {
        uint64_t lba = 0;
        uint32_t sectors = 0;
        if (!address(false, lba, sectors) && lba >= disk_.sector_count())
            return fail(ata_error::id_not_found);
        return finish();
    }
    // The media has everything before the drive spins down.
    case flush_cache:
    case flush_cache_ext:
    case standby_immediate:
    case standby:
    case sleep_command:
        begin_flush();
        return;
    case recalibrate:
    case idle_immediate:
    case idle:
        finish();
        return;
    case check_power_mode:
        count_.current = 0xFF;
        return finish(); // active
    case initialise_parameters:
        if (count_.current == 0)
            return fail(ata_error::aborted);
        geometry_.sectors = count_.current;
        geometry_.heads = static_cast<uint16_t>((device_ & 15) + 1);
        return finish();
    case diagnostic:
        signature();
        return finish();
    case read_native_maximum:
        store_address(std::min<uint64_t>(disk_.sector_count(), 0x0FFF'FFFF) - 1);
        return finish();
    default:
        fail(ata_error::aborted);
        return;
    }
}

void AtaDrive::begin_transfer(Direction direction, bool dma, bool extended, bool multiple) {
    extended_ = extended;
    dma_ = dma;
    direction_ = direction;
    if (multiple && settings_.multiple_sectors == 0)
        return fail(ata_error::aborted);
    block_sectors_ = multiple ? settings_.multiple_sectors : 1;
    if (!address(extended, first_lba_, sectors_))
        return fail(ata_error::id_not_found);
    disk_.advance(now_);
    if (direction == Direction::to_host)
        disk_.begin_read(first_lba_, sectors_, now_);
    else
        disk_.begin_write(first_lba_, sectors_, now_);
    if (dma) {
        phase_ = Phase::dma;
        status_ = ata_status::ready | ata_status::seek_complete | ata_status::data_request;
    } else if (direction == Direction::from_host) {
        buffer_.assign(size_t{std::min(block_sectors_, sectors_)} * sector_bytes, 0);
        buffer_position_ = 0;
        buffer_sectors_ = 0;
        phase_ = Phase::pio_out; // the first block without an interrupt
        status_ = ata_status::ready | ata_status::seek_complete | ata_status::data_request;
    }
    step();
}

void AtaDrive::begin_verify(bool extended) {
    extended_ = extended;
    verify_ = true;
    if (!address(extended, first_lba_, sectors_))
        return fail(ata_error::id_not_found);
    disk_.advance(now_);
    disk_.begin_read(first_lba_, sectors_, now_);
    step();
}

void AtaDrive::begin_flush() {
    flushing_ = true;
    disk_.advance(now_);
    disk_.begin_flush(now_);
    step();
}

void AtaDrive::set_features() {
    switch (features_.current) {
    case 0x02:
        settings_.write_cache = true;
        disk_.enable_write_cache(true, now_);
        return finish();
    case 0x82: // what is in the cache goes to the media first
        settings_.write_cache = false;
        disk_.enable_write_cache(false, now_);
        return begin_flush();
    case 0x55:
    case 0xAA:
        settings_.read_ahead = features_.current == 0xAA;
        disk_.enable_read_ahead(settings_.read_ahead);
        return finish();
    case 0x66:
    case 0xCC:
        return finish(); // settings survive a soft reset, or not
    case 0x03: {         // transfer mode in the count register
        const unsigned mode = count_.current & 7;
        switch (count_.current >> 3) {
        case 0:
        case 1:
            return finish(); // PIO
        case 4:
            if (mode > 2)
                break;
            settings_.multiword_dma_mode = static_cast<uint8_t>(mode);
            settings_.ultra_dma_mode = -1;
            return finish();
        case 8:
            if (mode > 5)
                break;
            settings_.ultra_dma_mode = static_cast<int8_t>(mode);
            return finish();
        default:
            break;
        }
        return fail(ata_error::aborted);
    }
    default:
        return fail(ata_error::aborted);
    }
}

void AtaDrive::identify() {
    settings_.write_cache = disk_.write_cache_enabled();
    const AtaIdentification words = identify_drive(model_, disk_.sector_count(), settings_);
    buffer_.clear();
    for (const uint16_t word : words) {
        buffer_.push_back(static_cast<uint8_t>(word));
        buffer_.push_back(static_cast<uint8_t>(word >> 8));
    }
    buffer_position_ = 0;
    phase_ = Phase::pio_in;
    status_ = ata_status::ready | ata_status::seek_complete | ata_status::data_request;
    interrupt.set(true);
}

// --- Progress ----------------------------------------------------------------------------------------------

void AtaDrive::advance(Picoseconds now) {
    now_ = now;
    disk_.advance(now);
    step();
}

void AtaDrive::step() {
    if (phase_ != Phase::executing)
        return;
    if (verify_) {
        std::array<uint8_t, sector_bytes> ignored{};
        while (disk_.sector_ready()) {
            if (!disk_.take_sector(ignored, now_))
                return fail_unreadable();
            ++moved_;
        }
    } else if (!dma_ && direction_ == Direction::to_host) {
        return step_pio_in();
    } else if (!dma_ && direction_ == Direction::from_host &&
               buffer_sectors_ * sector_bytes < buffer_.size()) {
        return step_pio_out();
    }
    if (disk_.command_done())
        finish();
}

// Fills the block; the host reads it when all of it is there.
void AtaDrive::step_pio_in() {
    const uint32_t wanted = std::min(block_sectors_, sectors_ - moved_);
    if (buffer_sectors_ == 0) {
        buffer_.assign(size_t{wanted} * sector_bytes, 0);
        buffer_position_ = 0;
    }
    while (buffer_sectors_ < wanted && disk_.sector_ready()) {
        const Sector place{buffer_.data() + size_t{buffer_sectors_} * sector_bytes, sector_bytes};
        if (!disk_.take_sector(place, now_))
            return fail_unreadable();
        ++buffer_sectors_;
    }
    if (buffer_sectors_ < wanted)
        return;
    phase_ = Phase::pio_in;
    status_ = ata_status::ready | ata_status::seek_complete | ata_status::data_request;
    interrupt.set(true);
}

// Hands the block to the drive as it has room; then asks for the next one.
void AtaDrive::step_pio_out() {
    const auto in_block = static_cast<uint32_t>(buffer_.size() / sector_bytes);
    while (buffer_sectors_ < in_block && disk_.sector_ready()) {
        disk_.put_sector(ConstSector{buffer_.data() + size_t{buffer_sectors_} * sector_bytes, sector_bytes},
                         now_);
        ++buffer_sectors_;
        ++moved_;
    }
    if (buffer_sectors_ < in_block)
        return;
    if (moved_ == sectors_) {
        if (disk_.command_done())
            finish();
        return;
    }
    buffer_.assign(size_t{std::min(block_sectors_, sectors_ - moved_)} * sector_bytes, 0);
    buffer_position_ = 0;
    buffer_sectors_ = 0;
    phase_ = Phase::pio_out;
    status_ = ata_status::ready | ata_status::seek_complete | ata_status::data_request;
    interrupt.set(true);
}

uint16_t AtaDrive::read_data() {
    if (phase_ != Phase::pio_in)
        return 0xFFFF;
    const auto word = static_cast<uint16_t>(buffer_[buffer_position_] | buffer_[buffer_position_ + 1] << 8);
    buffer_position_ += 2;
    if (buffer_position_ < buffer_.size())
        return word;
    moved_ += buffer_sectors_;
    buffer_sectors_ = 0;
    if (moved_ < sectors_) {
        phase_ = Phase::executing;
        status_ = ata_status::busy | ata_status::ready | ata_status::seek_complete;
        step();
    } else { // the last block ends without another interrupt
        if (sectors_ != 0) {
            store_address(first_lba_ + sectors_);
            count_.current = 0;
        }
        phase_ = Phase::idle;
        status_ = ata_status::ready | ata_status::seek_complete;
    }
    return word;
}

void AtaDrive::write_data(uint16_t value) {
    if (phase_ != Phase::pio_out)
        return;
    buffer_[buffer_position_] = static_cast<uint8_t>(value);
    buffer_[buffer_position_ + 1] = static_cast<uint8_t>(value >> 8);
    buffer_position_ += 2;
    if (buffer_position_ < buffer_.size())
        return;
    phase_ = Phase::executing;
    status_ = ata_status::busy | ata_status::ready | ata_status::seek_complete;
    step();
}

bool AtaDrive::dma_request() const {
    return phase_ == Phase::dma && disk_.sector_ready();
}

bool AtaDrive::dma_take(Sector data) {
    assert(dma_request());
    if (!disk_.take_sector(data, now_)) {
        fail_unreadable();
        return false;
    }
    if (++moved_ == sectors_)
        finish();
    return true;
}

void AtaDrive::dma_put(ConstSector data) {
    assert(dma_request());
    disk_.put_sector(data, now_);
    if (++moved_ < sectors_)
        return;
    phase_ = Phase::executing; // until the media has it, without a write cache
    status_ = ata_status::busy | ata_status::ready | ata_status::seek_complete;
    step();
}

void AtaDrive::finish() {
    if (direction_ != Direction::none || verify_)
        store_address(first_lba_ + sectors_); // one beyond the last, as drives and QEMU leave it
    if (direction_ != Direction::none)
        count_.current = 0;
    phase_ = Phase::idle;
    status_ = ata_status::ready | ata_status::seek_complete;
    interrupt.set(true);
}

void AtaDrive::fail(uint8_t error) {
    phase_ = Phase::idle;
    error_ = error;
    status_ = ata_status::ready | ata_status::error;
    if (error != ata_error::aborted)
        status_ |= ata_status::seek_complete;
    interrupt.set(true);
}

// The address registers tell the bad sector.
void AtaDrive::fail_unreadable() {
    store_address(first_lba_ + moved_ + (dma_ || verify_ ? 0 : buffer_sectors_));
    fail(ata_error::uncorrectable);
}

} // namespace fixpoint::models
