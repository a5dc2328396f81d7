#include "models/bus/cpu_module.hpp"

#include "models/bus/transfer.hpp"
#include "models/device.hpp"

#include <algorithm>
#include <array>

namespace fixpoint::models {
namespace {

__extension__ using Wide = unsigned __int128;

// The present is the processor's instant while it lives.
class Lead {
public:
    explicit Lead(Picoseconds lead) { processor_lead = lead; }
    ~Lead() { processor_lead = 0; }
    Lead(const Lead&) = delete;
    Lead& operator=(const Lead&) = delete;
};

// SystemC gives a thread 64 KB; probe sinks run on this stack and compare pages and write JSON.
constexpr size_t stack_bytes = 4 << 20;

} // namespace

CpuModule::CpuModule(const sc_core::sc_module_name& name, const CpuParameters& parameters,
                     PhysicalMemory& memory, AccessCost cost)
    : sc_module{name}, memory_{memory}, frequency_hz_{parameters.frequency_hz},
      cycle_ps_{ps_per_second % frequency_hz_ == 0 ? ps_per_second / frequency_hz_ : 0},
      isa_cycles_{static_cast<unsigned>(cycle_at(cost.isa_ns * ps_per_ns))},
      pci_cycles_{static_cast<unsigned>(cycle_at(cost.pci_ns * ps_per_ns))}, cpu_{parameters, memory, *this} {
    SC_HAS_PROCESS(CpuModule);
    SC_THREAD(execute);
    set_stack_size(stack_bytes);
}

uint64_t CpuModule::cycle_at(Picoseconds time) const {
    if (cycle_ps_ != 0)
        return time / cycle_ps_ + (time % cycle_ps_ != 0 ? 1 : 0);
    return static_cast<uint64_t>((Wide{time} * frequency_hz_ + ps_per_second - 1) / ps_per_second);
}

Picoseconds CpuModule::time_of(uint64_t cycle) const {
    if (cycle_ps_ != 0)
        return cycle * cycle_ps_;
    return static_cast<Picoseconds>(Wide{cycle} * ps_per_second / frequency_hz_);
}

// The CPU works on main memory directly: the bus must grant exactly that memory, all of it.
void CpuModule::start_of_simulation() {
    tlm::tlm_generic_payload payload;
    std::array<uint8_t, 1> byte{};
    prepare(payload, tlm::TLM_READ_COMMAND, 0, byte.data(), 1);
    tlm::tlm_dmi dmi;
    if (!memory_socket->get_direct_mem_ptr(payload, dmi) || dmi.get_dmi_ptr() != memory_.data() ||
        !dmi.is_read_write_allowed())
        SC_REPORT_FATAL(name(), "main memory grants no direct access");
}

// --- The thread --------------------------------------------------------------------------------------------

void CpuModule::execute() {
    for (;;) {
        try {
            execute_once();
        } catch (const sc_core::sc_unwind_exception&) {
            throw;
        } catch (...) {
            error_ = std::current_exception();
            state_ = State::parked;
            park();
        }
    }
}

void CpuModule::park() {
    sc_core::sc_pause();
    wait(changed_);
}

void CpuModule::execute_once() {
    if (leaving_) {
        leaving_ = false;
        state_ = State::off;
    }
    if (break_requested_ && (state_ == State::running || state_ == State::halted))
        return take_break();
    switch (state_) {
    case State::off:
    case State::parked:
        wait(changed_);
        return;
    case State::halted:
        if (!interrupt_ && !cpu_.nmi_pending() && !stop_requested_) {
            wait(changed_);
            return;
        }
        catch_up_idle();
        state_ = State::running;
        return;
    case State::running:
        break;
    }
    const Picoseconds now = simulated_now(), limit = horizon();
    if (limit <= now) {
        if (now >= until_)
            wait(changed_);
        else
            wait(sc_core::SC_ZERO_TIME); // what is due now goes first
        return;
    }
    const Cpu::Stop stop = cpu_.run(cycle_at(limit));
    stop_requested_ &= stop != Cpu::Stop::requested;
    if (!synchronise())
        return;
    switch (stop) {
    case Cpu::Stop::limit:
        return;
    case Cpu::Stop::halted:
        state_ = State::halted;
        return;
    case Cpu::Stop::requested:
    case Cpu::Stop::observer:
    case Cpu::Stop::watchpoint:
        break;
    case Cpu::Stop::halted_for_ever:
    case Cpu::Stop::triple_fault:
        state_ = State::parked;
        break;
    }
    if (!on_stop(stop))
        park();
}

void CpuModule::take_break() {
    break_requested_ = false;
    catch_up_idle();
    const bool goes_on = on_break();
    if (state_ == State::halted && !cpu_.halted())
        state_ = State::running; // somebody has set it to work
    if (!goes_on)
        park();
}

// The instant before which nothing but the processor acts.
Picoseconds CpuModule::horizon() {
    alarm_changes_ = Alarm::changes;
    horizon_ = simulated_now();
    if (!sc_core::sc_pending_activity_at_current_time())
        horizon_ = std::min<Picoseconds>(until_, horizon_ + sc_core::sc_time_to_pending_activity().value());
    return horizon_;
}

// Waits until SystemC has come to the CPU's instant. False: the power is going.
bool CpuModule::synchronise() {
    while (!leaving_) {
        const Picoseconds now = simulated_now(), target = cpu_time();
        if (target <= now)
            return true;
        wait(to_sc_time(target - now), changed_);
    }
    return false;
}

// --- Control from outside ----------------------------------------------------------------------------------

void CpuModule::set_interrupt(bool level) {
    interrupt_ = level;
    cpu_.set_interrupt_line(level);
    if (level && state_ == State::halted)
        changed_.notify(sc_core::SC_ZERO_TIME);
}

void CpuModule::raise_nmi() {
    cpu_.raise_nmi();
    if (state_ == State::halted)
        changed_.notify(sc_core::SC_ZERO_TIME);
}

void CpuModule::request_stop() {
    stop_requested_ = true;
    cpu_.request_stop();
    if (state_ == State::halted)
        changed_.notify(sc_core::SC_ZERO_TIME);
}

void CpuModule::go(Picoseconds until) {
    until_ = until;
    changed_.notify(sc_core::SC_ZERO_TIME);
}

void CpuModule::catch_up_idle() {
    if (state_ == State::halted && cpu_.cycles() < cycle_at(simulated_now()))
        cpu_.skip_to(cycle_at(simulated_now()));
}

void CpuModule::power_off() {
    catch_up_idle();
    if (state_ == State::off)
        return;
    leaving_ = true;
    changed_.notify(sc_core::SC_ZERO_TIME);
}

void CpuModule::power_on() {
    cpu_.power_cycle();
    state_ = State::running;
}

// --- The bus -----------------------------------------------------------------------------------------------

uint32_t CpuModule::access(Socket& socket, tlm::tlm_command command, uint64_t address, unsigned bytes,
                           uint32_t value) {
    const Picoseconds instant = cpu_time(), now = simulated_now();
    const bool at_once = !leaving_ && instant < horizon_;
    if (!at_once && !synchronise()) {
        cpu_.request_stop();
        return all_ones(bytes);
    }
    std::array<uint8_t, 4> data{};
    prepare(payload_, command, address, data.data(), bytes);
    set_payload_value(payload_, value);
    {
        const Lead lead(at_once && instant > now ? instant - now : 0);
        sc_core::sc_time delay = to_sc_time(processor_lead);
        socket->b_transport(payload_, delay);
    }
    if (!at_once || Alarm::changes != alarm_changes_)
        cpu_.set_limit(cycle_at(horizon()));
    return payload_value(payload_);
}

uint32_t CpuModule::io_read(uint16_t port, unsigned bytes) {
    return access(io_socket, tlm::TLM_READ_COMMAND, port, bytes, 0);
}

void CpuModule::io_write(uint16_t port, unsigned bytes, uint32_t value) {
    access(io_socket, tlm::TLM_WRITE_COMMAND, port, bytes, value);
}

uint32_t CpuModule::mmio_read(uint32_t address, unsigned bytes) {
    return access(memory_socket, tlm::TLM_READ_COMMAND, address, bytes, 0);
}

void CpuModule::mmio_write(uint32_t address, unsigned bytes, uint32_t value) {
    access(memory_socket, tlm::TLM_WRITE_COMMAND, address, bytes, value);
}

uint8_t CpuModule::acknowledge_interrupt() {
    return on_acknowledge();
}

// Only the rising level, which comes from an instruction, has consequences in time; the other may come from a reset.
void CpuModule::floating_point_error(bool level) {
    if (level && !synchronise()) {
        cpu_.request_stop();
        return;
    }
    if (on_floating_point_error)
        on_floating_point_error(level);
    if (level)
        cpu_.set_limit(cycle_at(horizon()));
}

void CpuModule::local_apic_moved(uint32_t base, bool enabled) {
    if (!synchronise()) {
        cpu_.request_stop();
        return;
    }
    if (on_local_apic_moved)
        on_local_apic_moved(base, enabled);
    cpu_.set_limit(cycle_at(horizon()));
}

unsigned CpuModule::io_cycles(uint16_t port) {
    return is_pci_port && is_pci_port(port) ? pci_cycles_ : isa_cycles_;
}

} // namespace fixpoint::models
