// The clock tick: the 8254 at 1 kHz (line 0), the MC146818's periodic interrupt at 512 Hz (line 8), or the local APIC's
// timer at 1 kHz, which takes the vector of line 0.
//
// The clock in the kernel info page counts microseconds. A PIT tick is 1193/1193182 s and not a whole number
// of them; the remainder is carried, so that the clock does not drift against the crystal. The APIC's rate is measured
// once, so that its clock runs as precisely as that.
#pragma once

#include <cstdint>

namespace kernel {

enum class TimerSource { pit, rtc, apic };
const char* name_of(TimerSource source);

class Timer {
public:
    void start(TimerSource source);
    unsigned line() const { return source_ == TimerSource::rtc ? 8 : 0; }

    // Called at each interrupt: lets the device raise the next one and returns the microseconds to add to the
    // clock.
    uint32_t tick_us();
    void acknowledge(); // the interrupt, at whatever controller it came through

private:
    TimerSource source_ = TimerSource::pit;
    uint32_t remainder_ = 0;
};

extern Timer timer;

} // namespace kernel
