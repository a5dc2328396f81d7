// The two performance counters of the P6 family (Intel SDM vol. 3, "Performance monitoring (P6 family)").
//
// A counter is the difference of one of the model's own event counts between two instants, so counting costs
// nothing: the sum is brought up to date when somebody reads or sets a counter, and at changes of privilege
// while a counter counts at one level only. Counters have 40 bits. Events that the model does not have count
// nothing; the counter mask, edge detection and inversion are kept but count as if they were 0, and there is
// no overflow interrupt.
#pragma once

#include <array>
#include <cstdint>

namespace fixpoint::models {

// Event numbers, SDM vol. 3, table "Events that can be counted with the P6 family performance counters".
enum class PerformanceEvent : uint8_t {
    l2_lines_in = 0x24,
    dcu_lines_in = 0x45,
    cpu_clk_unhalted = 0x79,
    ifu_ifetch_miss = 0x81,
    itlb_miss = 0x85,
    inst_retired = 0xC0,
    br_miss_pred_retired = 0xC5,
    hw_int_rx = 0xC8,
};

class PerformanceCounters {
public:
    static constexpr uint32_t count = 2;
    static constexpr uint32_t user = 1u << 16, system = 1u << 17, enable = 1u << 22; // of an event selector

    [[nodiscard]] uint32_t select(uint32_t index) const { return counters_[index].select; }
    [[nodiscard]] uint64_t value(uint32_t index) const { return counters_[index].value; }
    // Does some counter need to hear of changes of privilege?
    [[nodiscard]] bool watches_privilege() const { return watches_privilege_; }

    void reset() { *this = {}; }
    // Brings the sums up to date; the time since the last call was spent at the level named there, and from
    // now on is at this one. `events(event)`: the model's count.
    template<class Events>
    void account(bool at_user_level, Events&& events) {
        for (Counter& counter : counters_) {
            const uint64_t now = events(static_cast<PerformanceEvent>(counter.select & event_mask));
            if (running() && (counter.select & (user_level_ ? user : system)) != 0)
                counter.value = (counter.value + (now - counter.base)) & value_mask;
            counter.base = now;
        }
        user_level_ = at_user_level;
    }
    // After account(). False: a reserved bit.
    template<class Events>
    [[nodiscard]] bool set_select(uint32_t index, uint64_t value, Events&& events) {
        if ((value & ~select_valid) != 0)
            return false;
        counters_[index].select = static_cast<uint32_t>(value);
        counters_[index].base = events(static_cast<PerformanceEvent>(value & event_mask));
        watches_privilege_ = false;
        for (const Counter& counter : counters_)
            watches_privilege_ = watches_privilege_ ||
                                 (running() && levels(counter) != 0 && levels(counter) != (user | system));
        return true;
    }
    // After account(). Bit 31 is extended into the upper eight bits.
    void set_value(uint32_t index, uint32_t value) {
        counters_[index].value = static_cast<uint64_t>(int64_t{static_cast<int32_t>(value)}) & value_mask;
    }

private:
    static constexpr uint64_t value_mask = (uint64_t{1} << 40) - 1;
    static constexpr uint32_t event_mask = 0xFF;
    static constexpr uint64_t select_valid = 0xFFDF'FFFF; // bit 21 is reserved

    struct Counter {
        uint32_t select = 0;
        uint64_t value = 0, base = 0;
    };

    // Of counter 0 and for both.
    [[nodiscard]] bool running() const { return (counters_[0].select & enable) != 0; }
    [[nodiscard]] static uint32_t levels(const Counter& counter) { return counter.select & (user | system); }

    std::array<Counter, count> counters_{};
    bool user_level_ = false, watches_privilege_ = false;
};

} // namespace fixpoint::models
