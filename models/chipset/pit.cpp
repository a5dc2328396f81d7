#include "models/chipset/pit.hpp"

#include <algorithm>

namespace fixpoint::models {
namespace {

constexpr uint16_t to_bcd(uint32_t value) {
    return static_cast<uint16_t>(value / 1000 % 10 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 |
                                 value % 10);
}
constexpr uint32_t from_bcd(uint32_t digits) {
    return (digits >> 12 & 15) * 1000 + (digits >> 8 & 15) * 100 + (digits >> 4 & 15) * 10 + (digits & 15);
}

// Port 0x61.
constexpr uint8_t gate_2 = 0x01, writable_b = 0x0F, refresh_toggle = 0x10, output_2 = 0x20;

} // namespace

void TimerChannel::write_control(uint8_t control, uint64_t now) {
    advance(now);
    control_ = control;
    mode_ = control >> 1 & 7;
    if (mode_ > 5)
        mode_ &= 3; // the high bit of 110 and 111 is ignored
    access_ = static_cast<Access>(control >> 4 & 3);
    bcd_ = control & 1;
    loaded_ = between_bytes_ = false;
    trigger_ = no_tick;
    stopped_.reset();
    pending_.reset();
    high_byte_next_write_ = high_byte_next_read_ = false;
    latched_count_.reset();
    latched_status_.reset();
}

void TimerChannel::write_count(uint8_t value, uint64_t now) {
    advance(now);
    uint32_t written = 0;
    switch (access_) {
    case Access::low:
        written = value;
        break;
    case Access::high:
        written = uint32_t{value} << 8;
        break;
    case Access::both:
        high_byte_next_write_ = !high_byte_next_write_;
        if (high_byte_next_write_) {
            low_byte_ = value;
            if (mode_ == 0) {
                freeze(now);
                between_bytes_ = true;
            }
            return;
        }
        written = uint32_t{value} << 8 | low_byte_;
        break;
    }
    const uint32_t count = bcd_ ? from_bcd(written) : written;
    take_count(count != 0 ? count : modulus(), now);
}

// A count is complete in the count register.
void TimerChannel::take_count(uint32_t count, uint64_t now) {
    between_bytes_ = false;
    if (periodic() && count == 1)
        count = 2; // 1 is illegal in modes 2 and 3
    if (triggered() ? trigger_ == now : !periodic() || !loaded_)
        load(count, now + 1);
    else if (load_is_due(now))
        count_ = count;
    else
        pending_ = {count, periodic() && gate_ ? end_of_cycle(now) : no_tick};
    load_is_new_ = true;
}

void TimerChannel::load(uint32_t count, uint64_t at) {
    level_before_ = mode_ != 0 && output(at - 1);
    load_is_new_ = pending_ || (load_is_new_ && load_is_due(at - 1));
    count_ = count;
    loaded_at_ = at;
    loaded_ = true;
    strobe_until_ = no_tick;
    pending_.reset();
    stopped_.reset();
    if (!gate_ && !triggered())
        stopped_ = 0;
}

void TimerChannel::advance(uint64_t now) {
    if (!pending_ || pending_->at > now)
        return;
    const uint64_t at = pending_->at;
    const bool begins_low = mode_ == 3 && elapsed(at - 1) % count_ < high_half();
    load(pending_->count, at);
    if (begins_low)
        loaded_at_ -= high_half();
}

bool TimerChannel::load_is_due(uint64_t now) const {
    return loaded_ && static_cast<int64_t>(now - loaded_at_) < 0;
}

uint64_t TimerChannel::elapsed(uint64_t now) const {
    if (stopped_)
        return *stopped_;
    return load_is_due(now) ? 0 : now - loaded_at_;
}

// Modes 2 and 3: where the counting element takes its count from the count register again.
uint64_t TimerChannel::end_of_cycle(uint64_t now) const {
    const uint64_t phase = elapsed(now) % count_;
    return now - phase + (mode_ == 3 && phase < high_half() ? high_half() : count_);
}

void TimerChannel::freeze(uint64_t now) {
    if (!stopped_)
        stopped_ = elapsed(now);
}

void TimerChannel::set_gate(bool level, uint64_t now) {
    if (level == gate_)
        return;
    advance(now);
    if (triggered()) {
        if (level)
            trigger_ = now;
        if (level && (loaded_ || pending_))
            load(newest_count(), now + 1);
    } else if (!level) {
        if (mode_ == 4 && !load_is_due(now) && !output(now))
            strobe_until_ = now;
        freeze(now);
        if (pending_)
            pending_->at = no_tick;
    } else if (periodic()) { // starts anew
        if (loaded_)
            load(newest_count(), now + 1);
        stopped_.reset();
    } else if (!between_bytes_ && stopped_) {
        if (!load_is_due(now))
            loaded_at_ = now - *stopped_;
        stopped_.reset();
    }
    gate_ = level;
}

bool TimerChannel::output(uint64_t now) const {
    if (!loaded_)
        return mode_ != 0; // the control word sets the output
    if (between_bytes_)
        return false;
    if (load_is_due(now))
        return level_before_;
    const uint64_t e = elapsed(now);
    switch (mode_) {
    case 0:
    case 1:
        return e >= count_;
    case 2:
        return !gate_ || e % count_ != count_ - 1;
    case 3:
        return !gate_ || e % count_ < high_half();
    default:
        return e != count_ || now > strobe_until_;
    }
}

std::optional<uint64_t> TimerChannel::next_change(uint64_t now) const {
    if (!loaded_ || between_bytes_)
        return std::nullopt;
    if (load_is_due(now) && output(loaded_at_) != level_before_)
        return loaded_at_;
    if (stopped_)
        return strobe_until_ == now ? std::optional{now + 1} : std::nullopt;
    const uint64_t e = elapsed(now);
    switch (mode_) {
    case 0:
    case 1:
        return e < count_ ? std::optional{loaded_at_ + count_} : std::nullopt;
    case 2: {
        const uint64_t phase = e % count_;
        return loaded_at_ + e - phase + (phase < count_ - 1 ? count_ - 1 : count_);
    }
    case 3: {
        const uint64_t phase = e % count_;
        return loaded_at_ + e - phase + (phase < high_half() ? high_half() : count_);
    }
    default:
        if (!output(now))
            return now + 1;
        return e < count_ ? std::optional{loaded_at_ + count_} : std::nullopt;
    }
}

uint32_t TimerChannel::remaining(uint64_t now) const {
    if (!loaded_)
        return 0;
    const uint64_t e = elapsed(now);
    switch (mode_) {
    case 2:
        return static_cast<uint32_t>(count_ - e % count_);
    case 3: { // counts by two, through each half of the period; an odd count's first half takes one tick more
        const uint64_t phase = e % count_;
        const uint64_t in_half = phase < high_half() ? phase : phase - high_half();
        const uint32_t even = count_ & ~1u;
        return static_cast<uint32_t>(even - std::min<uint64_t>(2 * in_half, even));
    }
    default: { // counts through 0 and on
        const uint64_t gone = e % modulus();
        return static_cast<uint32_t>((count_ + modulus() - gone) % modulus());
    }
    }
}

uint16_t TimerChannel::count_bytes(uint64_t now) const {
    const uint32_t value = remaining(now) % modulus(); // the modulus reads as 0
    return bcd_ ? to_bcd(value) : static_cast<uint16_t>(value);
}

void TimerChannel::latch_count(uint64_t now) {
    advance(now);
    if (!latched_count_) // a second latch is ignored until the first is read
        latched_count_ = count_bytes(now);
}

void TimerChannel::latch_status(uint64_t now) {
    advance(now);
    if (latched_status_)
        return;
    const bool null_count = !loaded_ || pending_ || (load_is_new_ && load_is_due(now));
    latched_status_ = static_cast<uint8_t>(output(now) << 7 | null_count << 6 | control_);
}

uint8_t TimerChannel::read_count(uint64_t now) {
    advance(now);
    if (latched_status_) {
        const uint8_t status = *latched_status_;
        latched_status_.reset();
        return status;
    }
    const uint16_t value = latched_count_ ? *latched_count_ : count_bytes(now);
    const auto low = static_cast<uint8_t>(value), high = static_cast<uint8_t>(value >> 8);
    if (access_ != Access::both) {
        latched_count_.reset();
        return access_ == Access::low ? low : high;
    }
    high_byte_next_read_ = !high_byte_next_read_;
    if (high_byte_next_read_)
        return low;
    latched_count_.reset();
    return high;
}

Pit::Pit() {
    power_cycle(0);
}

void Pit::power_cycle(Picoseconds now) {
    now_ = now;
    channels_ = {};
    port_b_ = 0;
    channels_[2].set_gate(false, tick());
    timer.set(false);
}

void Pit::advance(Picoseconds now) {
    now_ = now;
    for (TimerChannel& channel : channels_)
        channel.advance(tick());
    timer.set(channels_[0].output(tick()));
}

Picoseconds Pit::next_event() const {
    const std::optional<uint64_t> change = channels_[0].next_change(tick());
    return change ? clock.time_of(*change) : never;
}

void Pit::write_control(uint8_t value) {
    const unsigned select = value >> 6, access = value >> 4 & 3;
    if (select == 3) { // read-back
        for (unsigned i = 0; i < 3; ++i)
            if (value >> (i + 1) & 1) {
                if (!(value & 0x20))
                    channels_[i].latch_count(tick());
                if (!(value & 0x10))
                    channels_[i].latch_status(tick());
            }
    } else if (access == 0) {
        channels_[select].latch_count(tick());
    } else {
        channels_[select].write_control(value & 0x3F, tick());
    }
}

uint32_t Pit::read(uint32_t offset, unsigned) {
    if (offset < 3)
        return channels_[offset].read_count(tick());
    if (offset == port_b_offset) {
        // The refresh request toggles every 15.085 us (82371SB, NMI status and control).
        constexpr uint64_t refresh_ticks = 18;
        const bool refresh = tick() / refresh_ticks % 2 != 0;
        return static_cast<uint32_t>(port_b_ | (refresh ? refresh_toggle : 0) |
                                     (channels_[2].output(tick()) ? output_2 : 0));
    }
    return 0xFF; // the control word cannot be read
}

void Pit::write(uint32_t offset, unsigned, uint32_t value) {
    const auto byte = static_cast<uint8_t>(value);
    if (offset < 3) {
        channels_[offset].write_count(byte, tick());
    } else if (offset == 3) {
        write_control(byte);
    } else {
        port_b_ = byte & writable_b;
        channels_[2].set_gate(byte & gate_2, tick());
    }
    timer.set(channels_[0].output(tick()));
}

} // namespace fixpoint::models
