#include "sim/machine/mainboard.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

namespace fixpoint::sim {
namespace {

using models::AddressRange;
using models::Picoseconds;
namespace pc = models::pc;

using Disks = std::array<std::unique_ptr<models::Disk>, models::ide_units>;

Disks make_disks(const MachineDisks& attached) {
    Disks disks;
    for (size_t unit = 0; unit < disks.size(); ++unit)
        if (attached[unit].image != nullptr)
            disks[unit] = models::make_disk(attached[unit].parameters, *attached[unit].image);
    return disks;
}

models::IdeDisks cabled(const Disks& disks, const MachineDisks& attached, uint64_t controller_rate) {
    models::IdeDisks cabled;
    for (size_t unit = 0; unit < disks.size(); ++unit) {
        const models::DiskParameters& drive = attached[unit].parameters;
        if (disks[unit])
            cabled[unit] = {disks[unit].get(), drive.model,
                            std::min<uint64_t>(controller_rate, drive.interface_bytes_per_second)};
    }
    return cabled;
}

constexpr models::Uart::Habits uart_habits(const models::ChipsetParameters& chipset) {
    return {.instant = chipset.uart_instant, .out2_gates_interrupt = chipset.uart_out2_gates_interrupt};
}

} // namespace

Mainboard::Mainboard(const MachineParameters& parameters, const MachineDisks& attached)
    : memory{parameters.memory.bytes}, disks{make_disks(attached)},
      rtc{"rtc", parameters.chipset.rtc_start_unix_seconds}, uart{"uart", uart_habits(parameters.chipset)},
      second_uart{"second_uart", uart_habits(parameters.chipset)}, vga_function{"vga_function",
                                                                                parameters.video_rom},
      ide{"ide", cabled(disks, attached, parameters.chipset.ide_bytes_per_second),
          parameters.chipset.ide_errors, dma},
      local_apic{"local_apic", parameters.chipset.apic_bus_hz}, cpu{"cpu", parameters.cpu, memory,
                                                                    models::AccessCost{
                                                                        parameters.chipset.isa_access_ns,
                                                                        parameters.chipset.pci_access_ns}} {
    connect_memory();
    connect_ports(parameters.chipset.post_port);
    connect_functions();
    connect_video();
    connect_interrupts();
    connect_apics();
    connect_processor();
    connect_requests();
}

void Mainboard::connect_memory() {
    cpu.memory_socket.bind(memory_router.in);
    dma.socket.bind(memory_router.in);
    constexpr AddressRange video = pc::vga_window.front();
    memory_router.attach(vga.socket, pc::vga_window);
    memory_router.attach(memory_module.socket,
                         std::array{AddressRange{0, video.first - 1, 0},
                                    AddressRange{video.last + 1, memory.size() - 1, video.last + 1}});
    dma.on_write = [this](uint32_t address, uint32_t bytes) { cpu.cpu().snoop_write(address, bytes); };
}

void Mainboard::connect_ports(uint16_t post_port) {
    cpu.io_socket.bind(io_router.in);
    io_router.attach(pic.socket, pc::pic_ports);
    io_router.attach(pit.socket, pc::pit_ports);
    io_router.attach(rtc.socket, pc::rtc_ports);
    io_router.attach(uart.socket, pc::uart_ports);
    io_router.attach(second_uart.socket, pc::second_uart_ports);
    io_router.attach(parallel.socket, pc::parallel_ports);
    io_router.attach(keyboard.socket, pc::keyboard_ports);
    std::vector<AddressRange> system_ports{
        {post_port, post_port, models::SystemPorts::post_code, pc::byte_wide}};
    system_ports.insert(system_ports.end(), pc::system_ports.begin(), pc::system_ports.end());
    io_router.attach(ports.socket, system_ports);
    io_router.attach(dma_controllers.socket, pc::dma_ports);
    io_router.attach(pci.socket, pc::pci_configuration_ports);
    io_router.attach(firmware.socket, pc::firmware_configuration_ports);
}

void Mainboard::connect_functions() {
    const unsigned power_target = io_router.attach(power.socket, pc::power_management_ports);
    power.device.on_change = [this, power_target] {
        const std::optional<uint16_t> base = power.device.io_base();
        io_router.move(power_target, 0, base.value_or(0), base.has_value());
    };
    const unsigned ide_target = io_router.attach(ide.socket, pc::ide_ports);
    ide.device.function.on_change = [this, ide_target] {
        const std::optional<uint16_t> base = ide.device.function.bus_master_base();
        io_router.move(ide_target, pc::bus_master_range, base.value_or(0), base.has_value());
        ide.advance(); // bus mastering may have been switched
        ide.reschedule();
    };
    host_bridge.on_steering = [this](uint32_t begin, uint32_t bytes, bool reads, bool writes) {
        cpu.cpu().steer(begin, bytes, reads, writes);
        if (on_steering)
            on_steering(begin, reads, writes);
    };
    pc::attach_functions(devices());
}

void Mainboard::connect_video() {
    io_router.attach(vga.socket, pc::vga_ports);
    models::VgaFunction& function = vga_function.device;
    const uint32_t rom_bytes = function.rom_size();
    const std::array<AddressRange, 1> rom{{{0, rom_bytes - 1, 0}}};
    const unsigned rom_target =
        memory_router.attach(vga_function.socket, std::span{rom}.first(rom_bytes == 0 ? 0 : 1));
    function.on_change = [this, rom_target, &function] {
        const std::optional<uint32_t> base = function.rom_base();
        memory_router.move(rom_target, 0, base.value_or(0), base.has_value());
    };
    function.on_change();
    pci.device.attach(pc::video_slot, 0, function);
}

void Mainboard::connect_interrupts() {
    const auto to_irq = [this](unsigned irq) {
        return [this, irq](bool level) {
            io_apic.device.set_line(pc::io_apic_pin(irq), level);
            pic.device.set_irq(irq, level);
        };
    };
    pc::connect_interrupts(devices(), to_irq);
    second_uart.device.interrupt.connect(to_irq(pc::irq_second_serial));
    parallel.device.interrupt.connect(to_irq(pc::irq_parallel));
    ports.device.coprocessor_interrupt.connect(to_irq(pc::irq_coprocessor));
}

// The 8259's INTR reaches the processor through the local APIC, whose LINT0 it is.
void Mainboard::connect_apics() {
    using models::LocalApic;
    local_apic_target_ = memory_router.attach(local_apic.socket, pc::local_apic_window);
    memory_router.attach(io_apic.socket, pc::io_apic_window);
    pic.device.interrupt.connect([this](bool level) { local_apic.device.set_pin(LocalApic::lint0, level); });
    local_apic.device.interrupt.connect([this](bool level) { cpu.set_interrupt(level); });
    local_apic.device.on_nmi = [this] { cpu.raise_nmi(); };
    local_apic.device.on_end_of_interrupt = [this](uint8_t vector) {
        io_apic.device.end_of_interrupt(vector);
    };
    io_apic.device.on_message = [this](const models::ApicMessage& message) {
        return local_apic.device.deliver(message);
    };
    cpu.on_acknowledge = [this] {
        const int vector = local_apic.device.acknowledge();
        return vector == LocalApic::ask_external ? pic.device.acknowledge() : static_cast<uint8_t>(vector);
    };
    cpu.on_local_apic_moved = [this](uint32_t base, bool enabled) { place_local_apic(base, enabled); };
}

void Mainboard::connect_processor() {
    cpu.is_pci_port = [this](uint16_t port) {
        return pc::is_pci_port(port, power.device, ide.device.function);
    };
    ports.device.on_ignore_numeric_error = [this](bool level) { cpu.cpu().set_ignore_numeric_error(level); };
    cpu.on_floating_point_error = [this](bool level) { ports.device.set_numeric_error(level); };
    ports.device.on_a20 = keyboard.device.on_a20 = [this](bool open) { cpu.cpu().set_a20(open); };
}

void Mainboard::connect_requests() {
    ports.device.on_reset = keyboard.device.on_reset = pci.device.on_reset =
        local_apic.device.on_init = [this] { on_reset(); };
    ports.device.on_debug_exit = [this](uint32_t) { on_debug_exit(); };
    ports.device.on_shutdown = power.device.on_power_off = [this] { on_power_off(); };
}

models::pc::Devices Mainboard::devices() {
    return {.pit = pit.device,
            .rtc = rtc.device,
            .uart = uart.device,
            .keyboard = keyboard.device,
            .pci = pci.device,
            .power = power.device,
            .ide = ide.device,
            .host_bridge = host_bridge,
            .isa_bridge = isa_bridge};
}

void Mainboard::place_local_apic(uint32_t base, bool enabled) {
    local_apic.advance();
    local_apic.device.set_enabled(enabled);
    local_apic.reschedule();
    memory_router.move(local_apic_target_, 0, base, enabled);
}

// Calls `action` for every device module.
template<typename Action>
void Mainboard::each_device(Action action) {
    action(pic);
    action(pit);
    action(rtc);
    action(uart);
    action(second_uart);
    action(parallel);
    action(keyboard);
    action(ports);
    action(dma_controllers);
    action(pci);
    action(power);
    action(vga);
    action(vga_function);
    action(ide);
    action(firmware);
    action(local_apic);
    action(io_apic);
}

void Mainboard::reset_devices() {
    const Picoseconds now = models::simulated_now();
    each_device([now](auto& module) { module.device.reset(now); });
}

void Mainboard::power_cycle_devices() {
    const Picoseconds now = models::simulated_now();
    each_device([now](auto& module) { module.device.power_cycle(now); });
}

void Mainboard::advance_devices() {
    each_device([](auto& module) { module.advance(); });
}

void Mainboard::reschedule_devices() {
    each_device([](auto& module) {
        module.advance();
        module.reschedule();
    });
}

} // namespace fixpoint::sim
