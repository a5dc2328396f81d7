#include "tests/qtest/board.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace fixpoint::qtest {
namespace {

using models::Picoseconds;

namespace pc = models::pc;

constexpr uint64_t cable_bytes_per_second = 33'300'000;
// QEMU's sends at once, too, and its interrupt is always connected.
constexpr models::Uart::Habits uart_habits{.instant = true, .out2_gates_interrupt = false};

// A drive that is always quick: sequences wait for it with Action::disk_ready.
models::DiskParameters ideal_drive() {
    return {.kind = models::DiskKind::ideal,
            .model = "QEMU HARDDISK",
            .command_overhead_us = 1,
            .interface_bytes_per_second = cable_bytes_per_second,
            .mechanical = {},
            .ideal = {1'000, 1'000, 1'000, 1'000}};
}

std::array<std::unique_ptr<models::Disk>, models::ide_units> make_disks(const Board::Images& images) {
    std::array<std::unique_ptr<models::Disk>, models::ide_units> disks;
    for (size_t unit = 0; unit < disks.size(); ++unit)
        if (images[unit])
            disks[unit] = models::make_disk(ideal_drive(), *images[unit]);
    return disks;
}

models::IdeDisks cabled(const std::array<std::unique_ptr<models::Disk>, models::ide_units>& disks) {
    models::IdeDisks cabled;
    for (size_t unit = 0; unit < disks.size(); ++unit)
        if (disks[unit])
            cabled[unit] = {disks[unit].get(), ideal_drive().model, cable_bytes_per_second};
    return cabled;
}

// As the emulator is started: one processor, 64 MB.
void describe_machine(models::FirmwareConfiguration& configuration) {
    using Configuration = models::FirmwareConfiguration;
    configuration.set_number(Configuration::memory_size, 64 << 20, 8);
    configuration.set_number(Configuration::processors, 1, 2);
    configuration.set_number(Configuration::most_processors, 1, 2);
    configuration.set_number(Configuration::boot_menu, 0, 2);
    configuration.set_number(Configuration::timer_override, 1, 4);
}

} // namespace

bool MainMemory::read(uint32_t address, std::span<uint8_t> data) {
    if (address > bytes_.size() || data.size() > bytes_.size() - address)
        return false;
    std::memcpy(data.data(), bytes_.data() + address, data.size());
    return true;
}

bool MainMemory::write(uint32_t address, std::span<const uint8_t> data) {
    if (address > bytes_.size() || data.size() > bytes_.size() - address)
        return false;
    std::memcpy(bytes_.data() + address, data.data(), data.size());
    return true;
}

void MainMemory::fill(uint32_t address, size_t bytes, uint8_t value) {
    if (address < bytes_.size() && bytes <= bytes_.size() - address)
        std::memset(&bytes_[address], value, bytes);
}

uint32_t MainMemory::checksum(uint32_t address, size_t bytes) const {
    uint32_t sum = checksum_start;
    for (size_t i = 0; i < bytes; ++i)
        sum = add_to_checksum(sum, bytes_.at(address + i));
    return sum;
}

Board::Board(Watch watch, Picoseconds start, const Images& images)
    : start_{start}, now_{start}, disks_{make_disks(images)}, rtc_{0}, uart_{uart_habits},
      ide_{cabled(disks_), models::AtaErrors::qemu, memory_}, devices_{&pic_,      &pit_,   &rtc_, &uart_,
                                                                       &keyboard_, &ports_, &dma_, &pci_,
                                                                       &power_,    &ide_,   &vga_} {
    connect_addresses();
    connect_lines(watch);
    describe_machine(firmware_);
    advance(start);
}

void Board::connect_lines(Watch watch) {
    const auto to_irq = [this, watch](unsigned irq) {
        return [this, watch, irq](bool level) {
            if (watch == Watch::device_lines)
                change(irq, level);
            pic_.set_irq(irq, level);
        };
    };
    pc::connect_interrupts(wired_devices(), to_irq);
    if (watch == Watch::interrupt)
        pic_.interrupt.connect([this](bool level) { change(0, level); });
    io_apic_.on_message = [this](const models::ApicMessage& message) {
        messages_.take(message);
        return true;
    };
}

void Board::connect_addresses() {
    attach(ports_map_, pic_, pc::pic_ports);
    attach(ports_map_, pit_, pc::pit_ports);
    attach(ports_map_, rtc_, pc::rtc_ports);
    attach(ports_map_, uart_, pc::uart_ports);
    attach(ports_map_, keyboard_, pc::keyboard_ports);
    attach(ports_map_, ports_, pc::system_ports);
    attach(ports_map_, dma_, pc::dma_ports);
    attach(ports_map_, firmware_, pc::firmware_configuration_ports);
    attach(ports_map_, pci_, pc::pci_configuration_ports);
    attach(ports_map_, vga_, pc::vga_ports);
    const size_t ide = attach(ports_map_, ide_, pc::ide_ports);
    ide_.function.on_change = [this, ide] {
        move_ports(ide + pc::bus_master_range, ide_.function.bus_master_base());
        ide_.advance(now_); // bus mastering may have been switched
    };
    move_ports(ide + pc::bus_master_range, std::nullopt);
    const size_t power = attach(ports_map_, power_, pc::power_management_ports);
    power_.on_change = [this, power] { move_ports(power, power_.io_base()); };
    power_.on_change();

    attach(memory_map_, vga_, pc::vga_window);
    attach(memory_map_, io_apic_, pc::io_apic_window);
    constexpr std::array messages{
        models::AddressRange{MessageMemory::base, MessageMemory::base + MessageMemory::size - 1, 0}};
    attach(memory_map_, messages_, messages);

    pc::attach_functions(wired_devices());
}

models::pc::Devices Board::wired_devices() {
    return {.pit = pit_,
            .rtc = rtc_,
            .uart = uart_,
            .keyboard = keyboard_,
            .pci = pci_,
            .power = power_,
            .ide = ide_,
            .host_bridge = host_bridge_,
            .isa_bridge = isa_bridge_};
}

size_t Board::attach(Ranges& ranges, models::Device& device, std::span<const models::AddressRange> where) {
    const size_t first = ranges.size();
    for (const models::AddressRange& range : where)
        ranges.push_back({range, &device});
    return first;
}

void Board::move_ports(size_t range, std::optional<uint16_t> base) {
    models::AddressRange& where = ports_map_[range].where;
    where.last = base.value_or(0) + (where.last - where.first);
    where.first = base.value_or(0);
    ports_map_[range].enabled = base.has_value();
}

void Board::change(unsigned line, bool level) {
    changes_.push_back({line, level});
    levels_ = level ? levels_ | 1u << line : levels_ & ~(1u << line);
}

const Board::Range* Board::find(const Ranges& ranges, uint32_t address) {
    const auto found = std::find_if(ranges.begin(), ranges.end(), [address](const Range& range) {
        return range.enabled && range.where.first <= address && address <= range.where.last;
    });
    return found != ranges.end() ? &*found : nullptr;
}

uint32_t Board::offset_in(const Range& range, uint32_t address) {
    return static_cast<uint32_t>(address - range.where.first + range.where.offset);
}

uint32_t Board::read(uint32_t port, unsigned bytes) {
    const Range* range = find(ports_map_, port);
    if (bytes > 1 && range != nullptr && range->where.byte_wide) {
        uint32_t value = 0;
        for (unsigned i = 0; i < bytes; ++i)
            value |= read(port + i, 1) << 8 * i;
        return value;
    }
    if (range == nullptr || port + bytes - 1 > range->where.last)
        return models::all_ones(bytes);
    return range->device->read(offset_in(*range, port), bytes);
}

void Board::write(uint32_t port, unsigned bytes, uint32_t value) {
    const Range* range = find(ports_map_, port);
    if (bytes > 1 && range != nullptr && range->where.byte_wide) {
        for (unsigned i = 0; i < bytes; ++i)
            write(port + i, 1, value >> 8 * i & 0xFF);
        return;
    }
    if (range != nullptr && port + bytes - 1 <= range->where.last)
        range->device->write(offset_in(*range, port), bytes, value);
}

uint32_t Board::read_memory(uint32_t address, unsigned bytes) {
    if (const Range* range = find(memory_map_, address))
        return range->device->read(offset_in(*range, address), bytes);
    uint8_t data[4]{};
    memory_.read(address, {data, bytes});
    uint32_t value = 0;
    std::memcpy(&value, data, sizeof value);
    return value;
}

void Board::write_memory(uint32_t address, unsigned bytes, uint32_t value) {
    if (const Range* range = find(memory_map_, address)) {
        range->device->write(offset_in(*range, address), bytes, value);
        return;
    }
    uint8_t data[4];
    std::memcpy(data, &value, sizeof data);
    memory_.write(address, {data, bytes});
}

void Board::advance(Picoseconds now) {
    while (true) {
        Picoseconds next = models::never;
        for (const models::Device* device : devices_)
            next = std::min(next, device->next_event());
        if (next > now)
            break;
        now_ = std::max(now_, next);
        for (models::Device* device : devices_)
            device->advance(now_);
    }
    now_ = now;
    for (models::Device* device : devices_)
        device->advance(now);
}

void Board::move_key(models::Key key, bool down) {
    if (down)
        keyboard_.keyboard().press(key);
    else
        keyboard_.keyboard().release(key);
}

uint32_t Board::perform(const Step& step) {
    const auto value = static_cast<uint32_t>(step.value);
    switch (step.action) {
    case Action::read:
        return read(step.address, step.bytes);
    case Action::write:
        write(step.address, step.bytes, value);
        break;
    case Action::line:
        pic_.set_irq(step.address, step.value != 0);
        break;
    case Action::pin:
        io_apic_.set_line(step.address, step.value != 0);
        break;
    case Action::key:
        move_key(static_cast<models::Key>(step.address), step.value != 0);
        break;
    case Action::end_of_interrupt:
        io_apic_.end_of_interrupt(static_cast<uint8_t>(value));
        break;
    case Action::read_memory:
        return read_memory(step.address, step.bytes);
    case Action::write_memory:
        write_memory(step.address, step.bytes, value);
        break;
    case Action::fill_memory:
        memory_.fill(step.address, value, step.bytes);
        break;
    case Action::sum_memory:
        return memory_.checksum(step.address, value);
    case Action::wait:
    case Action::disk_ready:
        break;
    }
    return 0;
}

Observations Board::run(const Steps& steps, const std::vector<Instant>& instants) {
    Observations observations;
    for (size_t i = 0; i < steps.size(); ++i) {
        changes_.clear();
        advance(start_ + instants[i].model_ns * models::ps_per_ns);
        const uint32_t value = perform(steps[i]);
        advance(start_ + instants[i].end_ns * models::ps_per_ns);
        observations.push_back({value, changes_, levels_});
    }
    return observations;
}

} // namespace fixpoint::qtest
