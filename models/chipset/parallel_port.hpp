// The parallel port LPT1 at 0x378 with a printer that takes every byte at once.
//
// Source: IBM PC/AT Technical Reference, "Parallel Printer Adapter". The printer takes the data byte when STROBE becomes
// active while INIT is not, and acknowledges it when STROBE goes back; the acknowledgement raises IRQ 7 if the control
// register lets it, until the status is read (as QEMU does; the adapter's line only pulses). It is never busy, out of
// paper or in error.
#pragma once

#include "models/device.hpp"
#include "models/wire.hpp"

#include <cstdint>
#include <functional>

namespace fixpoint::models {

class ParallelPort final : public Device {
public:
    enum : uint32_t { data = 0, status = 1, control = 2 };

    Wire interrupt; // IRQ 7
    std::function<void(char)> on_print;

    uint32_t read(uint32_t offset, unsigned bytes) override;
    void write(uint32_t offset, unsigned bytes, uint32_t value) override;
    void advance(Picoseconds) override {}
    [[nodiscard]] Picoseconds next_event() const override { return never; }
    void power_cycle(Picoseconds now) override;

private:
    // Control register, 1: the signal is active; INIT alone is active at 0.
    static constexpr uint8_t strobe = 0x01, no_init = 0x04, select_printer = 0x08, interrupt_enable = 0x10;

    void write_control(uint8_t value);
    void update_interrupt();

    uint8_t data_ = 0, control_ = no_init | select_printer;
    bool acknowledged_ = false;
};

} // namespace fixpoint::models
