#include "models/chipset/pci.hpp"

#include <cassert>

namespace fixpoint::models {
namespace {

constexpr uint32_t enable = 0x8000'0000;
constexpr uint8_t reset_cpu = 4; // reset control, on its rising edge

} // namespace

PciFunction::PciFunction(uint16_t vendor, uint16_t device, uint32_t class_code, uint8_t revision) {
    define(0x00, 2, vendor, 0);
    define(0x02, 2, device, 0);
    define(0x08, 4, class_code << 8 | revision, 0);
}

void PciFunction::define(unsigned address, unsigned bytes, uint32_t value, uint32_t writable) {
    for (unsigned i = 0; i < bytes; ++i) {
        values_.at(address + i) = initial_.at(address + i) = firmware_.at(address + i) =
            static_cast<uint8_t>(value >> 8 * i);
        writable_.at(address + i) = static_cast<uint8_t>(writable >> 8 * i);
    }
}

void PciFunction::define_firmware(unsigned address, unsigned bytes, uint32_t value) {
    for (unsigned i = 0; i < bytes; ++i)
        firmware_.at(address + i) = static_cast<uint8_t>(value >> 8 * i);
}

uint32_t PciFunction::read_config(unsigned address, unsigned bytes) const {
    assert(address + bytes <= values_.size());
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes; ++i)
        value |= uint32_t{values_[address + i]} << 8 * i;
    return value;
}

void PciFunction::write_config(unsigned address, unsigned bytes, uint32_t value) {
    assert(address + bytes <= values_.size());
    for (unsigned i = 0; i < bytes; ++i) {
        const auto byte = static_cast<uint8_t>(value >> 8 * i);
        uint8_t& field = values_[address + i];
        const uint8_t mask = writable_[address + i];
        field = static_cast<uint8_t>((field & ~mask) | (byte & mask));
    }
    changed();
}

void PciFunction::restore_config() {
    values_ = initial_;
    changed();
}

void PciFunction::leave_firmware_config() {
    values_ = firmware_;
    changed();
}

void PciHost::attach(unsigned device, unsigned function_number, PciFunction& function) {
    slots_.push_back({device << 3 | function_number, &function});
}

void PciHost::leave_firmware_config() {
    for (const Slot& slot : slots_)
        slot.function->leave_firmware_config();
}

PciFunction* PciHost::selected() const {
    if (!(address_ & enable) || address_ >> 16 & 0xFF)
        return nullptr;
    for (const Slot& slot : slots_)
        if (slot.device_function == (address_ >> 8 & 0xFF))
            return slot.function;
    return nullptr;
}

uint32_t PciHost::read(uint32_t offset, unsigned bytes) {
    if (offset < data_offset) {
        if (offset == 0 && bytes == 4)
            return address_;
        return offset == reset_control_offset && bytes == 1 ? reset_control_ : all_ones(bytes);
    }
    const PciFunction* function = selected();
    const unsigned field = (address_ & 0xFC) + (offset - data_offset);
    return function != nullptr && field + bytes <= 256 ? function->read_config(field, bytes)
                                                       : all_ones(bytes);
}

void PciHost::write(uint32_t offset, unsigned bytes, uint32_t value) {
    if (offset < data_offset) {
        if (offset == 0 && bytes == 4) {
            address_ = value & (enable | 0x00FF'FFFC);
        } else if (offset == reset_control_offset && bytes == 1) {
            const bool reset = value & ~uint32_t{reset_control_} & reset_cpu;
            reset_control_ = value & 0x06;
            if (reset && on_reset)
                on_reset();
        }
        return;
    }
    const unsigned field = (address_ & 0xFC) + (offset - data_offset);
    if (PciFunction* function = selected(); function != nullptr && field + bytes <= 256)
        function->write_config(field, bytes, value);
}

void PciHost::power_cycle(Picoseconds) {
    address_ = 0;
    reset_control_ = 0;
    for (const Slot& slot : slots_)
        slot.function->restore_config();
}

} // namespace fixpoint::models
