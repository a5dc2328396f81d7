// The PC's devices in SystemC, and how they are connected:
//
//   CPU ---+--- memory_router --- memory, VGA window and ROM, I/O APIC, local APIC
//          |         |
//          |     bus-master DMA
//          |
//          +--- io_router --- the devices' ports (models/chipset/pc_wiring.hpp)
//
//   interrupt lines ---+--- 8259 pair --- LINT0 ---+
//                      |                           +--- local APIC --- INTR of the CPU
//                      +--- I/O APIC --- messages -+
//
// Base address registers move ranges of the routers. What the devices ask of the machine as a whole goes out through the
// callbacks; running, resetting and booting are the machine's (machine.cpp).
#pragma once

#include "models/bus/cpu_module.hpp"
#include "models/bus/device_module.hpp"
#include "models/bus/dma_port.hpp"
#include "models/bus/memory_module.hpp"
#include "models/bus/router.hpp"
#include "models/chipset/fw_cfg.hpp"
#include "models/chipset/parallel_port.hpp"
#include "models/chipset/pc_wiring.hpp"
#include "models/chipset/vga_function.hpp"
#include "models/memory/physical_memory.hpp"
#include "sim/machine/machine_disks.hpp"
#include "sim/machine/machine_parameters.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>

namespace fixpoint::sim {

class Mainboard {
    template<typename Device>
    using Module = models::DeviceModule<Device>;

    // Bytes between keyboard and controller take their time: a guest that empties the buffer comes to an end.
    static constexpr bool keyboard_takes_no_time = false;

public:
    // To be set before the processor runs.
    std::function<void()> on_reset;      // somebody pulls the reset line
    std::function<void()> on_power_off;  // orderly
    std::function<void()> on_debug_exit; // isa-debug-exit was written
    // May stay empty: the host bridge steers reads and writes of the memory at `begin` to main memory, or to the ROM.
    std::function<void(uint32_t begin, bool reads, bool writes)> on_steering;

    Mainboard(const MachineParameters& parameters, const MachineDisks& attached);

    // Where IA32_APIC_BASE has the local APIC.
    void place_local_apic(uint32_t base, bool enabled);

    void reset_devices();
    void power_cycle_devices();
    // All devices come to the present.
    void advance_devices();
    // The same after something outside the bus has changed them.
    void reschedule_devices();

    // Members are built in this order: what is bound to comes first.
    models::PhysicalMemory memory;
    std::array<std::unique_ptr<models::Disk>, models::ide_units> disks; // null: nothing there

    models::MemoryModule memory_module{"memory", memory};
    models::Router memory_router{"memory_router"}, io_router{"io_router"};
    models::DmaPort dma{"dma"};
    Module<models::Pic> pic{"pic"};
    Module<models::Pit> pit{"pit"};
    Module<models::Rtc> rtc;
    Module<models::Uart> uart, second_uart; // nothing hangs on the second
    Module<models::ParallelPort> parallel{"parallel"};
    Module<models::KeyboardController> keyboard{"keyboard", keyboard_takes_no_time};
    Module<models::SystemPorts> ports{"system_ports"};
    Module<models::DmaControllers> dma_controllers{"dma_controllers"};
    Module<models::PciHost> pci{"pci"};
    Module<models::PowerManagement> power{"power_management"};
    Module<models::Vga> vga{"vga"};
    Module<models::VgaFunction> vga_function;
    Module<models::PiixIde> ide;
    Module<models::FirmwareConfiguration> firmware{"fw_cfg"};
    Module<models::LocalApic> local_apic;
    Module<models::IoApic> io_apic{"io_apic"};
    models::HostBridgeFunction host_bridge;
    models::IsaBridgeFunction isa_bridge;
    models::CpuModule cpu;

private:
    template<typename Action>
    void each_device(Action action);

    void connect_memory();
    void connect_ports(uint16_t post_port);
    void connect_functions();
    void connect_video();
    void connect_interrupts();
    void connect_apics();
    void connect_processor();
    void connect_requests();
    [[nodiscard]] models::pc::Devices devices();

    unsigned local_apic_target_ = 0; // of memory_router
};

} // namespace fixpoint::sim
