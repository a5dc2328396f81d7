// Timing and habits of the devices around the processor, from the machine's TOML.
#pragma once

#include "models/chipset/ata_errors.hpp"

#include <cstdint>

namespace fixpoint::models {

struct ChipsetParameters {
    // Processor time of an access to an ISA-speed register (8259, 8254, RTC, UART, ports).
    uint32_t isa_access_ns;
    uint32_t pci_access_ns;        // the same for a register behind PCI (configuration space, IDE)
    uint64_t ide_bytes_per_second; // the controller's limit on the cable (33,300,000: UDMA 2)
    AtaErrors ide_errors;          // how the drives report errors
    uint64_t apic_bus_hz;          // the front-side bus's clock, which drives the local APIC's timer
    uint16_t post_port;            // takes POST codes beside port 0x80; 0x80: no other
    bool uart_instant;             // true: the UART sends, and brings what is polled for, without byte times
    // true: as on the PC's serial adapter; false: the serial interrupt is always connected, as in QEMU.
    bool uart_out2_gates_interrupt;
    // Time of day at power-on of the simulator, UTC, 0 to 4,102,444,799 (year 2099).
    int64_t rtc_start_unix_seconds;
};

} // namespace fixpoint::models
