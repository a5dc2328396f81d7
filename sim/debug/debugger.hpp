// The debugger's end of the machine: stops it, lets gdb ask and command, and lets it go on.
//
//   running --poll: 0x03 or a new connection; breakpoint, step, watchpoint, end of the machine--> stopped
//   stopped --serve packets, in the processor's thread, simulated time standing still--> running
//
// While gdb wants no stop at instructions nobody observes them and the machine runs at its usual speed.
#pragma once

#include "sim/debug/gdb_connection.hpp"
#include "sim/debug/gdb_interpreter.hpp"
#include "sim/debug/machine_target.hpp"
#include "sim/debug/stop_points.hpp"
#include "sim/machine/machine_debugger.hpp"

#include <cstdint>

namespace fixpoint::sim {

class Debugger final : public MachineDebugger, public models::InstructionObserver {
public:
    // The machine waits for gdb before its next instruction. Everything given outlives the debugger.
    Debugger(Machine& machine, GdbConnection& connection);
    ~Debugger() override;

    void poll() override;
    [[nodiscard]] bool stopped(std::optional<models::Cpu::Stop> stop) override;
    bool before_instruction(uint32_t linear) override;

    // gdb has ended the machine.
    [[nodiscard]] bool has_killed() const { return killed_; }
    // Tells gdb that the run is over.
    void report_exit(uint8_t status);

private:
    // Whether the processor is still where it was when the machine was let go: nothing has happened since.
    struct Instant {
        uint64_t cycles = 0, instructions = 0;
        uint32_t linear = 0;

        bool operator==(const Instant&) const = default;
    };

    [[nodiscard]] bool wants_stop();
    void note_stop(std::optional<models::Cpu::Stop> stop);
    [[nodiscard]] GdbAction serve();
    void disconnect();
    void prepare_to_run();
    void send_packet(std::string_view content);

    Machine& machine_;
    GdbConnection& connection_;
    MachineTarget target_;
    StopPoints points_;
    GdbInterpreter interpreter_;
    std::string last_packet_;
    Instant resumed_;
    uint32_t until_poll_ = 0;
    bool was_attached_ = false; // later on the machine does not wait for gdb
    bool gdb_waits_ = false;    // it has let the machine run and expects a stop reply
    bool interrupted_ = false;  // gdb has sent 0x03
    bool killed_ = false;
};

} // namespace fixpoint::sim
