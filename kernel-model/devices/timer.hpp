// The clock tick: the 8254 at 1 kHz (line 0) or the MC146818's periodic interrupt at 512 Hz (line 8).
//
// The clock in the kernel info page counts microseconds. A PIT tick is 1193/1193182 s and not a whole number
// of them; the remainder is carried, so that the clock does not drift against the crystal.
#pragma once

#include <cstdint>

namespace kernel {

enum class TimerSource { pit, rtc };

class Timer {
public:
    void start(TimerSource source);
    unsigned line() const { return source_ == TimerSource::pit ? 0 : 8; }

    // Called at each interrupt: lets the device raise the next one and returns the microseconds to add to the
    // clock.
    uint32_t tick_us();

private:
    TimerSource source_ = TimerSource::pit;
    uint32_t remainder_ = 0;
};

extern Timer timer;

} // namespace kernel
