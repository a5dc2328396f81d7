// How firmware leaves the local APIC: virtual wire mode (MP specification 1.4, section 3.6.2.2). The 8259's interrupts
// go through LINT0 to the core, non-maskable ones through LINT1, and software that knows no APIC notices nothing.
#pragma once

#include "models/chipset/local_apic.hpp"

namespace fixpoint::sim {

// After the APIC's reset. The values are those that SeaBIOS leaves (QEMU 7.2, `info lapic`): spurious vector register
// 0x1FF, LINT0 0x8700, LINT1 0x8400, all else as after reset.
void leave_virtual_wire(models::LocalApic& apic);

} // namespace fixpoint::sim
