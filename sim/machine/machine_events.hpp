// What a guest does that nothing in the machine answers: a wrong address more often than not.
//
// Called in the middle of the access, at its instant: Cpu::state(), cycles() and instructions() hold for the
// instruction that makes it (a bus master's transfer comes between instructions). Reads give all ones,
// writes vanish. Firmware's search for devices is not told (firmware_probes.hpp).
#pragma once

#include <cstdint>

namespace fixpoint::sim {

struct MachineEvents {
    virtual ~MachineEvents() = default;

    // Physical addresses beyond main memory and the devices' windows. Those of 4 GB and more appear in
    // PhysicalMap::nowhere.
    virtual void unclaimed_memory(uint32_t address, unsigned bytes, bool write) = 0;
    virtual void unclaimed_port(uint16_t port, unsigned bytes, bool write) = 0;
};

} // namespace fixpoint::sim
