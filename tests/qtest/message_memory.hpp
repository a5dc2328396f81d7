// Memory in the place of the local APICs, where the messages of the I/O APIC can be looked at.
//
// QEMU's I/O APIC sends a message as a PCI device does: by a write to 0xFEE00000 (Intel SDM vol. 3, 10.11: the address
// has the destination in bits 19-12 and its kind in bit 2, the data has vector, delivery mode and trigger mode). With
// processors that have no local APIC, and a PCI device's memory at that address, it stays there to be read. This is
// the same for the model's: each destination has a word, with its last message.
#pragma once

#include "models/chipset/apic_message.hpp"
#include "models/device.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace fixpoint::qtest {

class MessageMemory final : public models::Device {
public:
    static constexpr uint32_t base = 0xFEE0'0000, size = 1 << 20;

    static constexpr uint32_t address_of(uint8_t destination, bool logical) {
        return base + (uint32_t{destination} << destination_shift) + (logical ? logical_offset : 0);
    }
    static constexpr uint32_t data_of(const models::ApicMessage& message) {
        return message.vector | static_cast<uint32_t>(message.delivery) << 8 |
               uint32_t{message.level_triggered} << 15;
    }

    void take(const models::ApicMessage& message) {
        write(address_of(message.destination, message.logical) - base, sizeof(uint32_t), data_of(message));
    }

    uint32_t read(uint32_t offset, unsigned) override { return words_[word_of(offset)]; }
    void write(uint32_t offset, unsigned, uint32_t value) override { words_[word_of(offset)] = value; }
    void advance(models::Picoseconds) override {}
    [[nodiscard]] models::Picoseconds next_event() const override { return models::never; }
    void power_cycle(models::Picoseconds) override { words_ = {}; }

private:
    static constexpr unsigned destination_shift = 12;
    static constexpr uint32_t logical_offset = 4;
    static constexpr size_t destinations = size >> destination_shift;

    static constexpr size_t word_of(uint32_t offset) {
        return offset >> destination_shift << 1 | (offset & logical_offset ? 1 : 0);
    }

    std::array<uint32_t, 2 * destinations> words_{};
};

} // namespace fixpoint::qtest
