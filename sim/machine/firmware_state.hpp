// What the firmware has done to the chipset and low memory before a boot loader runs: as SeaBIOS leaves a
// `-M pc` machine (observed on QEMU 7.2). PCI functions know their firmware values themselves.
// There is no firmware that could be called: the interrupt vectors lead to handlers that return (firmware_vectors.hpp).
#pragma once

#include "models/chipset/dma_controller.hpp"
#include "models/chipset/keyboard_controller.hpp"
#include "models/chipset/pic.hpp"
#include "models/chipset/pit.hpp"
#include "models/chipset/vga.hpp"
#include "models/cpu/cpu.hpp"
#include "models/memory/physical_memory.hpp"

namespace fixpoint::sim {

// The processor's memory type ranges, where it has them. After its reset.
void leave_memory_types(models::Cpu& cpu);

// What the firmware has found.
struct FirmwareDevices {
    unsigned disks = 0;        // hard disks
    unsigned serial_ports = 1; // COM1 to COM4, the first so many
};
// What it has programmed.
struct ProgrammedChips {
    models::Pic& pic;
    models::Pit& pit;
    models::DmaControllers& dma;
    models::KeyboardController& keyboard;
    models::Vga& vga;
};
void leave_firmware_state(const ProgrammedChips& chips, models::PhysicalMemory& memory,
                          const FirmwareDevices& devices = {});

} // namespace fixpoint::sim
