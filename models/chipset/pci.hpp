// The PCI host bridge's configuration access (mechanism 1: 0xCF8, 0xCFC) and the functions behind it.
//
// Source: PCI Local Bus Specification 2.1, 82441FX and 82371SB/AB data sheets. Port 0xCF9, inside the address
// register, is the PIIX's reset control when accessed as a byte.
#pragma once

#include "models/device.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

namespace fixpoint::models {

// One function's 256 bytes of configuration space. Fields not made writable are constant.
class PciFunction {
public:
    PciFunction(uint16_t vendor, uint16_t device, uint32_t class_code, uint8_t revision);
    virtual ~PciFunction() = default;
    PciFunction(const PciFunction&) = delete;
    PciFunction& operator=(const PciFunction&) = delete;

    [[nodiscard]] uint32_t read_config(unsigned address, unsigned bytes) const;
    void write_config(unsigned address, unsigned bytes, uint32_t value);
    void restore_config();        // as after power-on
    void leave_firmware_config(); // as firmware leaves it

protected:
    // Sets a field of 1, 2 or 4 bytes and which of its bits software may change.
    void define(unsigned address, unsigned bytes, uint32_t value, uint32_t writable);
    // What firmware writes there.
    void define_firmware(unsigned address, unsigned bytes, uint32_t value);
    // After a write that changed something.
    virtual void changed() {}

private:
    std::array<uint8_t, 256> values_{}, initial_{}, firmware_{}, writable_{};
};

class PciHost final : public Device {
public:
    // Offsets: 0-3 address (0xCF8), 4-7 data (0xCFC).
    static constexpr uint32_t data_offset = 4, reset_control_offset = 1;

    std::function<void()> on_reset; // 0xCF9

    // `function` must outlive the bridge. Bus 0 only.
    void attach(unsigned device, unsigned function_number, PciFunction& function);
    // All functions as firmware leaves them, for a machine that boots past its firmware.
    void leave_firmware_config();

    uint32_t read(uint32_t offset, unsigned bytes) override;
    void write(uint32_t offset, unsigned bytes, uint32_t value) override;
    void advance(Picoseconds) override {}
    [[nodiscard]] Picoseconds next_event() const override { return never; }
    void power_cycle(Picoseconds now) override;

private:
    [[nodiscard]] PciFunction* selected() const;

    struct Slot {
        uint32_t device_function;
        PciFunction* function;
    };
    std::vector<Slot> slots_;
    uint32_t address_ = 0;
    uint8_t reset_control_ = 0;
};

} // namespace fixpoint::models
