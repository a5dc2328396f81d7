// QEMU's firmware configuration device at 0x510: how SeaBIOS hears of the machine around it.
//
// Source: QEMU's specification of the device (docs/specs/fw_cfg). A 16-bit selector chooses an item, whose bytes are
// then read one by one; beyond its end they are 0. Numbers in items are little-endian, those of the directory big-endian.
// There is no DMA interface; items cannot be written.
#pragma once

#include "models/device.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fixpoint::models {

class FirmwareConfiguration final : public Device {
public:
    // Offsets: 0-1 selector (0x510), which is only written, as a word; 1 the data (0x511), which QEMU also gives at 0.
    FirmwareConfiguration();

    using Bytes = std::vector<uint8_t>;
    // Fixed items.
    enum : uint16_t {
        signature = 0x00,
        identification = 0x01,
        memory_size = 0x03,
        processors = 0x05,
        boot_menu = 0x0E,
        most_processors = 0x0F,
        directory = 0x19,
        timer_override = 0x8002 // 1: the timer, IRQ 0, is at pin 2 of the I/O APIC
    };
    void set_item(uint16_t key, Bytes content);
    void set_number(uint16_t key, uint64_t value, unsigned bytes);
    // A named item; its key is given by the directory. At most 55 bytes of name.
    void add_file(std::string_view name, Bytes content);

    uint32_t read(uint32_t offset, unsigned bytes) override;
    void write(uint32_t offset, unsigned bytes, uint32_t value) override;
    void advance(Picoseconds) override {}
    [[nodiscard]] Picoseconds next_event() const override { return never; }
    void power_cycle(Picoseconds) override { select(signature); }

private:
    void select(uint16_t key);
    void write_directory();

    std::map<uint16_t, Bytes> items_;
    std::vector<std::string> files_; // by number, the first key is first_file
    const Bytes* selected_ = nullptr;
    size_t position_ = 0;
};

} // namespace fixpoint::models
