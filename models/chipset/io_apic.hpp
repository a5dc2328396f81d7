// The 82093AA I/O APIC: 24 interrupt pins, each with a redirection entry that says which message it sends.
//
// Source: Intel 82093AA data sheet (290566). Two registers are visible, an index (IOREGSEL) at offset 0 and a window
// (IOWIN) at 0x10; all others are behind them:
//
//   00 identifier   01 version   02 arbitration   10 + 2n, 11 + 2n redirection entry n, low and high half
//
// Version 0x11 is the 82093AA's; QEMU shows 0x20, a later part with an end-of-interrupt register at 0x40, which is not
// here. Entries are masked after reset and otherwise 0 (the data sheet leaves them undefined), and 256-byte images of
// the two registers fill the page, as in QEMU. Messages go out at once, so that delivery status is always idle.
// A level-triggered message that no local APIC takes leaves remote IRR clear and is repeated at the next change of
// the pin or of its entry; an edge's is lost. Writing an entry as edge-triggered clears its remote IRR, on which
// software relies to end an interrupt by hand.
#pragma once

#include "models/chipset/apic_message.hpp"
#include "models/device.hpp"

#include <array>
#include <cstdint>
#include <functional>

namespace fixpoint::models {

class IoApic final : public Device {
public:
    static constexpr uint32_t base = 0xFEC0'0000, size = 0x1000;
    static constexpr uint8_t version = 0x11;
    static constexpr unsigned pins = 24;

    // Takes a message to the local APIC; false: not accepted. Connected before the first interrupt.
    std::function<bool(const ApicMessage&)> on_message;

    void set_line(unsigned pin, bool level);
    // A local APIC has ended a level-triggered interrupt.
    void end_of_interrupt(uint8_t vector);

    uint32_t read(uint32_t offset, unsigned bytes) override;
    void write(uint32_t offset, unsigned bytes, uint32_t value) override;
    void advance(Picoseconds) override {}
    [[nodiscard]] Picoseconds next_event() const override { return never; }
    // The levels on the pins are their drivers', and stay.
    void power_cycle(Picoseconds now) override;

private:
    static constexpr uint64_t masked = 1u << 16;

    [[nodiscard]] uint32_t read_register() const;
    void write_register(uint32_t value);
    void write_entry(unsigned pin, bool high_half, uint32_t value);
    [[nodiscard]] bool is_asserted(unsigned pin) const;
    void serve_level(unsigned pin);
    bool send(unsigned pin);

    std::array<bool, pins> lines_{};
    std::array<uint64_t, pins> entries_ = all_masked();
    uint8_t index_ = 0;
    uint32_t id_ = 0, arbitration_ = 0;

    [[nodiscard]] static constexpr std::array<uint64_t, pins> all_masked() {
        std::array<uint64_t, pins> entries{};
        entries.fill(masked);
        return entries;
    }
};

} // namespace fixpoint::models
