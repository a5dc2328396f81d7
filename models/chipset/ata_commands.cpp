// What each command of the drive does until its data phase begins.
#include "models/chipset/ata_commands.hpp"

#include "models/chipset/ata_drive.hpp"

#include <algorithm>

namespace fixpoint::models {
namespace {

constexpr uint8_t maximum_multiple = 16; // as word 47 of IDENTIFY tells
constexpr uint64_t lba28_limit = 0x0FFF'FFFF;

} // namespace

std::optional<AtaTransfer> ata_transfer(uint8_t code) {
    constexpr auto to_host = AtaDirection::to_host, from_host = AtaDirection::from_host;
    switch (code) {
    case ata_command::read_sectors:
    case ata_command::read_sectors_no_retry:
        return AtaTransfer{.direction = to_host};
    case ata_command::read_sectors_ext:
        return AtaTransfer{.direction = to_host, .extended = true};
    case ata_command::read_multiple:
        return AtaTransfer{.direction = to_host, .multiple = true};
    case ata_command::read_multiple_ext:
        return AtaTransfer{.direction = to_host, .extended = true, .multiple = true};
    case ata_command::read_dma:
    case ata_command::read_dma_no_retry:
        return AtaTransfer{.direction = to_host, .dma = true};
    case ata_command::read_dma_ext:
        return AtaTransfer{.direction = to_host, .dma = true, .extended = true};
    case ata_command::write_sectors:
    case ata_command::write_sectors_no_retry:
        return AtaTransfer{.direction = from_host};
    case ata_command::write_sectors_ext:
        return AtaTransfer{.direction = from_host, .extended = true};
    case ata_command::write_multiple:
        return AtaTransfer{.direction = from_host, .multiple = true};
    case ata_command::write_multiple_ext:
        return AtaTransfer{.direction = from_host, .extended = true, .multiple = true};
    case ata_command::write_dma:
    case ata_command::write_dma_no_retry:
        return AtaTransfer{.direction = from_host, .dma = true};
    case ata_command::write_dma_ext:
        return AtaTransfer{.direction = from_host, .dma = true, .extended = true};
    default:
        return std::nullopt;
    }
}

void AtaDrive::command(uint8_t code) {
    if (status_ & ata_status::busy)
        return;
    interrupt.set(false);
    if (!listens() || power_.asleep())
        return;
    // In a data phase: ATA leaves it open; a real drive gives the old command up.
    if (phase_ != Phase::idle)
        disk_.abort_command(now_);
    error_ = 0;
    enter(Phase::executing);
    transfer_ = {};
    verify_ = reports_write_errors_ = false;
    seek_complete_ = true;
    sectors_ = moved_ = buffer_sectors_ = 0;
    buffer_position_ = 0;
    if (const auto transfer = ata_transfer(code))
        return begin_transfer(*transfer);
    switch (code) {
    case ata_command::verify_sectors:
    case ata_command::verify_sectors_no_retry:
    case ata_command::verify_sectors_ext:
        return begin_verify(code == ata_command::verify_sectors_ext);
    case ata_command::flush_cache:
    case ata_command::flush_cache_ext:
        transfer_.extended = code == ata_command::flush_cache_ext;
        reports_write_errors_ = true;
        return begin_flush();
    case ata_command::seek:
        return seek();
    case ata_command::recalibrate:
        return finish();
    case ata_command::set_multiple_mode:
        return set_multiple_mode();
    case ata_command::initialise_parameters:
        return initialise_parameters();
    case ata_command::read_native_maximum:
        store_address(std::min(disk_.sector_count(), lba28_limit) - 1);
        return finish();
    case ata_command::read_native_maximum_ext:
        transfer_.extended = true;
        store_address(disk_.sector_count() - 1);
        return finish();
    case ata_command::identify_device:
        return identify();
    case ata_command::set_features:
        return set_features();
    case ata_command::smart:
        return smart();
    case ata_command::diagnostic: // QEMU's is the selected drive's alone; else it is the channel's
        return diagnose(true);
    case ata_command::security_freeze_lock:
        if (!like_qemu())
            return fail(ata_error::aborted); // no security feature set
        count_.current = 0;                  // taken for WEAR LEVEL of a compact flash card
        return finish();
    default:
        return power_command(code);
    }
}

void AtaDrive::power_command(uint8_t code) {
    switch (code) {
    case ata_command::check_power_mode:
    case ata_command::check_power_mode_old:
        count_.current = static_cast<uint8_t>(like_qemu() ? AtaPower::Mode::active : power_.mode(now_));
        return finish();
    case ata_command::idle:
    case ata_command::idle_old:
        power_.set_timer(count_.current);
        [[fallthrough]];
    case ata_command::idle_immediate:
    case ata_command::idle_immediate_old:
        power_.enter(AtaPower::Mode::idle, now_);
        seek_complete_ = !like_qemu();
        return finish();
    case ata_command::standby:
    case ata_command::standby_old:
        power_.set_timer(count_.current);
        [[fallthrough]];
    case ata_command::standby_immediate:
    case ata_command::standby_immediate_old:
        power_.enter(AtaPower::Mode::standby, now_);
        break;
    case ata_command::sleep:
    case ata_command::sleep_old:
        if (!like_qemu())
            power_.sleep();
        break;
    default:
        return fail(ata_error::aborted);
    }
    seek_complete_ = !like_qemu();
    begin_flush(); // the media has everything before the drive spins down
}

void AtaDrive::begin_transfer(const AtaTransfer& transfer) {
    transfer_ = transfer;
    const bool writes = transfer.direction == AtaDirection::from_host;
    if (transfer.multiple && settings_.multiple_sectors == 0)
        return fail(ata_error::aborted);
    if (writes && !disk_.writable())
        return fail(ata_error::aborted);
    block_sectors_ = transfer.multiple ? settings_.multiple_sectors : 1;
    if (!read_address())
        return fail(ata_error::id_not_found);
    available_ = sectors_that_exist();
    if (transfer.dma && available_ < sectors_ && like_qemu())
        available_ = 0; // QEMU looks at the whole range first
    if (available_ == 0 && !like_qemu())
        return fail_beyond_end();
    power_.use(now_);
    disk_.advance(now_);
    if (available_ != 0 && writes)
        disk_.begin_write(first_lba_, available_, now_);
    else if (available_ != 0)
        disk_.begin_read(first_lba_, available_, now_);
    reports_write_errors_ = writes && !disk_.write_cache_enabled();
    if (transfer.dma)
        enter(Phase::dma);
    else if (writes)
        return request_block(); // the first one without an interrupt
    step();
}

void AtaDrive::begin_verify(bool extended) {
    if (like_qemu())
        return finish();
    transfer_.extended = extended;
    if (!read_address())
        return fail(ata_error::id_not_found);
    available_ = sectors_that_exist();
    if (available_ == 0)
        return fail_beyond_end();
    verify_ = true;
    power_.use(now_);
    disk_.advance(now_);
    disk_.begin_read(first_lba_, available_, now_);
    step();
}

void AtaDrive::begin_flush() {
    disk_.advance(now_);
    disk_.begin_flush(now_);
    step();
}

void AtaDrive::seek() {
    if (like_qemu())
        return finish();
    const bool found = read_address() && sectors_that_exist() != 0;
    sectors_ = 0; // a seek's count means nothing
    if (!found)
        return fail(ata_error::id_not_found);
    finish();
}

void AtaDrive::set_multiple_mode() {
    const uint8_t sectors = count_.current;
    if (sectors > maximum_multiple || (sectors & (sectors - 1)) != 0)
        return fail(ata_error::aborted);
    settings_.multiple_sectors = sectors;
    finish();
}

void AtaDrive::initialise_parameters() {
    const auto heads = static_cast<uint16_t>((device_ & 15) + 1);
    const uint16_t sectors = count_.current;
    if (sectors == 0 || uint64_t{heads} * sectors > disk_.sector_count())
        return fail(ata_error::aborted);
    geometry_ = translated_geometry(disk_.sector_count(), heads, sectors);
    finish();
}

} // namespace fixpoint::models
