// How fast the processor's time stamp counter runs: against the 8254's channel 2, which counts down meanwhile, during what
// boot does anyway. For processors that have the counter.
#pragma once

#include <cstdint>

namespace kernel {

class ProcessorClock {
public:
    void begin_measuring();
    // Hertz, precise to about a thousandth; waits if less than a millisecond has gone by.
    uint32_t finish_measuring();

private:
    uint64_t start_cycles_ = 0;
};

} // namespace kernel
