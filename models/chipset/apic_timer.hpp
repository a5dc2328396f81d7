// The timer of a local APIC: a 32-bit counter that runs down with the bus clock, divided by 1 to 128.
//
// Source: Intel SDM vol. 3, 10.5.4. As in the 8254's model nothing is done per tick: what is kept is the bus tick at
// which the count reaches zero, and count and next expiry follow from it. The bus clock runs from time 0 on, so that
// nothing drifts. A period is the initial count, not one more. A new divisor goes on from the present count.
#pragma once

#include "models/chipset/rate.hpp"

#include <cstdint>
#include <optional>

namespace fixpoint::models {

class ApicTimer {
public:
    explicit ApicTimer(uint64_t bus_hz) : clock_{bus_hz} {}

    void reset();
    // Counts stand still at 0 until the next start; divisor and mode stay.
    void stop();

    void start(uint32_t initial_count, Picoseconds now); // 0 stops
    void set_divide_configuration(uint32_t value, Picoseconds now);
    void set_periodic(bool periodic) { periodic_ = periodic; }

    [[nodiscard]] uint32_t initial_count() const { return initial_count_; }
    [[nodiscard]] uint32_t current_count(Picoseconds now) const;
    [[nodiscard]] uint32_t divide_configuration() const { return divide_configuration_; }

    // True: the count has reached zero since the last call, once or more.
    [[nodiscard]] bool advance(Picoseconds now);
    [[nodiscard]] Picoseconds next_expiry() const;

private:
    [[nodiscard]] uint64_t divisor() const;

    Rate clock_;
    bool periodic_ = false;
    uint32_t initial_count_ = 0, divide_configuration_ = 0;
    std::optional<uint64_t> expiry_; // bus tick; none: the counter stands at 0
};

} // namespace fixpoint::models
