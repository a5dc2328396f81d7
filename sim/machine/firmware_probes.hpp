// Where firmware looks for devices that this board does not have. Nobody answers there, and that is no mistake of
// anybody's; the same access by software that it starts may well be one.
//
// Firmware has done with the hardware when it makes its shadow at 0xF0000 read-only (82441FX data sheet, 290549: PAM0),
// which SeaBIOS does right before it looks for something to boot. The places are those of SeaBIOS 1.16: serial and
// parallel ports of an AT, the HPET, and two devices of QEMU's: the debug port, and the PCI slots that can be hot-plugged.
#pragma once

#include <cstdint>

namespace fixpoint::sim {

class FirmwareProbes {
public:
    void begin() { lasts_ = true; } // power-on or reset of a machine with firmware
    // The host bridge's steering of the memory at `address`.
    void see_steering(uint32_t address, bool reads, bool writes);

    [[nodiscard]] bool expects_port(uint16_t port) const;
    [[nodiscard]] bool expects_memory(uint32_t address) const;

private:
    bool lasts_ = false;
};

} // namespace fixpoint::sim
