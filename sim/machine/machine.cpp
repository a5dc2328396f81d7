#include "sim/machine/machine.hpp"

#include "models/bus/cpu_module.hpp"
#include "models/bus/device_module.hpp"
#include "models/bus/dma_port.hpp"
#include "models/bus/memory_module.hpp"
#include "models/bus/router.hpp"
#include "models/chipset/dma_controller.hpp"
#include "models/chipset/fw_cfg.hpp"
#include "models/chipset/io_apic.hpp"
#include "models/chipset/keyboard_controller.hpp"
#include "models/chipset/local_apic.hpp"
#include "models/chipset/parallel_port.hpp"
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
#include "models/chipset/vga_function.hpp"
#include "sim/machine/bios.hpp"
#include "sim/machine/firmware_probes.hpp"
#include "sim/machine/firmware_state.hpp"
#include "sim/machine/machine_inventory.hpp"
#include "sim/machine/mp_tables.hpp"
#include "sim/machine/multiboot_loader.hpp"
#include "sim/machine/typist.hpp"
#include "sim/machine/virtual_wire.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace fixpoint::sim {
namespace {

using models::DeviceModule;
using models::Picoseconds;

// Interrupt lines of the PC.
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
    irq_ide = 14
};

// Bytes between keyboard and controller take their time: a guest that empties the buffer comes to an end.
constexpr bool keyboard_takes_no_time = false;

const MachineParameters& checked(const MachineParameters& parameters) {
    constexpr uint64_t least = 2 << 20, most = uint64_t{3} << 30;
    if (parameters.memory.bytes < least || parameters.memory.bytes > most ||
        parameters.memory.bytes % 4096 != 0)
        throw std::invalid_argument("memory.bytes must be a multiple of 4096, 2 MiB to 3 GiB");
    if (parameters.cpu.frequency_hz == 0)
        throw std::invalid_argument("cpu.frequency_hz must not be 0");
    if (parameters.chipset.ide_bytes_per_second == 0)
        throw std::invalid_argument("chipset.ide_bytes_per_second must not be 0");
    return parameters;
}

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

// Nothing took the line away from the guest: a real UART goes on shifting out what it holds.
constexpr bool is_orderly(RunEnd end) {
    return end == RunEnd::debug_exit || end == RunEnd::powered_off || end == RunEnd::halted_for_ever;
}

constexpr models::Uart::Habits uart_habits(const models::ChipsetParameters& chipset) {
    return {.instant = chipset.uart_instant, .out2_gates_interrupt = chipset.uart_out2_gates_interrupt};
}

// All who listen to every instruction; the processor knows one listener at most.
class Observers final : public models::InstructionObserver {
public:
    void add(models::InstructionObserver& observer) {
        remove(observer);
        all_.push_back(&observer);
    }
    void remove(models::InstructionObserver& observer) { std::erase(all_, &observer); }
    [[nodiscard]] models::InstructionObserver* listener() {
        return all_.empty() ? nullptr : all_.size() == 1 ? all_.front() : this;
    }
    bool before_instruction(uint32_t linear) override {
        bool goes_on = true;
        for (models::InstructionObserver* observer : all_)
            goes_on &= observer->before_instruction(linear);
        return goes_on;
    }

private:
    std::vector<models::InstructionObserver*> all_;
};

} // namespace

// Members are built in this order: what is bound to comes first.
struct Machine::Parts {
    Parts(const MachineParameters& parameters, const MachineDisks& attached);
    void connect_addresses(uint16_t post_port);
    void connect_video();
    void connect_lines();
    void connect_apics();
    void place_local_apic(uint32_t base, bool enabled);
    void request_reset();
    bool stopped(models::Cpu::Stop stop);
    bool ask_debugger(std::optional<models::Cpu::Stop> stop);
    [[nodiscard]] Inventory inventory() const;
    void boot();
    void reset_devices();
    void power_cycle_devices();
    void reschedule_all();

    // Calls `action` for every device module.
    template<typename Action>
    void each_device(Action action) {
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

    models::PhysicalMemory memory;
    Disks disks;

    models::MemoryModule memory_module{"memory", memory};
    models::Router memory_router{"memory_router"}, io_router{"io_router"};
    models::DmaPort dma{"dma"};
    DeviceModule<models::Pic> pic{"pic"};
    DeviceModule<models::Pit> pit{"pit"};
    DeviceModule<models::Rtc> rtc;
    DeviceModule<models::Uart> uart, second_uart; // nothing hangs on the second
    DeviceModule<models::ParallelPort> parallel{"parallel"};
    DeviceModule<models::KeyboardController> keyboard{"keyboard", keyboard_takes_no_time};
    DeviceModule<models::SystemPorts> ports{"system_ports"};
    DeviceModule<models::DmaControllers> dma_controllers{"dma_controllers"};
    DeviceModule<models::PciHost> pci{"pci"};
    DeviceModule<models::PowerManagement> power{"power_management"};
    DeviceModule<models::Vga> vga{"vga"};
    DeviceModule<models::VgaFunction> vga_function;
    DeviceModule<models::PiixIde> ide;
    DeviceModule<models::FirmwareConfiguration> firmware{"fw_cfg"};
    DeviceModule<models::LocalApic> local_apic;
    DeviceModule<models::IoApic> io_apic{"io_apic"};
    models::HostBridgeFunction host_bridge;
    models::IsaBridgeFunction isa_bridge;
    MpTables mp_tables; // for software without a BIOS
    models::CpuModule cpu;

    Typist typist;
    MachineDebugger* debugger = nullptr;
    Observers observers;
    std::optional<MultibootLoader> loader; // one of the two, once something is loaded
    std::optional<Bios> bios;
    FirmwareProbes firmware_probes;
    std::optional<RunEnd> end; // why the CPU was stopped
    bool over = false;         // only power_cycle() helps
    bool reset_requested = false;
    unsigned local_apic_target = 0; // of memory_router
};

Machine::Parts::Parts(const MachineParameters& parameters, const MachineDisks& attached)
    : memory{parameters.memory.bytes}, disks{make_disks(attached)},
      rtc{"rtc", parameters.chipset.rtc_start_unix_seconds}, uart{"uart", uart_habits(parameters.chipset)},
      second_uart{"second_uart", uart_habits(parameters.chipset)}, vga_function{"vga_function",
                                                                                parameters.video_rom},
      ide{"ide", cabled(disks, attached, parameters.chipset.ide_bytes_per_second),
          parameters.chipset.ide_errors, dma},
      local_apic{"local_apic", parameters.chipset.apic_bus_hz}, mp_tables{sim::mp_tables(parameters.cpu)},
      cpu{"cpu", parameters.cpu, memory,
          models::AccessCost{parameters.chipset.isa_access_ns, parameters.chipset.pci_access_ns}} {
    connect_addresses(parameters.chipset.post_port);
    connect_lines();
}

void Machine::Parts::connect_addresses(uint16_t post_port) {
    cpu.io_socket.bind(io_router.in);
    cpu.memory_socket.bind(memory_router.in);
    dma.socket.bind(memory_router.in);

    constexpr uint32_t video_begin = models::Vga::window_base,
                       video_end = video_begin + models::Vga::window_size;
    memory_router.attach(vga.socket, {{video_begin, video_end - 1, models::Vga::window}});
    memory_router.attach(memory_module.socket,
                         {{0, video_begin - 1, 0}, {video_end, memory.size() - 1, video_end}});

    using Ports = models::SystemPorts;
    using Ide = models::PiixIde;
    constexpr bool byte_wide = true;
    io_router.attach(pic.socket, {{0x20, 0x21, 0, byte_wide},
                                  {0xA0, 0xA1, models::Pic::slave_offset, byte_wide},
                                  {0x4D0, 0x4D1, models::Pic::elcr_offset, byte_wide}});
    io_router.attach(pit.socket,
                     {{0x40, 0x43, 0, byte_wide}, {0x61, 0x61, models::Pit::port_b_offset, byte_wide}});
    io_router.attach(rtc.socket, {{0x70, 0x71, 0, byte_wide}});
    io_router.attach(uart.socket, {{0x3F8, 0x3FF, 0, byte_wide}});
    io_router.attach(second_uart.socket, {{0x2F8, 0x2FF, 0, byte_wide}});
    io_router.attach(parallel.socket, {{0x378, 0x37A, 0, byte_wide}});
    io_router.attach(keyboard.socket, {{0x60, 0x60, models::KeyboardController::data, byte_wide},
                                       {0x64, 0x64, models::KeyboardController::command, byte_wide}});
    io_router.attach(ports.socket, {{0x92, 0x92, Ports::fast_a20, byte_wide},
                                    {post_port, post_port, Ports::post_code, byte_wide},
                                    {0x80, 0x80, Ports::post_code, byte_wide},
                                    {0x90, 0x90, Ports::post_code, byte_wide},
                                    {0xE9, 0xE9, Ports::debug_console, byte_wide},
                                    {0xF0, 0xF1, Ports::coprocessor, byte_wide},
                                    {0xF4, 0xF7, Ports::debug_exit},
                                    {0x501, 0x504, Ports::debug_exit},
                                    {0x8900, 0x8900, Ports::shutdown, byte_wide}});
    using Dma = models::DmaControllers;
    constexpr uint32_t page_1 = Dma::pages + 1, page_3 = Dma::pages + 3; // 0x80 and 0x92 are others'
    io_router.attach(dma_controllers.socket, {{0x00, 0x0F, Dma::first, byte_wide},
                                              {0x10, 0x1F, Dma::first, byte_wide},
                                              {0xC0, 0xDF, Dma::second, byte_wide},
                                              {0x81, 0x8F, page_1, byte_wide},
                                              {0x91, 0x91, page_1, byte_wide},
                                              {0x93, 0x9F, page_3, byte_wide}});
    io_router.attach(pci.socket, {{0xCF8, 0xCFF, 0}});
    io_router.attach(firmware.socket, {{0x510, 0x511, 0}});
    const unsigned power_target =
        io_router.attach(power.socket, {{0, models::PowerManagement::io_size - 1, 0}});
    power.device.on_change = [this, power_target] {
        const std::optional<uint16_t> base = power.device.io_base();
        io_router.move(power_target, 0, base.value_or(0), base.has_value());
    };
    const unsigned ide_target = io_router.attach(ide.socket, {{0x1F0, 0x1F7, Ide::primary_task_file},
                                                              {0x3F6, 0x3F6, Ide::primary_control},
                                                              {0x170, 0x177, Ide::secondary_task_file},
                                                              {0x376, 0x376, Ide::secondary_control},
                                                              {0, 15, Ide::bus_master}});
    models::PiixIdeFunction& function = ide.device.function;
    function.on_change = [this, ide_target, &function] {
        constexpr unsigned bus_master_range = 4;
        const std::optional<uint16_t> base = function.bus_master_base();
        io_router.move(ide_target, bus_master_range, base.value_or(0), base.has_value());
        ide.advance(); // bus mastering may have been switched
        ide.reschedule();
    };

    host_bridge.on_steering = [this](uint32_t begin, uint32_t bytes, bool reads, bool writes) {
        cpu.cpu().steer(begin, bytes, reads, writes);
        firmware_probes.see_steering(begin, reads, writes);
    };
    pci.device.attach(0, 0, host_bridge);
    pci.device.attach(1, 0, isa_bridge);
    pci.device.attach(1, 1, function);
    pci.device.attach(1, 3, power.device);
    connect_video();
}

void Machine::Parts::connect_video() {
    using models::Vga;
    constexpr bool byte_wide = true;
    io_router.attach(vga.socket, {{Vga::first_port, Vga::last_port, Vga::ports, byte_wide},
                                  {Vga::first_bochs_port, Vga::last_bochs_port, Vga::bochs_ports}});
    models::VgaFunction& function = vga_function.device;
    const uint32_t rom_bytes = function.rom_size();
    const unsigned rom_target = memory_router.attach(
        vga_function.socket, rom_bytes == 0 ? std::vector<models::Router::Range>{}
                                            : std::vector<models::Router::Range>{{0, rom_bytes - 1, 0}});
    function.on_change = [this, rom_target, &function] {
        const std::optional<uint32_t> base = function.rom_base();
        memory_router.move(rom_target, 0, base.value_or(0), base.has_value());
    };
    function.on_change();
    pci.device.attach(2, 0, function);
}

void Machine::Parts::connect_lines() {
    const auto to_irq = [this](unsigned irq) {
        return [this, irq](bool level) {
            constexpr unsigned timer_pin = 2; // pin 0 is not connected
            io_apic.device.set_line(irq == irq_timer ? timer_pin : irq, level);
            pic.device.set_irq(irq, level);
        };
    };
    pit.device.timer.connect(to_irq(irq_timer));
    rtc.device.interrupt.connect(to_irq(irq_rtc));
    power.device.interrupt.connect(to_irq(irq_power));
    uart.device.interrupt.connect(to_irq(irq_serial));
    second_uart.device.interrupt.connect(to_irq(irq_second_serial));
    parallel.device.interrupt.connect(to_irq(irq_parallel));
    keyboard.device.keyboard_interrupt.connect(to_irq(irq_keyboard));
    keyboard.device.mouse_interrupt.connect(to_irq(irq_mouse));
    keyboard.device.on_keyboard_idle = [this](models::Ps2Keyboard& idle) { typist.press_next(idle); };
    ide.device.interrupt(0).connect(to_irq(irq_ide));
    ide.device.interrupt(1).connect(to_irq(irq_ide + 1));

    ports.device.coprocessor_interrupt.connect(to_irq(irq_coprocessor));
    ports.device.on_ignore_numeric_error = [this](bool level) { cpu.cpu().set_ignore_numeric_error(level); };
    cpu.on_floating_point_error = [this](bool level) { ports.device.set_numeric_error(level); };

    connect_apics();
    cpu.on_stop = [this](models::Cpu::Stop stop) { return stopped(stop); };
    cpu.on_break = [this] { return ask_debugger(std::nullopt); };
    dma.on_write = [this](uint32_t address, uint32_t bytes) { cpu.cpu().snoop_write(address, bytes); };

    ports.device.on_reset = keyboard.device.on_reset = pci.device.on_reset = [this] { request_reset(); };
    ports.device.on_a20 = keyboard.device.on_a20 = [this](bool open) { cpu.cpu().set_a20(open); };
    ports.device.on_debug_exit = [this](uint32_t) {
        end = RunEnd::debug_exit;
        cpu.request_stop();
    };
    ports.device.on_shutdown = power.device.on_power_off = [this] {
        end = RunEnd::powered_off;
        over = true;
        cpu.request_stop();
    };
}

// The 8259's INTR reaches the processor through the local APIC, whose LINT0 it is.
void Machine::Parts::connect_apics() {
    using models::IoApic;
    using models::LocalApic;
    local_apic_target = memory_router.attach(local_apic.socket,
                                             {{LocalApic::base, LocalApic::base + LocalApic::size - 1, 0}});
    memory_router.attach(io_apic.socket, {{IoApic::base, IoApic::base + IoApic::size - 1, 0}});
    pic.device.interrupt.connect([this](bool level) { local_apic.device.set_pin(LocalApic::lint0, level); });
    local_apic.device.interrupt.connect([this](bool level) { cpu.set_interrupt(level); });
    local_apic.device.on_nmi = [this] { cpu.raise_nmi(); };
    local_apic.device.on_init = [this] { request_reset(); };
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

void Machine::Parts::place_local_apic(uint32_t base, bool enabled) {
    local_apic.advance();
    local_apic.device.set_enabled(enabled);
    local_apic.reschedule();
    memory_router.move(local_apic_target, 0, base, enabled);
}

void Machine::Parts::request_reset() {
    reset_requested = true;
    cpu.request_stop();
}

// In the CPU's thread, at its instant. True: execution goes on.
bool Machine::Parts::stopped(models::Cpu::Stop stop) {
    if (stop != models::Cpu::Stop::requested) {
        if (!ask_debugger(stop))
            return false;
        if (!cpu.is_parked()) // it has gone on: a breakpoint, or somebody has pressed the reset button
            return true;
    }
    if (stop == models::Cpu::Stop::requested && reset_requested) {
        reset_requested = false;
        reset_devices();
        cpu.cpu().reset();
        boot();
        if (!end)
            return true;
    } else if (stop == models::Cpu::Stop::triple_fault) {
        end = RunEnd::triple_fault;
        over = true;
    } else if (stop == models::Cpu::Stop::halted_for_ever) {
        end = RunEnd::halted_for_ever;
        over = true;
    }
    return false;
}

// True: nothing speaks against going on.
bool Machine::Parts::ask_debugger(std::optional<models::Cpu::Stop> stop) {
    if (debugger == nullptr || debugger->stopped(stop))
        return true;
    end = RunEnd::stop_requested;
    return false;
}

Inventory Machine::Parts::inventory() const {
    Inventory inventory{memory.size(), {}};
    for (size_t unit = 0; unit < disks.size(); ++unit)
        if (disks[unit])
            inventory.disk_sectors[unit] = disks[unit]->sector_count();
    return inventory;
}

// The work of firmware and boot loader, on devices and a processor that are as after power-on or reset: no code is
// cached. A BIOS does its work itself.
void Machine::Parts::boot() {
    place_local_apic(models::LocalApic::base, true);
    leave_virtual_wire(local_apic.device);
    describe_machine(inventory(), firmware.device, rtc.device);
    if (bios) {
        firmware_probes.begin();
        return reschedule_all();
    }
    pci.device.leave_firmware_config();
    std::ranges::copy(mp_tables.bytes, memory.span(mp_tables.address, mp_tables.bytes.size()).begin());
    const auto attached =
        static_cast<unsigned>(std::ranges::count_if(disks, [](const auto& disk) { return disk != nullptr; }));
    leave_firmware_state({pic.device, pit.device, dma_controllers.device, keyboard.device, vga.device},
                         memory, {.disks = attached, .serial_ports = 2});
    leave_memory_types(cpu.cpu());
    loader->place(memory);
    cpu.cpu().set_state(loader->entry_state());
    reschedule_all();
}

void Machine::Parts::reset_devices() {
    const Picoseconds now = models::simulated_now();
    each_device([now](auto& module) { module.device.reset(now); });
}

void Machine::Parts::power_cycle_devices() {
    const Picoseconds now = models::simulated_now();
    each_device([now](auto& module) { module.device.power_cycle(now); });
}

void Machine::Parts::reschedule_all() {
    each_device([](auto& module) {
        module.advance();
        module.reschedule();
    });
}

Machine::Machine(const MachineParameters& parameters, models::DiskImage* image)
    : Machine{parameters, MachineDisks{{{parameters.disk, image}}}} {}

Machine::Machine(const MachineParameters& parameters, const MachineDisks& disks)
    : parts_{std::make_unique<Parts>(checked(parameters), disks)} {
    sc_core::sc_start(sc_core::SC_ZERO_TIME); // elaborates and checks all bindings; the CPU is still off
}

Machine::~Machine() = default;

void Machine::load(const BootImage& image) {
    if (image.bios.empty()) {
        parts_->loader.emplace(image, parts_->memory.size());
    } else {
        parts_->bios.emplace(image.bios);
        parts_->cpu.cpu().set_rom(parts_->bios->rom());
        parts_->power_cycle_devices(); // decoding as after power-on: the ROM is there now
    }
    parts_->cpu.power_on();
    parts_->boot();
}

RunEnd Machine::run(Picoseconds until) {
    if ((!parts_->loader && !parts_->bios) || parts_->over)
        throw std::logic_error("Machine::run needs a loaded image and a machine that is on");
    if (parts_->debugger != nullptr)
        parts_->debugger->poll();
    parts_->end.reset();
    const Picoseconds start = models::simulated_now();
    if (until <= start)
        return RunEnd::time_limit;
    parts_->cpu.go(until);
    sc_core::sc_start(models::to_sc_time(until - start));
    parts_->each_device([](auto& module) { module.advance(); });
    parts_->cpu.catch_up_idle();
    if (const std::exception_ptr error = parts_->cpu.take_error())
        std::rethrow_exception(error);
    const RunEnd end = parts_->end.value_or(RunEnd::time_limit);
    if (is_orderly(end)) {
        parts_->uart.device.drain();
        parts_->second_uart.device.drain();
    }
    return end;
}

void Machine::request_stop() {
    if (!parts_->end)
        parts_->end = RunEnd::stop_requested;
    parts_->cpu.request_stop();
}

void Machine::reset() {
    if (parts_->cpu.cpu().is_running())
        return parts_->request_reset();
    parts_->reset_devices();
    parts_->cpu.power_on();
    parts_->boot();
}

void Machine::power_cycle(models::PowerLoss mode, uint64_t seed) {
    // The CPU's thread may be waiting in the middle of an access: it has to leave first.
    parts_->cpu.power_off();
    while (!parts_->cpu.is_off())
        sc_core::sc_start(sc_core::SC_ZERO_TIME);
    for (const std::unique_ptr<models::Disk>& disk : parts_->disks) {
        if (disk)
            disk->power_loss(mode, seed, models::simulated_now());
        ++seed; // another chance for each drive
    }
    parts_->power_cycle_devices();
    parts_->memory.power_cycle();
    parts_->over = parts_->reset_requested = false;
    parts_->cpu.power_on();
    if (parts_->loader || parts_->bios)
        parts_->boot();
}

void Machine::set_debugger(MachineDebugger* debugger) {
    parts_->debugger = debugger;
}
void Machine::request_break() {
    parts_->cpu.request_break();
}
void Machine::add_observer(models::InstructionObserver& observer) {
    parts_->observers.add(observer);
    parts_->cpu.cpu().set_observer(parts_->observers.listener());
}
void Machine::remove_observer(models::InstructionObserver& observer) {
    parts_->observers.remove(observer);
    parts_->cpu.cpu().set_observer(parts_->observers.listener());
}

std::vector<std::string> Machine::boot_warnings() const {
    return parts_->loader ? parts_->loader->warnings() : std::vector<std::string>{};
}

models::Cpu& Machine::cpu() {
    return parts_->cpu.cpu();
}
models::PhysicalMemory& Machine::memory() {
    return parts_->memory;
}
models::Disk* Machine::disk(unsigned unit) {
    return parts_->disks.at(unit).get();
}
const models::Vga& Machine::vga() const {
    return parts_->vga.device;
}

Picoseconds Machine::now() const {
    return std::max(models::simulated_now(), parts_->cpu.cpu_time());
}

void Machine::set_serial_output(std::function<void(char)> sink) {
    parts_->uart.device.set_output(std::move(sink));
}

void Machine::feed_serial_input(std::string_view bytes) {
    parts_->uart.advance();
    parts_->uart.device.feed_input(bytes);
    parts_->uart.reschedule();
}

void Machine::feed_keyboard(std::string_view bytes) {
    parts_->typist.type(bytes);
    parts_->keyboard.advance();
    parts_->keyboard.reschedule();
}

void Machine::set_debug_output(std::function<void(char)> sink) {
    parts_->ports.device.on_debug_output = parts_->parallel.device.on_print = std::move(sink);
}

void Machine::set_events(MachineEvents* events) {
    if (events == nullptr) {
        parts_->memory_router.on_unclaimed = parts_->io_router.on_unclaimed = nullptr;
        return;
    }
    const FirmwareProbes& probes = parts_->firmware_probes;
    parts_->memory_router.on_unclaimed = [events, &probes](uint64_t address, unsigned bytes, bool write) {
        if (!probes.expects_memory(static_cast<uint32_t>(address)))
            events->unclaimed_memory(static_cast<uint32_t>(address), bytes, write);
    };
    parts_->io_router.on_unclaimed = [events, &probes](uint64_t address, unsigned bytes, bool write) {
        if (!probes.expects_port(static_cast<uint16_t>(address)))
            events->unclaimed_port(static_cast<uint16_t>(address), bytes, write);
    };
}

uint8_t Machine::last_post_code() const {
    return parts_->ports.device.last_post_code();
}
uint32_t Machine::debug_exit_value() const {
    return parts_->ports.device.debug_exit_value();
}

} // namespace fixpoint::sim
