// SystemC and TLM, and the change between their time and picoseconds. The resolution must be 1 ps (the
// default).
#pragma once

#include "models/time.hpp"

#include <systemc>
#include <tlm>
#include <tlm_utils/multi_passthrough_initiator_socket.h>
#include <tlm_utils/multi_passthrough_target_socket.h>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

namespace fixpoint::models {

inline sc_core::sc_time to_sc_time(Picoseconds time) {
    return sc_core::sc_time::from_value(time);
}
inline Picoseconds simulated_now() {
    return sc_core::sc_time_stamp().value();
}

} // namespace fixpoint::models
