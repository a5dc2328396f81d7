#include "models/chipset/pc_wiring.hpp"

#include <algorithm>
#include <optional>
#include <span>

namespace fixpoint::models::pc {
namespace {

bool covers(const AddressRange& range, uint16_t port) {
    return range.first <= port && port <= range.last;
}

// At 0 is what firmware has not placed yet.
bool is_placed_at(std::optional<uint16_t> base, unsigned ports, uint16_t port) {
    return base.value_or(0) != 0 && port >= *base && port < *base + ports;
}

} // namespace

void connect_interrupts(const Devices& devices, const std::function<Wire::Listener(unsigned irq)>& to_irq) {
    devices.pit.timer.connect(to_irq(irq_timer));
    devices.rtc.interrupt.connect(to_irq(irq_rtc));
    devices.power.interrupt.connect(to_irq(irq_power));
    devices.uart.interrupt.connect(to_irq(irq_serial));
    devices.keyboard.keyboard_interrupt.connect(to_irq(irq_keyboard));
    devices.keyboard.mouse_interrupt.connect(to_irq(irq_mouse));
    devices.ide.interrupt(0).connect(to_irq(irq_ide));
    devices.ide.interrupt(1).connect(to_irq(irq_second_ide));
}

void attach_functions(const Devices& devices) {
    constexpr unsigned host_bridge_slot = 0, piix_slot = 1;
    devices.pci.attach(host_bridge_slot, 0, devices.host_bridge);
    devices.pci.attach(piix_slot, 0, devices.isa_bridge);
    devices.pci.attach(piix_slot, 1, devices.ide.function);
    devices.pci.attach(piix_slot, 3, devices.power);
}

bool is_pci_port(uint16_t port, const PowerManagement& power, const PiixIdeFunction& ide) {
    const AddressRange& vga_registers = vga_ports.front(); // Bochs's index and data are an ISA card's
    const auto task_files = std::span{ide_ports}.first<bus_master_range>();
    return std::ranges::any_of(task_files, [port](const auto& range) { return covers(range, port); }) ||
           covers(vga_registers, port) ||
           port >= pci_configuration_ports.front().first || // above it base address registers place ports
           is_placed_at(power.io_base(), PowerManagement::io_size, port) ||
           is_placed_at(ide.bus_master_base(), PiixIde::bus_master_size, port);
}

} // namespace fixpoint::models::pc
