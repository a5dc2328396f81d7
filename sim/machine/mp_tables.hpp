// The tables by which an operating system finds processors, buses, I/O APICs and the ways of interrupts.
//
// Source: Intel MultiProcessor Specification 1.4 (242016), chapter 4. The floating pointer lies in the BIOS area on a
// 16-byte boundary, the configuration table right behind it:
//
//   floating pointer | header | processor | buses PCI 0, ISA 1 | I/O APIC | I/O interrupts | local interrupts
//
// The content is what SeaBIOS gives a `-M pc` machine with one processor (observed on QEMU 7.2), but for the names, the
// local APIC's version, and ISA lines 5, 10 and 11: no PCI device is routed to them here, so they are listed as ISA's.
// So IRQ 0 comes in at pin 2, line 9 belongs to the PCI power management function, lines 14 and 15 of the IDE function
// are ISA's, and the I/O APIC has the identifier 0 of its reset, as the processor's has.
#pragma once

#include "models/cpu/cpu_parameters.hpp"

#include <cstdint>
#include <vector>

namespace fixpoint::sim {

struct MpTables {
    uint32_t address; // physical, of the floating pointer
    std::vector<uint8_t> bytes;
};

[[nodiscard]] MpTables mp_tables(const models::CpuParameters& cpu);

} // namespace fixpoint::sim
