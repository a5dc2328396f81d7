// What each command of the drive does until its data phase begins.
#include "models/chipset/ata_commands.hpp"

#include "models/chipset/ata_drive.hpp"

#include <algorithm>

namespace fixpoint::models {
namespace {

constexpr uint8_t maximum_multiple = 16;

} // namespace

void AtaDrive::command(uint8_t code) {
    // In a data phase: ATA leaves it open; this drive gives the old command up.
    if (phase_ != Phase::idle)
        disk_.abort_command(now_);
    error_ = 0;
    enter(Phase::executing);
    direction_ = Direction::none;
    dma_ = extended_ = verify_ = false;
    sectors_ = moved_ = buffer_sectors_ = 0;
    buffer_position_ = 0;
    switch (code) {
    case ata_command::identify_device:
        identify();
        return;
    case ata_command::set_features:
        set_features();
        return;
    case ata_command::read_dma:
        begin_transfer(Direction::to_host, true, false, false);
        return;
    case ata_command::read_dma_ext:
        begin_transfer(Direction::to_host, true, true, false);
        return;
    case ata_command::write_dma:
        begin_transfer(Direction::from_host, true, false, false);
        return;
    case ata_command::write_dma_ext:
        begin_transfer(Direction::from_host, true, true, false);
        return;
    case ata_command::read_sectors:
    case ata_command::read_sectors + 1:
        begin_transfer(Direction::to_host, false, false, false);
        return;
    case ata_command::read_sectors_ext:
        begin_transfer(Direction::to_host, false, true, false);
        return;
    case ata_command::write_sectors:
    case ata_command::write_sectors + 1:
        begin_transfer(Direction::from_host, false, false, false);
        return;
    case ata_command::write_sectors_ext:
        begin_transfer(Direction::from_host, false, true, false);
        return;
    case ata_command::read_multiple:
        begin_transfer(Direction::to_host, false, false, true);
        return;
    case ata_command::read_multiple_ext:
        begin_transfer(Direction::to_host, false, true, true);
        return;
    case ata_command::write_multiple:
        begin_transfer(Direction::from_host, false, false, true);
        return;
    case ata_command::write_multiple_ext:
        begin_transfer(Direction::from_host, false, true, true);
        return;
    case ata_command::set_multiple_mode: {
        const uint8_t sectors = count_.current;
        if (sectors > maximum_multiple || (sectors & (sectors - 1)) != 0)
            return fail(ata_error::aborted);
        settings_.multiple_sectors = sectors;
        return finish();
    }
    case ata_command::verify_sectors:
    case ata_command::verify_sectors + 1:
        begin_verify(false);
        return;
    case ata_command::verify_sectors_ext:
        begin_verify(true);
        return;
    case ata_command::seek: {
        uint64_t lba = disk_.sector_count();
        uint32_t sectors = 0;
        if (!address(false, lba, sectors) && lba >= disk_.sector_count()) // a seek's count means nothing
            return fail(ata_error::id_not_found);
        return finish();
    }
    // The media has everything before the drive spins down.
    case ata_command::flush_cache:
    case ata_command::flush_cache_ext:
    case ata_command::standby_immediate:
    case ata_command::standby:
    case ata_command::sleep:
        begin_flush();
        return;
    case ata_command::recalibrate:
    case ata_command::idle_immediate:
    case ata_command::idle:
        finish();
        return;
    case ata_command::check_power_mode:
        count_.current = 0xFF;
        return finish(); // active
    case ata_command::initialise_parameters:
        if (count_.current == 0)
            return fail(ata_error::aborted);
        geometry_.sectors = count_.current;
        geometry_.heads = static_cast<uint16_t>((device_ & 15) + 1);
        return finish();
    case ata_command::diagnostic:
        signature();
        return finish();
    case ata_command::read_native_maximum:
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
        enter(Phase::dma);
    } else if (direction == Direction::from_host) {
        buffer_.assign(size_t{std::min(block_sectors_, sectors_)} * sector_bytes, 0);
        buffer_position_ = 0;
        buffer_sectors_ = 0;
        enter(Phase::pio_out); // the first block without an interrupt
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
    enter(Phase::pio_in);
    interrupt.set(true);
}

} // namespace fixpoint::models
