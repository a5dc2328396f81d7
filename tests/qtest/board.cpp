#include "tests/qtest/board.hpp"

#include <algorithm>
#include <cstring>

namespace fixpoint::qtest {
namespace {

using models::Picoseconds;

enum : unsigned {
    irq_timer = 0,
    irq_keyboard = 1,
    irq_serial = 4,
    irq_rtc = 8,
    irq_power = 9,
    irq_mouse = 12,
    irq_ide = 14
};

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
    pit_.timer.connect(to_irq(irq_timer));
    rtc_.interrupt.connect(to_irq(irq_rtc));
    uart_.interrupt.connect(to_irq(irq_serial));
    power_.interrupt.connect(to_irq(irq_power));
    keyboard_.keyboard_interrupt.connect(to_irq(irq_keyboard));
    keyboard_.mouse_interrupt.connect(to_irq(irq_mouse));
    ide_.interrupt(0).connect(to_irq(irq_ide));
    ide_.interrupt(1).connect(to_irq(irq_ide + 1));
    if (watch == Watch::interrupt)
        pic_.interrupt.connect([this](bool level) { change(0, level); });
    io_apic_.on_message = [this](const models::ApicMessage& message) {
        messages_.take(message);
        return true;
    };
}

void Board::connect_addresses() {
    using Ports = models::SystemPorts;
    using Ide = models::PiixIde;
    using models::IoApic, models::Vga;
    using Dma = models::DmaControllers;
    constexpr bool byte_wide = true, any_width = false;
    ranges_ = {{0x20, 0x21, &pic_, 0, byte_wide},
               {0xA0, 0xA1, &pic_, models::Pic::slave_offset, byte_wide},
               {0x4D0, 0x4D1, &pic_, models::Pic::elcr_offset, byte_wide},
               {0x40, 0x43, &pit_, 0, byte_wide},
               {0x61, 0x61, &pit_, models::Pit::port_b_offset, byte_wide},
               {0x70, 0x71, &rtc_, 0, byte_wide},
               {0x3F8, 0x3FF, &uart_, 0, byte_wide},
               {0x60, 0x60, &keyboard_, models::KeyboardController::data, byte_wide},
               {0x64, 0x64, &keyboard_, models::KeyboardController::command, byte_wide},
               {0x92, 0x92, &ports_, Ports::fast_a20, byte_wide},
               {0x80, 0x80, &ports_, Ports::post_code, byte_wide},
               {0x90, 0x90, &ports_, Ports::post_code, byte_wide},
               {0xF0, 0xF1, &ports_, Ports::coprocessor, byte_wide},
               {0x00, 0x0F, &dma_, Dma::first, byte_wide},
               {0x10, 0x1F, &dma_, Dma::first, byte_wide},
               {0xC0, 0xDF, &dma_, Dma::second, byte_wide},
               {0x81, 0x8F, &dma_, Dma::pages + 1, byte_wide},
               {0x91, 0x91, &dma_, Dma::pages + 1, byte_wide},
               {0x93, 0x9F, &dma_, Dma::pages + 3, byte_wide},
               {0xCF8, 0xCFF, &pci_, 0, any_width},
               {0x1F0, 0x1F7, &ide_, Ide::primary_task_file, any_width},
               {0x3F6, 0x3F6, &ide_, Ide::primary_control, any_width},
               {0x170, 0x177, &ide_, Ide::secondary_task_file, any_width},
               {0x376, 0x376, &ide_, Ide::secondary_control, any_width},
               {Vga::first_port, Vga::last_port, &vga_, Vga::ports, byte_wide},
               {Vga::first_bochs_port, Vga::last_bochs_port, &vga_, Vga::bochs_ports, any_width}};
    memory_ranges_ = {
        {Vga::window_base, Vga::window_base + Vga::window_size - 1, &vga_, Vga::window, any_width},
        {IoApic::base, IoApic::base + IoApic::size - 1, &io_apic_, 0, any_width},
        {MessageMemory::base, MessageMemory::base + MessageMemory::size - 1, &messages_, 0, any_width}};
    const size_t bus_master = ranges_.size();
    ranges_.push_back({0, 0, &ide_, Ide::bus_master, any_width});
    const size_t power = ranges_.size();
    ranges_.push_back({0, 0, &power_, 0, any_width});
    power_.on_change = [this, power] {
        const uint32_t base = power_.io_base().value_or(0);
        ranges_[power].first = base;
        ranges_[power].last = base != 0 ? base + models::PowerManagement::io_size - 1 : 0;
    };
    power_.on_change();
    ide_.function.on_change = [this, bus_master] {
        constexpr uint32_t bus_master_ports = 16;
        const uint32_t base = ide_.function.bus_master_base().value_or(0);
        ranges_[bus_master].first = base;
        ranges_[bus_master].last = base != 0 ? base + bus_master_ports - 1 : 0;
        ide_.advance(now_); // bus mastering may have been switched
    };
    pci_.attach(0, 0, host_bridge_);
    pci_.attach(1, 0, isa_bridge_);
    pci_.attach(1, 1, ide_.function);
    pci_.attach(1, 3, power_);
}

void Board::change(unsigned line, bool level) {
    changes_.push_back({line, level});
    levels_ = level ? levels_ | 1u << line : levels_ & ~(1u << line);
}

const Board::Range* Board::find(const Ranges& ranges, uint32_t address) {
    const auto found = std::find_if(ranges.begin(), ranges.end(), [address](const Range& range) {
        return range.first <= address && address <= range.last && range.last != 0;
    });
    return found != ranges.end() ? &*found : nullptr;
}

uint32_t Board::read(uint32_t port, unsigned bytes) {
    const Range* range = find(ranges_, port);
    if (bytes > 1 && range != nullptr && range->byte_wide) {
        uint32_t value = 0;
        for (unsigned i = 0; i < bytes; ++i)
            value |= read(port + i, 1) << 8 * i;
        return value;
    }
    if (range == nullptr || port + bytes - 1 > range->last)
        return bytes == 4 ? ~0u : (1u << 8 * bytes) - 1;
    return range->device->read(port - range->first + range->offset, bytes);
}

void Board::write(uint32_t port, unsigned bytes, uint32_t value) {
    const Range* range = find(ranges_, port);
    if (bytes > 1 && range != nullptr && range->byte_wide) {
        for (unsigned i = 0; i < bytes; ++i)
            write(port + i, 1, value >> 8 * i & 0xFF);
        return;
    }
    if (range != nullptr && port + bytes - 1 <= range->last)
        range->device->write(port - range->first + range->offset, bytes, value);
}

uint32_t Board::read_memory(uint32_t address, unsigned bytes) {
    if (const Range* range = find(memory_ranges_, address))
        return range->device->read(address - range->first + range->offset, bytes);
    uint8_t data[4]{};
    memory_.read(address, {data, bytes});
    uint32_t value = 0;
    std::memcpy(&value, data, sizeof value);
    return value;
}

void Board::write_memory(uint32_t address, unsigned bytes, uint32_t value) {
    if (const Range* range = find(memory_ranges_, address)) {
        range->device->write(address - range->first + range->offset, bytes, value);
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
