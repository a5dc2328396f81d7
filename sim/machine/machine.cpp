#include "sim/machine/machine.hpp"

#include "sim/machine/bios.hpp"
#include "sim/machine/firmware_probes.hpp"
#include "sim/machine/firmware_state.hpp"
#include "sim/machine/instruction_observers.hpp"
#include "sim/machine/machine_inventory.hpp"
#include "sim/machine/mainboard.hpp"
#include "sim/machine/mp_tables.hpp"
#include "sim/machine/multiboot_loader.hpp"
#include "sim/machine/typist.hpp"
#include "sim/machine/virtual_wire.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace fixpoint::sim {
namespace {

using models::Picoseconds;

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

// Nothing took the line away from the guest: a real UART goes on shifting out what it holds.
constexpr bool is_orderly(RunEnd end) {
    return end == RunEnd::debug_exit || end == RunEnd::powered_off || end == RunEnd::halted_for_ever;
}

} // namespace

struct Machine::Parts {
    Parts(const MachineParameters& parameters, const MachineDisks& attached);
    void request_reset();
    bool stopped(models::Cpu::Stop stop);
    bool ask_debugger(std::optional<models::Cpu::Stop> stop);
    [[nodiscard]] Inventory inventory() const;
    void boot();

    Mainboard board;
    MpTables mp_tables; // for software without a BIOS
    Typist typist;
    MachineDebugger* debugger = nullptr;
    InstructionObservers observers;
    std::optional<MultibootLoader> loader; // one of the two, once something is loaded
    std::optional<Bios> bios;
    FirmwareProbes firmware_probes;
    std::optional<RunEnd> end; // why the CPU was stopped
    bool over = false;         // only power_cycle() helps
    bool reset_requested = false;
};

Machine::Parts::Parts(const MachineParameters& parameters, const MachineDisks& attached)
    : board{parameters, attached}, mp_tables{sim::mp_tables(parameters.cpu)} {
    board.on_reset = [this] { request_reset(); };
    board.on_debug_exit = [this] {
        end = RunEnd::debug_exit;
        board.cpu.request_stop();
    };
    board.on_power_off = [this] {
        end = RunEnd::powered_off;
        over = true;
        board.cpu.request_stop();
    };
    board.on_steering = [this](uint32_t begin, bool reads, bool writes) {
        firmware_probes.see_steering(begin, reads, writes);
    };
    board.cpu.on_stop = [this](models::Cpu::Stop stop) { return stopped(stop); };
    board.cpu.on_break = [this] { return ask_debugger(std::nullopt); };
    board.keyboard.device.on_keyboard_idle = [this](models::Ps2Keyboard& idle) { typist.press_next(idle); };
}

void Machine::Parts::request_reset() {
    reset_requested = true;
    board.cpu.request_stop();
}

// In the CPU's thread, at its instant. True: execution goes on.
bool Machine::Parts::stopped(models::Cpu::Stop stop) {
    if (stop != models::Cpu::Stop::requested) {
        if (!ask_debugger(stop))
            return false;
        if (!board.cpu.is_parked()) // it has gone on: a breakpoint, or somebody has pressed the reset button
            return true;
    }
    if (stop == models::Cpu::Stop::requested && reset_requested) {
        reset_requested = false;
        board.reset_devices();
        board.cpu.cpu().reset();
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
    Inventory inventory{board.memory.size(), {}};
    for (size_t unit = 0; unit < board.disks.size(); ++unit)
        if (board.disks[unit])
            inventory.disk_sectors[unit] = board.disks[unit]->sector_count();
    return inventory;
}

// The work of firmware and boot loader, on devices and a processor that are as after power-on or reset: no code is
// cached. A BIOS does its work itself.
void Machine::Parts::boot() {
    board.place_local_apic(models::LocalApic::base, true);
    leave_virtual_wire(board.local_apic.device);
    describe_machine(inventory(), board.firmware.device, board.rtc.device);
    if (bios) {
        firmware_probes.begin();
        return board.reschedule_devices();
    }
    board.pci.device.leave_firmware_config();
    std::ranges::copy(mp_tables.bytes, board.memory.span(mp_tables.address, mp_tables.bytes.size()).begin());
    const auto attached = static_cast<unsigned>(
        std::ranges::count_if(board.disks, [](const auto& disk) { return disk != nullptr; }));
    leave_firmware_state({board.pic.device, board.pit.device, board.dma_controllers.device,
                          board.keyboard.device, board.vga.device},
                         board.memory, {.disks = attached, .serial_ports = 2});
    leave_memory_types(board.cpu.cpu());
    loader->place(board.memory);
    board.cpu.cpu().set_state(loader->entry_state());
    board.reschedule_devices();
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
        parts_->loader.emplace(image, parts_->board.memory.size());
    } else {
        parts_->bios.emplace(image.bios);
        parts_->board.cpu.cpu().set_rom(parts_->bios->rom());
        parts_->board.power_cycle_devices(); // decoding as after power-on: the ROM is there now
    }
    parts_->board.cpu.power_on();
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
    parts_->board.cpu.go(until);
    sc_core::sc_start(models::to_sc_time(until - start));
    parts_->board.advance_devices();
    parts_->board.cpu.catch_up_idle();
    if (const std::exception_ptr error = parts_->board.cpu.take_error())
        std::rethrow_exception(error);
    const RunEnd end = parts_->end.value_or(RunEnd::time_limit);
    if (is_orderly(end)) {
        parts_->board.uart.device.drain();
        parts_->board.second_uart.device.drain();
    }
    return end;
}

void Machine::request_stop() {
    if (!parts_->end)
        parts_->end = RunEnd::stop_requested;
    parts_->board.cpu.request_stop();
}

void Machine::reset() {
    if (parts_->board.cpu.cpu().is_running())
        return parts_->request_reset();
    parts_->board.reset_devices();
    parts_->board.cpu.power_on();
    parts_->boot();
}

void Machine::press_power_button() {
    parts_->board.power.advance();
    parts_->board.power.device.press_power_button();
    parts_->board.power.reschedule();
}

void Machine::power_cycle(models::PowerLoss mode, uint64_t seed) {
    // The CPU's thread may be waiting in the middle of an access: it has to leave first.
    parts_->board.cpu.power_off();
    while (!parts_->board.cpu.is_off())
        sc_core::sc_start(sc_core::SC_ZERO_TIME);
    for (const std::unique_ptr<models::Disk>& disk : parts_->board.disks) {
        if (disk)
            disk->power_loss(mode, seed, models::simulated_now());
        ++seed; // another chance for each drive
    }
    parts_->board.power_cycle_devices();
    parts_->board.memory.power_cycle();
    parts_->over = parts_->reset_requested = false;
    parts_->board.cpu.power_on();
    if (parts_->loader || parts_->bios)
        parts_->boot();
}

void Machine::set_debugger(MachineDebugger* debugger) {
    parts_->debugger = debugger;
}
void Machine::request_break() {
    parts_->board.cpu.request_break();
}
void Machine::add_observer(models::InstructionObserver& observer) {
    parts_->observers.add(observer);
    parts_->board.cpu.cpu().set_observer(parts_->observers.listener());
}
void Machine::remove_observer(models::InstructionObserver& observer) {
    parts_->observers.remove(observer);
    parts_->board.cpu.cpu().set_observer(parts_->observers.listener());
}

std::vector<std::string> Machine::boot_warnings() const {
    return parts_->loader ? parts_->loader->warnings() : std::vector<std::string>{};
}

models::Cpu& Machine::cpu() {
    return parts_->board.cpu.cpu();
}
models::PhysicalMemory& Machine::memory() {
    return parts_->board.memory;
}
models::Disk* Machine::disk(unsigned unit) {
    return parts_->board.disks.at(unit).get();
}
const models::Vga& Machine::vga() const {
    return parts_->board.vga.device;
}

Picoseconds Machine::now() const {
    return std::max(models::simulated_now(), parts_->board.cpu.cpu_time());
}

void Machine::set_serial_output(std::function<void(char)> sink) {
    parts_->board.uart.device.set_output(std::move(sink));
}

void Machine::feed_serial_input(std::string_view bytes) {
    parts_->board.uart.advance();
    parts_->board.uart.device.feed_input(bytes);
    parts_->board.uart.reschedule();
}

void Machine::feed_keyboard(std::string_view bytes) {
    parts_->typist.type(bytes);
    parts_->board.keyboard.advance();
    parts_->board.keyboard.reschedule();
}

void Machine::set_debug_output(std::function<void(char)> sink) {
    parts_->board.ports.device.on_debug_output = parts_->board.parallel.device.on_print = std::move(sink);
}

void Machine::set_events(MachineEvents* events) {
    if (events == nullptr) {
        parts_->board.memory_router.on_unclaimed = parts_->board.io_router.on_unclaimed = nullptr;
        return;
    }
    const FirmwareProbes& probes = parts_->firmware_probes;
    parts_->board.memory_router.on_unclaimed = [events, &probes](uint64_t address, unsigned bytes,
                                                                 bool write) {
        if (!probes.expects_memory(static_cast<uint32_t>(address)))
            events->unclaimed_memory(static_cast<uint32_t>(address), bytes, write);
    };
    parts_->board.io_router.on_unclaimed = [events, &probes](uint64_t address, unsigned bytes, bool write) {
        if (!probes.expects_port(static_cast<uint16_t>(address)))
            events->unclaimed_port(static_cast<uint16_t>(address), bytes, write);
    };
}

uint8_t Machine::last_post_code() const {
    return parts_->board.ports.device.last_post_code();
}
uint32_t Machine::debug_exit_value() const {
    return parts_->board.ports.device.debug_exit_value();
}

} // namespace fixpoint::sim
