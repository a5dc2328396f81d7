// What a debugger of the machine is asked, and when.
#pragma once

#include "models/cpu/cpu.hpp"

#include <optional>

namespace fixpoint::sim {

struct MachineDebugger {
    virtual ~MachineDebugger() = default;
    // Between two slices of a run, outside of the processor's thread: the time to see whether somebody wants
    // the machine to stop, and to call Machine::request_break() then.
    virtual void poll() = 0;
    // The machine stands still at an instruction boundary, the devices have caught up; time goes on when this
    // returns. `stop`: nothing after request_break(). False: the run is to end.
    [[nodiscard]] virtual bool stopped(std::optional<models::Cpu::Stop> stop) = 0;
};

} // namespace fixpoint::sim
