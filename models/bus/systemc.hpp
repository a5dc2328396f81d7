// SystemC and TLM, and the change between their time and picoseconds. The resolution must be 1 ps (the
// default).
#pragma once

#include "models/time.hpp"

#include <systemc>
#include <tlm>
#include <tlm_utils/multi_passthrough_initiator_socket.h>
#include <tlm_utils/simple_initiator_socket.h>

namespace fixpoint::models {

inline sc_core::sc_time to_sc_time(Picoseconds time) {
    return sc_core::sc_time::from_value(time);
}

// The processor runs ahead of SystemC. While it accesses a device and nothing else is due before its own
// instant, the present is that instant, without SystemC having to come there first; at all other times the lead
// is 0 and the present is SystemC's.
inline Picoseconds processor_lead = 0;

inline Picoseconds simulated_now() {
    return sc_core::sc_time_stamp().value() + processor_lead;
}

// An event at one instant that may be moved. All that devices schedule goes through here, so that the processor
// sees by `changes` when it has to ask SystemC anew what is due next.
class Alarm {
public:
    static inline uint64_t changes = 0;

    explicit Alarm(const char* name) : event_{name} {}
    [[nodiscard]] const sc_core::sc_event& event() const { return event_; }

    // `never` switches it off; an instant that has passed stands for the present.
    void set(Picoseconds instant) {
        if (instant == instant_)
            return;
        ++changes;
        event_.cancel();
        instant_ = instant;
        if (instant == never)
            return;
        const Picoseconds now = simulated_now();
        event_.notify(to_sc_time((instant > now ? instant - now : 0) + processor_lead));
    }
    // It has rung.
    void clear() { instant_ = never; }

private:
    sc_core::sc_event event_;
    Picoseconds instant_ = never;
};

} // namespace fixpoint::models
