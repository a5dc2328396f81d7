// What the firmware has done to the chipset and low memory before a boot loader runs: as SeaBIOS leaves a
// `-M pc` machine (observed on QEMU 7.2). PCI functions know their firmware values themselves.
#pragma once

#include "models/chipset/keyboard_controller.hpp"
#include "models/chipset/pic.hpp"
#include "models/chipset/pit.hpp"
#include "models/chipset/rtc.hpp"
#include "models/chipset/vga.hpp"
#include "models/cpu/cpu.hpp"
#include "models/memory/physical_memory.hpp"

namespace fixpoint::sim {

// The CMOS cells in which firmware finds the memory's size.
void write_memory_sizes(models::Rtc& rtc, uint64_t memory_bytes);
// The processor's memory type ranges, where it has them. After its reset.
void leave_memory_types(models::Cpu& cpu);
void leave_firmware_state(models::Pic& pic, models::Pit& pit, models::Rtc& rtc,
                          models::KeyboardController& keyboard, models::Vga& vga,
                          models::PhysicalMemory& memory);

} // namespace fixpoint::sim
