#include "models/chipset/io_apic.hpp"

#include <cassert>

namespace fixpoint::models {
namespace {

constexpr uint32_t index_offset = 0x00, window_offset = 0x10, image_mask = 0xFF;
enum : uint8_t { reg_id = 0, reg_version = 1, reg_arbitration = 2, reg_entries = 0x10 };
constexpr uint32_t id_field = 0x0F00'0000;

// Redirection entries (290566, section 3.2.4).
constexpr uint64_t vector_field = 0xFF, logical = 1u << 11, active_low = 1u << 13, remote_irr = 1u << 14,
                   level_trigger = 1u << 15;
constexpr unsigned delivery_shift = 8, destination_shift = 56;
constexpr uint64_t writable = 0xFF00'0000'0001'AFFF;

constexpr ApicDelivery delivery_of(uint64_t entry) {
    return static_cast<ApicDelivery>(entry >> delivery_shift & 7);
}

// The other delivery modes are edges, whatever the entry says.
constexpr bool is_level(uint64_t entry) {
    const ApicDelivery delivery = delivery_of(entry);
    return (entry & level_trigger) != 0 &&
           (delivery == ApicDelivery::fixed || delivery == ApicDelivery::lowest_priority);
}

} // namespace

void IoApic::power_cycle(Picoseconds) {
    entries_ = all_masked();
    index_ = 0;
    id_ = arbitration_ = 0;
}

bool IoApic::is_asserted(unsigned pin) const {
    const bool low = (entries_[pin] & active_low) != 0;
    return lines_[pin] != low;
}

void IoApic::set_line(unsigned pin, bool level) {
    assert(pin < pins);
    const bool was_asserted = is_asserted(pin);
    lines_[pin] = level;
    if (!is_asserted(pin) || was_asserted)
        return;
    if (is_level(entries_[pin]))
        serve_level(pin);
    else if ((entries_[pin] & masked) == 0)
        send(pin); // an edge on a masked pin is forgotten
}

void IoApic::serve_level(unsigned pin) {
    if (!is_level(entries_[pin]) || (entries_[pin] & (masked | remote_irr)) != 0 || !is_asserted(pin))
        return;
    // Set first: the interrupt may be over before send() returns.
    entries_[pin] |= remote_irr;
    if (!send(pin))
        entries_[pin] &= ~remote_irr;
}

bool IoApic::send(unsigned pin) {
    const uint64_t entry = entries_[pin];
    const ApicDelivery delivery = delivery_of(entry);
    // There is no system management mode; the other two are reserved here.
    if (delivery == ApicDelivery::system_management || delivery == ApicDelivery::reserved ||
        delivery == ApicDelivery::start_up)
        return true;
    return on_message({.vector = static_cast<uint8_t>(entry & vector_field),
                       .delivery = delivery,
                       .destination = static_cast<uint8_t>(entry >> destination_shift),
                       .logical = (entry & logical) != 0,
                       .level_triggered = is_level(entry)});
}

void IoApic::end_of_interrupt(uint8_t vector) {
    for (unsigned pin = 0; pin < pins; ++pin)
        if ((entries_[pin] & vector_field) == vector && (entries_[pin] & remote_irr) != 0) {
            entries_[pin] &= ~remote_irr;
            serve_level(pin);
        }
}

// ---- Registers

uint32_t IoApic::read_register() const {
    switch (index_) {
    case reg_id:
        return id_;
    case reg_version:
        return version | (pins - 1) << 16;
    case reg_arbitration:
        return arbitration_;
    default:
        break;
    }
    if (index_ < reg_entries || index_ >= reg_entries + 2 * pins)
        return 0;
    const uint64_t entry = entries_[(index_ - reg_entries) / 2u];
    return static_cast<uint32_t>(index_ % 2 != 0 ? entry >> 32 : entry);
}

void IoApic::write_register(uint32_t value) {
    if (index_ == reg_id)
        id_ = arbitration_ = value & id_field; // the same goes to both (3.2.1)
    else if (index_ >= reg_entries && index_ < reg_entries + 2 * pins)
        write_entry((index_ - reg_entries) / 2u, index_ % 2 != 0, value);
}

void IoApic::write_entry(unsigned pin, bool high_half, uint32_t value) {
    constexpr uint64_t low_half = 0xFFFF'FFFF;
    uint64_t& entry = entries_[pin];
    const uint64_t wanted =
        high_half ? (entry & low_half) | uint64_t{value} << 32 : (entry & ~low_half) | value;
    entry = (wanted & writable) | (entry & remote_irr);
    if ((entry & level_trigger) == 0)
        entry &= ~remote_irr;
    serve_level(pin);
}

uint32_t IoApic::read(uint32_t offset, unsigned bytes) {
    switch (offset & image_mask) {
    case index_offset:
        return index_;
    case window_offset:
        return bytes == sizeof(uint32_t) ? read_register() : 0;
    default:
        return 0;
    }
}

void IoApic::write(uint32_t offset, unsigned bytes, uint32_t value) {
    switch (offset & image_mask) {
    case index_offset:
        index_ = static_cast<uint8_t>(value);
        break;
    case window_offset:
        if (bytes == sizeof value)
            write_register(value);
        break;
    default:
        break;
    }
}

} // namespace fixpoint::models
