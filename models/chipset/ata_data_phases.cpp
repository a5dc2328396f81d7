// Progress of a command: what the drive has ready, and the data over the cable by PIO or DMA.
#include "models/chipset/ata_drive.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace fixpoint::models {

void AtaDrive::enter(Phase phase) {
    phase_ = phase;
    status_ = ata_status::ready | ata_status::seek_complete;
    switch (phase) {
    case Phase::idle:
        break;
    case Phase::executing:
        status_ |= ata_status::busy;
        break;
    case Phase::pio_in:
    case Phase::pio_out:
    case Phase::dma:
        status_ |= ata_status::data_request;
        break;
    }
}

void AtaDrive::advance(Picoseconds now) {
    now_ = now;
    disk_.advance(now);
    step();
}

void AtaDrive::step() {
    if (phase_ != Phase::executing)
        return;
    if (verify_)
        return step_verify();
    if (!transfer_.dma && transfer_.direction == AtaDirection::to_host)
        return step_pio_in();
    if (!transfer_.dma && transfer_.direction == AtaDirection::from_host &&
        buffer_sectors_ * sector_bytes < buffer_.size())
        return step_pio_out();
    if (disk_.command_done())
        complete();
}

void AtaDrive::step_verify() {
    std::array<uint8_t, sector_bytes> ignored{};
    while (moved_ < available_ && disk_.sector_ready()) {
        if (!disk_.take_sector(ignored, now_))
            return fail_unreadable();
        ++moved_;
    }
    if (moved_ < available_ || !disk_.command_done())
        return;
    if (available_ < sectors_)
        return fail_beyond_end();
    finish();
}

uint32_t AtaDrive::block_length() const {
    return std::min(block_sectors_, sectors_ - moved_);
}

bool AtaDrive::block_exists(uint32_t sectors) const {
    return moved_ + sectors <= available_;
}

// Fills the block; the host reads it when all of it is there.
void AtaDrive::step_pio_in() {
    const uint32_t wanted = block_length();
    if (buffer_sectors_ == 0) {
        if (!block_exists(wanted))
            return fail_beyond_end();
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
    moved_ += wanted;
    buffer_sectors_ = 0;
    store_progress(first_lba_ + moved_);
    enter(Phase::pio_in);
    request_interrupt();
}

// Asks the host for the next block.
void AtaDrive::request_block() {
    const uint32_t wanted = block_length();
    if (!block_exists(wanted) && !like_qemu())
        return fail_beyond_end();
    buffer_.assign(size_t{wanted} * sector_bytes, 0);
    buffer_position_ = 0;
    buffer_sectors_ = 0;
    enter(Phase::pio_out);
}

// Hands the block to the drive as it has room; then asks for the next one.
void AtaDrive::step_pio_out() {
    const auto in_block = static_cast<uint32_t>(buffer_.size() / sector_bytes);
    if (buffer_sectors_ == 0 && !block_exists(in_block))
        return fail_beyond_end();
    while (buffer_sectors_ < in_block && disk_.sector_ready()) {
        disk_.put_sector(ConstSector{buffer_.data() + size_t{buffer_sectors_} * sector_bytes, sector_bytes},
                         now_);
        ++buffer_sectors_;
        ++moved_;
    }
    if (buffer_sectors_ < in_block)
        return;
    store_progress(first_lba_ + moved_);
    if (moved_ == sectors_) {
        if (disk_.command_done())
            complete();
        return;
    }
    request_block();
    if (phase_ == Phase::pio_out)
        request_interrupt();
}

uint16_t AtaDrive::read_data() {
    if (phase_ != Phase::pio_in)
        return like_qemu() ? 0 : 0xFFFF; // means nothing (ATA/ATAPI-5, 7.2.2)
    const auto word = static_cast<uint16_t>(buffer_[buffer_position_] | buffer_[buffer_position_ + 1] << 8);
    buffer_position_ += 2;
    if (buffer_position_ < buffer_.size())
        return word;
    if (moved_ < sectors_) {
        enter(Phase::executing);
        step();
    } else { // the last block ends without another interrupt
        enter(Phase::idle);
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
    enter(Phase::executing);
    step();
}

// With nothing left that exists the drive answers too: with the error.
bool AtaDrive::dma_request() const {
    return phase_ == Phase::dma && (moved_ == available_ || disk_.sector_ready());
}

bool AtaDrive::dma_take(Sector data) {
    assert(dma_request());
    if (moved_ == available_) {
        fail_beyond_end();
        return false;
    }
    if (!disk_.take_sector(data, now_)) {
        fail_unreadable();
        return false;
    }
    dma_moved();
    return true;
}

bool AtaDrive::dma_put(ConstSector data) {
    assert(dma_request());
    if (moved_ == available_) {
        fail_beyond_end();
        return false;
    }
    disk_.put_sector(data, now_);
    dma_moved();
    return true;
}

void AtaDrive::dma_moved() {
    ++moved_;
    if (moved_ < available_)
        return;
    if (available_ < sectors_)
        return fail_beyond_end();
    enter(Phase::executing); // until the media has it, without a write cache
    step();
}

void AtaDrive::table_ended() {
    if (phase_ != Phase::dma || !like_qemu())
        return;
    disk_.abort_command(now_);
    enter(Phase::idle);
}

// The disk has done its part.
void AtaDrive::complete() {
    if (reports_write_errors_)
        if (const auto unwritable = disk_.take_write_error())
            return fail_unwritable(*unwritable);
    finish();
}

void AtaDrive::finish() {
    if (sectors_ != 0)
        store_progress(first_lba_ + sectors_); // one beyond the last, as drives and QEMU leave it
    enter(Phase::idle);
    if (!seek_complete_)
        status_ &= static_cast<uint8_t>(~ata_status::seek_complete);
    request_interrupt();
}

// QEMU raises the channel's line with every request, also with one that finds another still there.
void AtaDrive::request_interrupt() {
    if (like_qemu())
        interrupt.set(false);
    interrupt.set(true);
}

void AtaDrive::fail(uint8_t error) {
    if (!disk_.command_done())
        disk_.abort_command(now_);
    phase_ = Phase::idle;
    error_ = like_qemu() ? ata_error::aborted : error;
    status_ = ata_status::ready | ata_status::error;
    if (error_ != ata_error::aborted)
        status_ |= ata_status::seek_complete;
    request_interrupt();
}

void AtaDrive::fail_beyond_end() {
    if (!like_qemu())
        store_progress(std::max(first_lba_, disk_.sector_count()));
    fail(ata_error::id_not_found);
}

void AtaDrive::fail_unreadable() {
    if (!like_qemu())
        store_progress(first_lba_ + moved_ + buffer_sectors_);
    fail(ata_error::uncorrectable);
}

void AtaDrive::fail_unwritable(uint64_t lba) {
    if (like_qemu())
        return fail(ata_error::aborted);
    if (lba >= first_lba_ && lba - first_lba_ < sectors_)
        store_progress(lba);
    else
        store_address(lba); // of a write before
    fail(ata_error::aborted);
    status_ |= ata_status::device_fault | ata_status::seek_complete;
}

} // namespace fixpoint::models
