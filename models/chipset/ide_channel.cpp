#include "models/chipset/ide_channel.hpp"

#include "models/chipset/ata_commands.hpp"

#include <algorithm>

namespace fixpoint::models {
namespace {

// Task file.
enum : unsigned { device_register = 6, status_and_command = 7 };
constexpr unsigned device_1_bit = 4; // of the device register
// Device control register.
constexpr uint8_t interrupts_disabled_bit = 0x02, soft_reset_bit = 0x04;

} // namespace

IdeChannel::IdeChannel(const CabledDrives& drives, AtaErrors errors, BusMasterMemory& memory)
    : drives_{drives}, errors_{errors}, memory_{memory} {
    each_drive([this](AtaDrive& drive) {
        drive.interrupt.connect([this](bool level) {
            if (!like_qemu())
                update_interrupt();
            else if (level)
                raise_interrupt();
        });
    });
    reset(0);
}

void IdeChannel::reset(Picoseconds now) {
    now_ = now;
    selected_ = 0;
    interrupts_disabled_ = soft_reset_ = false;
    bm_command_ = 0;
    bm_status_ = 0;
    if (drives_[0].drive != nullptr)
        bm_status_ |= ide_bus_master::device_0_capable;
    if (drives_[1].drive != nullptr)
        bm_status_ |= ide_bus_master::device_1_capable;
    table_ = 0;
    region_bytes_ = 0;
    sector_done_ = never;
    each_drive([now](AtaDrive& drive) { drive.reset(now); });
    interrupt.set(false);
}

void IdeChannel::raise_interrupt() {
    if (interrupts_disabled_)
        return;
    bm_status_ |= ide_bus_master::interrupt;
    interrupt.set(true);
}

// The bus master notes the line's rising edge.
void IdeChannel::update_interrupt() {
    if (like_qemu())
        return;
    const AtaDrive* drive = selected();
    const bool level = drive != nullptr && drive->interrupt.level() && !interrupts_disabled_;
    if (level && !interrupt.level())
        bm_status_ |= ide_bus_master::interrupt;
    interrupt.set(level);
}

uint32_t IdeChannel::read_task_file(unsigned index, unsigned bytes) {
    AtaDrive* const drive = selected();
    if (index == data_port)
        return drive != nullptr ? read_data(bytes) : 0;
    if (index == status_and_command) {
        if (like_qemu())
            interrupt.set(false);
        return drive != nullptr ? drive->read_status() : 0;
    }
    const AtaDrive* const answers = drive != nullptr ? drive : drives_[0].drive;
    return answers != nullptr ? answers->read_register(index) : 0;
}

uint32_t IdeChannel::read_data(unsigned bytes) {
    AtaDrive& drive = *selected();
    uint32_t value = drive.read_data();
    if (bytes == 4)
        value |= uint32_t{drive.read_data()} << 16;
    return value;
}

void IdeChannel::write_data(unsigned bytes, uint32_t value) {
    AtaDrive& drive = *selected();
    drive.write_data(static_cast<uint16_t>(value));
    if (bytes == 4)
        drive.write_data(static_cast<uint16_t>(value >> 16));
}

void IdeChannel::write_task_file(unsigned index, unsigned bytes, uint32_t value) {
    AtaDrive* const drive = selected();
    const auto byte = static_cast<uint8_t>(value);
    if (index == data_port) {
        if (drive != nullptr)
            write_data(bytes, value);
    } else if (index == status_and_command) {
        command(byte);
    } else if (drive == nullptr || drive->listens()) {
        each_drive([&](AtaDrive& each) { each.write_register(index, byte); });
        if (index == device_register) {
            selected_ = byte >> device_1_bit & 1;
            update_interrupt();
        }
    }
    start_sector(now_);
}

void IdeChannel::command(uint8_t code) {
    AtaDrive* const drive = selected();
    each_drive([](AtaDrive& each) { each.clear_high_order_byte(); });
    if (like_qemu())
        interrupt.set(false);
    if (!like_qemu() && code == ata_command::diagnostic && !soft_reset_ &&
        (drive == nullptr || drive->listens()))
        diagnose();
    else if (drive != nullptr)
        drive->command(code);
}

void IdeChannel::diagnose() {
    selected_ = 0;
    for (unsigned device = 0; device < drives_.size(); ++device)
        if (AtaDrive* const drive = drives_[device].drive)
            drive->diagnose(device == 0);
    update_interrupt();
}

uint8_t IdeChannel::alternate_status() const {
    return selected() != nullptr ? selected()->alternate_status() : 0;
}

void IdeChannel::write_control(uint8_t value) {
    const bool ends_reset = soft_reset_ && !(value & soft_reset_bit);
    interrupts_disabled_ = value & interrupts_disabled_bit;
    soft_reset_ = value & soft_reset_bit;
    if (soft_reset_ && !like_qemu()) // QEMU forgets to
        selected_ = 0;
    each_drive([value](AtaDrive& drive) { drive.write_control(value); });
    update_interrupt();
    if (ends_reset && like_qemu()) // drives or not
        raise_interrupt();
}

void IdeChannel::advance(Picoseconds now) {
    for (Picoseconds next = next_event(); next <= now; next = next_event()) {
        now_ = next;
        each_drive([next](AtaDrive& drive) { drive.advance(next); });
        if (sector_done_ <= next)
            finish_sector();
        start_sector(next);
    }
    now_ = now;
    each_drive([now](AtaDrive& drive) { drive.advance(now); });
    start_sector(now);
}

Picoseconds IdeChannel::next_event() const {
    Picoseconds next = sector_done_;
    for (const CabledDrive& cabled : drives_)
        if (cabled.drive != nullptr)
            next = std::min(next, cabled.drive->next_event());
    return next;
}

} // namespace fixpoint::models
