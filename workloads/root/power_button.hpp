// The power button asks for a controlled shutdown: a last checkpoint, and when that is durable the machine switches itself
// off. The next start goes on where nothing was lost.
//
// ACPI's fixed hardware (ACPI 1.0, 4.7.2.2.1 and 4.7.3), as the PIIX4 has it: the button sets a bit of the PM1 status
// register, which interrupts if it is enabled; sleep type and sleep-enable of the PM1 control register switch off. Where
// the registers are is read from the PIIX4's configuration space (82371AB, 7.2) and not from ACPI's tables, which would
// need a search of the firmware's memory and an interpreter for the sleep type. A machine with other power management
// has no controlled shutdown.
#pragma once

namespace workloads {

// Starts a thread that waits for the button. The checkpoint server is ready and the disk driver has done with the PCI
// configuration ports, which have no owner.
void watch_power_button();

} // namespace workloads
