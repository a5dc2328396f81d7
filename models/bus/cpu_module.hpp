// The processor in SystemC: runs ahead of the devices' time to the next pending activity and no further.
//
//   running --run(limit)--> synchronise (wait until the CPU's own instant) --> running
//      | HLT                                                     ^
//      +--> halted: waits for the interrupt line ----------------+  skip_to(now)
//      | stop, triple fault, HLT for ever: on_stop, sc_pause
//      +--> parked until the next go()
//   power_off() brings it from anywhere to off; power_on() starts it anew.
//
// A device access happens at the CPU's instant: at once, with the lead as the present (see systemc.hpp), if nothing
// is due before, else when SystemC has come there. So devices see accesses in order and at their time; afterwards
// the limit is taken anew, since the access may have brought the next event nearer. Cycle n ends at n / frequency,
// rounded down to picoseconds; the arithmetic is exact and nothing accumulates.
#pragma once

#include "models/bus/systemc.hpp"
#include "models/chipset/rate.hpp"
#include "models/cpu/cpu.hpp"
#include "models/wire.hpp"

#include <cstdint>
#include <exception>
#include <functional>

namespace fixpoint::models {

// Processor time of a device access.
struct AccessCost {
    uint32_t isa_ns, pci_ns;
};

class CpuModule final : public sc_core::sc_module, public CpuBus {
public:
    tlm_utils::simple_initiator_socket<CpuModule> io_socket{"io_socket"};
    tlm_utils::simple_initiator_socket<CpuModule> memory_socket{"memory_socket"};

    // INTA: where the vector comes from.
    std::function<uint8_t()> on_acknowledge;
    // FERR#.
    std::function<void(bool level)> on_floating_point_error;
    // Whether a port is a device's on the PCI bus; all are the ISA bus's as long as nobody knows.
    std::function<bool(uint16_t port)> is_pci_port;
    // IA32_APIC_BASE was written.
    std::function<void(uint32_t base, bool enabled)> on_local_apic_moved;
    // The CPU has stopped for another reason than its limit or HLT, at its own instant. True: go on at once
    // (a reset was carried out); false: simulation pauses.
    std::function<bool(Cpu::Stop)> on_stop;
    // See request_break(). False: simulation pauses.
    std::function<bool()> on_break;

    CpuModule(const sc_core::sc_module_name& name, const CpuParameters& parameters, PhysicalMemory& memory,
              AccessCost cost);

    [[nodiscard]] Cpu& cpu() { return cpu_; }
    // INTR.
    void set_interrupt(bool level);

    // An edge on NMI.
    void raise_nmi();
    // The CPU stops after the current instruction, also while it is halted.
    void request_stop();

    // The CPU executes nothing that begins at or after `until`.
    void go(Picoseconds until);
    // Simulation has come to `now` without the CPU: a halted CPU's counters follow.
    void catch_up_idle();
    // on_break is called in the CPU's thread when it next comes between two calls of Cpu::run, also while the
    // CPU is halted.
    void request_break() { break_requested_ = true; }
    // Takes effect at the next evaluation: the CPU leaves what it is doing and stays off.
    void power_off();
    [[nodiscard]] bool is_parked() const { return state_ == State::parked; }
    [[nodiscard]] bool is_off() const { return state_ == State::off; }
    // Resets the CPU; the caller then sets its state.
    void power_on();

    // The CPU's own instant, ahead of or behind SystemC's.
    [[nodiscard]] Picoseconds cpu_time() const { return time_of(cpu_.cycles()); }
    // What a probe sink or callback threw; the simulation was paused for it.
    [[nodiscard]] std::exception_ptr take_error() { return std::exchange(error_, nullptr); }

    uint32_t io_read(uint16_t port, unsigned bytes) override;
    void io_write(uint16_t port, unsigned bytes, uint32_t value) override;
    uint32_t mmio_read(uint32_t address, unsigned bytes) override;
    void mmio_write(uint32_t address, unsigned bytes, uint32_t value) override;
    uint8_t acknowledge_interrupt() override;
    unsigned io_cycles(uint16_t port) override;
    void floating_point_error(bool level) override;
    void local_apic_moved(uint32_t base, bool enabled) override;

private:
    enum class State { running, halted, parked, off };
    using Socket = tlm_utils::simple_initiator_socket<CpuModule>;

    void start_of_simulation() override;
    void execute();
    void execute_once();
    void take_break();
    void park();
    [[nodiscard]] bool synchronise();
    Picoseconds horizon();
    [[nodiscard]] uint64_t cycle_at(Picoseconds time) const;
    [[nodiscard]] Picoseconds time_of(uint64_t cycle) const;
    uint32_t access(Socket& socket, tlm::tlm_command command, uint64_t address, unsigned bytes,
                    uint32_t value);

    PhysicalMemory& memory_;
    uint64_t frequency_hz_;
    Picoseconds cycle_ps_; // if it is a whole number, else 0
    tlm::tlm_generic_payload payload_;
    unsigned isa_cycles_, pci_cycles_;
    Cpu cpu_;

    State state_ = State::off;
    bool leaving_ = false; // power_off() wants the thread out of Cpu::run
    bool break_requested_ = false, stop_requested_ = false;
    bool interrupt_ = false;
    Picoseconds until_ = 0;
    Picoseconds horizon_ = 0;    // what horizon() said last
    uint64_t alarm_changes_ = 0; // and Alarm::changes then
    std::exception_ptr error_;
    sc_core::sc_event changed_{"changed"};
};

} // namespace fixpoint::models
