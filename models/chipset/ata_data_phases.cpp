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
    enter(Phase::pio_in);
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
    enter(Phase::pio_out);
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
        enter(Phase::executing);
        step();
    } else { // the last block ends without another interrupt
        if (sectors_ != 0) {
            store_address(first_lba_ + sectors_);
            count_.current = 0;
        }
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
    enter(Phase::executing); // until the media has it, without a write cache
    step();
}

void AtaDrive::finish() {
    if (direction_ != Direction::none || verify_)
        store_address(first_lba_ + sectors_); // one beyond the last, as drives and QEMU leave it
    if (direction_ != Direction::none)
        count_.current = 0;
    enter(Phase::idle);
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
