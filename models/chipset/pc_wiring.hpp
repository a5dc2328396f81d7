// Where the PC has its devices: I/O ports, windows into memory, interrupt lines and PCI slots. Whoever builds a machine
// or a board for tests takes them from here.
//
// Sources: IBM PC/AT Technical Reference (I/O address map, interrupts), 82371SB (290550) and 82371AB (290562) data sheets
// for what the PIIX adds; the PCI slots, fw_cfg and isa-debug-exit are those of QEMU's `-M pc`.
#pragma once

#include "models/address_range.hpp"
#include "models/chipset/dma_controller.hpp"
#include "models/chipset/io_apic.hpp"
#include "models/chipset/keyboard_controller.hpp"
#include "models/chipset/local_apic.hpp"
#include "models/chipset/pci.hpp"
#include "models/chipset/pic.hpp"
#include "models/chipset/piix_functions.hpp"
#include "models/chipset/piix_ide.hpp"
#include "models/chipset/pit.hpp"
#include "models/chipset/power_management.hpp"
#include "models/chipset/rtc.hpp"
#include "models/chipset/system_ports.hpp"
#include "models/chipset/uart.hpp"
#include "models/chipset/vga.hpp"
#include "models/wire.hpp"

#include <array>
#include <cstdint>
#include <functional>

namespace fixpoint::models::pc {

constexpr bool byte_wide = true;

// I/O ports.

inline constexpr std::array pic_ports{AddressRange{0x20, 0x21, 0, byte_wide},
                                      AddressRange{0xA0, 0xA1, Pic::slave_offset, byte_wide},
                                      AddressRange{0x4D0, 0x4D1, Pic::elcr_offset, byte_wide}};
inline constexpr std::array pit_ports{AddressRange{0x40, 0x43, 0, byte_wide},
                                      AddressRange{0x61, 0x61, Pit::port_b_offset, byte_wide}};
inline constexpr std::array rtc_ports{AddressRange{0x70, 0x71, 0, byte_wide}};
inline constexpr std::array uart_ports{AddressRange{0x3F8, 0x3FF, 0, byte_wide}};
inline constexpr std::array second_uart_ports{AddressRange{0x2F8, 0x2FF, 0, byte_wide}};
inline constexpr std::array parallel_ports{AddressRange{0x378, 0x37A, 0, byte_wide}};
inline constexpr std::array keyboard_ports{AddressRange{0x60, 0x60, KeyboardController::data, byte_wide},
                                           AddressRange{0x64, 0x64, KeyboardController::command, byte_wide}};
inline constexpr std::array system_ports{AddressRange{0x92, 0x92, SystemPorts::fast_a20, byte_wide},
                                         AddressRange{0x80, 0x80, SystemPorts::post_code, byte_wide},
                                         AddressRange{0x90, 0x90, SystemPorts::post_code, byte_wide},
                                         AddressRange{0xE9, 0xE9, SystemPorts::debug_console, byte_wide},
                                         AddressRange{0xF0, 0xF1, SystemPorts::coprocessor, byte_wide},
                                         AddressRange{0xF4, 0xF7, SystemPorts::debug_exit},
                                         AddressRange{0x501, 0x504, SystemPorts::debug_exit},
                                         AddressRange{0x8900, 0x8900, SystemPorts::shutdown, byte_wide}};
// Of the page registers 0x80, 0x90 and 0x92 are others'.
inline constexpr std::array dma_ports{AddressRange{0x00, 0x0F, DmaControllers::first, byte_wide},
                                      AddressRange{0x10, 0x1F, DmaControllers::first, byte_wide},
                                      AddressRange{0xC0, 0xDF, DmaControllers::second, byte_wide},
                                      AddressRange{0x81, 0x8F, DmaControllers::pages + 1, byte_wide},
                                      AddressRange{0x91, 0x91, DmaControllers::pages + 1, byte_wide},
                                      AddressRange{0x93, 0x9F, DmaControllers::pages + 3, byte_wide}};
inline constexpr std::array firmware_configuration_ports{AddressRange{0x510, 0x511, 0}};
inline constexpr std::array pci_configuration_ports{AddressRange{0xCF8, 0xCFF, 0}};
inline constexpr std::array vga_ports{
    AddressRange{Vga::first_port, Vga::last_port, Vga::ports, byte_wide},
    AddressRange{Vga::first_bochs_port, Vga::last_bochs_port, Vga::bochs_ports}};
inline constexpr std::array ide_ports{AddressRange{0x1F0, 0x1F7, PiixIde::primary_task_file},
                                      AddressRange{0x3F6, 0x3F6, PiixIde::primary_control},
                                      AddressRange{0x170, 0x177, PiixIde::secondary_task_file},
                                      AddressRange{0x376, 0x376, PiixIde::secondary_control},
                                      AddressRange{0, PiixIde::bus_master_size - 1, PiixIde::bus_master}};
constexpr unsigned bus_master_range = 4; // of ide_ports; a base address register places it

// A base address register places them.
inline constexpr std::array power_management_ports{AddressRange{0, PowerManagement::io_size - 1, 0}};

// Windows into memory.

inline constexpr std::array vga_window{
    AddressRange{Vga::window_base, Vga::window_base + Vga::window_size - 1, Vga::window}};
inline constexpr std::array io_apic_window{AddressRange{IoApic::base, IoApic::base + IoApic::size - 1, 0}};
// At its place after reset; a model specific register moves it.
inline constexpr std::array local_apic_window{
    AddressRange{LocalApic::base, LocalApic::base + LocalApic::size - 1, 0}};

// Interrupt lines.

enum : unsigned {
    irq_timer = 0,
    irq_keyboard = 1,
    irq_second_serial = 3,
    irq_serial = 4,
    irq_parallel = 7,
    irq_rtc = 8,
    irq_power = 9,
    irq_mouse = 12,
    irq_coprocessor = 13,
    irq_ide = 14,
    irq_second_ide = 15
};

// The I/O APIC's pin of an interrupt line: the timer's is 2, where the cascade has no use for it; pin 0 is not connected.
constexpr unsigned io_apic_pin(unsigned irq) {
    return irq == irq_timer ? 2 : irq;
}

// The devices that every board here has, wherever it keeps them.
struct Devices {
    Pit& pit;
    Rtc& rtc;
    Uart& uart;
    KeyboardController& keyboard;
    PciHost& pci;
    PowerManagement& power;
    PiixIde& ide;
    HostBridgeFunction& host_bridge;
    IsaBridgeFunction& isa_bridge;
};

// Connects their interrupt outputs, each to what `to_irq` gives for its line.
void connect_interrupts(const Devices& devices, const std::function<Wire::Listener(unsigned irq)>& to_irq);
// Puts the PCI functions among them into their slots.
void attach_functions(const Devices& devices);
constexpr unsigned video_slot = 2; // PCI device number of the display adapter, which a board may have besides

// Whether the device that answers at a port is on the PCI bus, which is quicker than ISA's. `power` and `ide` have ports
// where software has placed them.
[[nodiscard]] bool is_pci_port(uint16_t port, const PowerManagement& power, const PiixIdeFunction& ide);

} // namespace fixpoint::models::pc
