#include "models/chipset/apic_timer.hpp"

namespace fixpoint::models {

void ApicTimer::reset() {
    stop();
    periodic_ = false;
    divide_configuration_ = 0;
}

void ApicTimer::stop() {
    initial_count_ = 0;
    expiry_.reset();
}

// Bits 3, 1 and 0: 000 divides by 2, 001 by 4, ... 110 by 128, 111 by 1.
uint64_t ApicTimer::divisor() const {
    const uint32_t code = (divide_configuration_ & 3) | (divide_configuration_ >> 1 & 4);
    return uint64_t{1} << ((code + 1) & 7);
}

void ApicTimer::start(uint32_t initial_count, Picoseconds now) {
    stop();
    initial_count_ = initial_count;
    if (initial_count != 0)
        expiry_ = clock_.ticks_at(now) + initial_count * divisor();
}

void ApicTimer::set_divide_configuration(uint32_t value, Picoseconds now) {
    constexpr uint32_t writable = 0x0B;
    const uint64_t left = current_count(now);
    divide_configuration_ = value & writable;
    if (expiry_)
        expiry_ = clock_.ticks_at(now) + left * divisor();
}

uint32_t ApicTimer::current_count(Picoseconds now) const {
    const uint64_t tick = clock_.ticks_at(now);
    if (!expiry_ || tick >= *expiry_)
        return 0;
    return static_cast<uint32_t>((*expiry_ - tick + divisor() - 1) / divisor());
}

bool ApicTimer::advance(Picoseconds now) {
    const uint64_t tick = clock_.ticks_at(now);
    if (!expiry_ || tick < *expiry_)
        return false;
    if (periodic_) {
        const uint64_t period = initial_count_ * divisor();
        *expiry_ += ((tick - *expiry_) / period + 1) * period;
    } else {
        expiry_.reset();
    }
    return true;
}

Picoseconds ApicTimer::next_expiry() const {
    return expiry_ ? clock_.time_of(*expiry_) : never;
}

} // namespace fixpoint::models
