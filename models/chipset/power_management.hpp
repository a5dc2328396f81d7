// The PIIX4's power management function at 00:01.3: its timer with the interrupt of its overflow, the power button, and the
// way to switch the machine off.
//
// Source: 82371AB data sheet (290562) and the ACPI 1.0 fixed hardware registers it has (4.7.3). Firmware sets the I/O base
// (SeaBIOS 0x600) and switches decoding on. Of the events two happen: the timer's, whose status is set whenever
// the counter's highest bit changes, every 2.3435 s, and the power button's, whose status is set when it is pressed, enabled
// or not. What it means to press it is the software's business; there is no override by pressing it for four seconds. Registers may be accessed in parts. There is no system management mode:
// its enable bit reads as set, by which firmware sees that there is nothing to set up.
#pragma once

#include "models/chipset/pci.hpp"
#include "models/chipset/rate.hpp"
#include "models/device.hpp"
#include "models/wire.hpp"

#include <cstdint>
#include <functional>
#include <optional>

namespace fixpoint::models {

class PowerManagement final : public Device, public PciFunction {
public:
    static constexpr uint16_t io_size = 64;

    Wire interrupt;                     // SCI: IRQ 9
    std::function<void()> on_power_off; // sleep-enable written
    std::function<void()> on_change;    // of the I/O base or its decoding

    PowerManagement();
    [[nodiscard]] std::optional<uint16_t> io_base() const; // empty: not decoded
    void press_power_button();

    uint32_t read(uint32_t offset, unsigned bytes) override;
    void write(uint32_t offset, unsigned bytes, uint32_t value) override;
    void advance(Picoseconds now) override;
    [[nodiscard]] Picoseconds next_event() const override;
    void power_cycle(Picoseconds now) override;

private:
    void changed() override {
        if (on_change)
            on_change();
    }
    [[nodiscard]] uint8_t read_byte(uint32_t offset) const;
    void write_byte(uint32_t offset, uint8_t value);
    // How often the counter's highest bit has changed.
    [[nodiscard]] uint64_t overflows() const { return timer_clock.ticks_at(now_) / ticks_per_overflow; }
    void update_interrupt();

    static constexpr Rate timer_clock{3'579'545};
    static constexpr uint64_t ticks_per_overflow = 1u << 23;
    Picoseconds now_ = 0;
    uint16_t status_ = 0, enable_ = 0, control_ = 0;
};

} // namespace fixpoint::models
