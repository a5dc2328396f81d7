// What the platform itself says of the machine, whoever boots: the CMOS cells and the entries of QEMU's firmware
// configuration device. A BIOS reads them to know what there is; test kernels and old systems read them past any BIOS.
//
// Cells: IBM PC/AT Technical Reference, section "CMOS RAM", for disk types, geometry, memory and checksum; those that an
// AT does not have are laid out as QEMU's (hw/i386/pc.c documents them).
#pragma once

#include "models/chipset/fw_cfg.hpp"
#include "models/chipset/rtc.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace fixpoint::sim {

struct Inventory {
    uint64_t memory_bytes = 0;
    std::array<std::optional<uint64_t>, 4> disk_sectors{}; // by IDE unit
};

// The low byte of the equipment word, in CMOS and in the BIOS data area: coprocessor and mouse, no floppy drive.
constexpr unsigned equipment = 1u << 1 | 1u << 2;

void describe_machine(const Inventory& machine, models::FirmwareConfiguration& configuration,
                      models::Rtc& rtc);

} // namespace fixpoint::sim
