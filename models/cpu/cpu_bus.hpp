// The CPU's way to everything that is not plain memory, and what the simulator hears of it.
//
// The CPU runs ahead of the devices' time; each of these calls first lets them catch up (the implementation
// reads Cpu::cycles()). A call may change the CPU's run limit, its interrupt line, or request a stop.
#pragma once

#include "kernel-model/abi/probes.hpp"

#include <cstdint>

namespace fixpoint::models {

struct CpuBus {
    virtual ~CpuBus() = default;

    // `bytes`: 1, 2 or 4. Ports nobody claims read as all ones.
    virtual uint32_t io_read(uint16_t port, unsigned bytes) = 0;
    virtual void io_write(uint16_t port, unsigned bytes, uint32_t value) = 0;
    // Physical addresses outside main memory. Addresses nobody claims read as all ones.
    virtual uint32_t mmio_read(uint32_t address, unsigned bytes) = 0;
    virtual void mmio_write(uint32_t address, unsigned bytes, uint32_t value) = 0;
    // INTA cycle: the vector of the interrupt that the asserted INTR line stands for.
    virtual uint8_t acknowledge_interrupt() = 0;
    // Processor time of device accesses, in cycles, charged to the accessing instruction.
    virtual unsigned io_cycles(uint16_t port) = 0;
    // FERR#: an unmasked x87 exception waits for its handler and CR0.NE = 0. The machine answers by an interrupt or,
    // with Cpu::set_ignore_numeric_error(), by IGNNE#.
    virtual void floating_point_error(bool /*level*/) {}
    // IA32_APIC_BASE was written: where the local APIC's registers are, and whether it is on.
    virtual void local_apic_moved(uint32_t /*base*/, bool /*enabled*/) {}
};

// Arguments of a probe, as the guest's registers held them.
struct ProbeArguments {
    uint32_t eax, edx, ecx, ebx;
};

// Called at the probe's instruction: the CPU's counters are exact at that point, memory is what the guest
// sees.
struct ProbeSink {
    virtual ~ProbeSink() = default;
    virtual void on_probe(l4::Probe event, const ProbeArguments& arguments) = 0;
};

} // namespace fixpoint::models
