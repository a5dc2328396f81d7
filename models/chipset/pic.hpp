// The 8259A pair of the PC: master at 0x20, slave at 0xA0 on the master's line 2, and the ELCR of the PIIX.
//
// Source: Intel 8259A data sheet (231468), 82371SB (PIIX3) data sheet (290550) for the ELCR, which stands in for ICW1's
// LTIM. Modes that the PC cannot use (8085 vectors, buffered mode's pin) are accepted and without effect; the cascade is
// wired, whatever ICW3 says. A request on an edge-sensitive line is withdrawn when the line falls before it is
// acknowledged, as the data sheet says; an acknowledge that finds nothing answers with line 7.
#pragma once

#include "models/device.hpp"
#include "models/wire.hpp"

#include <cstdint>
#include <optional>

namespace fixpoint::models {

// One 8259A.
class InterruptController {
public:
    explicit InterruptController(bool master) : master_{master} {}

    void power_cycle();
    void set_line(unsigned line, bool level);
    void set_level_sensitive(uint8_t lines); // ELCR
    [[nodiscard]] uint8_t level_sensitive() const { return level_sensitive_; }

    [[nodiscard]] bool output() const { return pending_line().has_value(); }
    // An acknowledge has two steps, as the output falls in between even if an automatic EOI lets the next line follow.
    // The first puts the line that asks, if any, in service; the vector is base() | line.
    std::optional<unsigned> begin_acknowledge();
    void end_acknowledge(std::optional<unsigned> line);
    [[nodiscard]] uint8_t base() const { return base_; }
    [[nodiscard]] bool single() const { return single_; } // ICW1: no slave

    // address: the pin A0. After a poll command a read is an acknowledge, which the pair does.
    [[nodiscard]] bool polled() const { return polled_; }
    [[nodiscard]] uint8_t read(unsigned address) const;
    void write(unsigned address, uint8_t value);

    [[nodiscard]] uint8_t request() const { return request_; }
    [[nodiscard]] uint8_t in_service() const { return in_service_; }
    [[nodiscard]] uint8_t mask() const { return mask_; }

private:
    void follow_lines();
    [[nodiscard]] std::optional<unsigned> pending_line() const;
    [[nodiscard]] std::optional<unsigned> highest(uint8_t lines) const; // by current priority
    void end_of_interrupt(uint8_t command);
    void initialise(uint8_t icw1);

    bool master_;
    uint8_t lines_ = 0, level_sensitive_ = 0;
    uint8_t edge_sense_ = 0xFF; // low since the last acknowledge or ICW1: high is an edge then
    uint8_t request_ = 0, in_service_ = 0, mask_ = 0xFF;
    uint8_t base_ = 0;
    unsigned highest_priority_ = 0; // the line served first
    unsigned next_icw_ = 0;         // 2 to 4: the initialisation word expected at address 1; 0: none
    bool single_ = false, icw4_follows_ = false;
    bool automatic_eoi_ = false, rotate_on_automatic_eoi_ = false, special_mask_ = false;
    bool special_fully_nested_ = false, read_in_service_ = false, polled_ = false;
};

class Pic final : public Device {
public:
    // Offsets: 0-1 master, 2-3 slave, 4-5 ELCR.
    static constexpr uint32_t slave_offset = 2, elcr_offset = 4;

    Wire interrupt; // INTR to the processor

    void set_irq(unsigned irq, bool level); // 0-15 without 2
    // INTA: the vector.
    uint8_t acknowledge();

    uint32_t read(uint32_t offset, unsigned bytes) override;
    void write(uint32_t offset, unsigned bytes, uint32_t value) override;
    void advance(Picoseconds) override {}
    [[nodiscard]] Picoseconds next_event() const override { return never; }
    void power_cycle(Picoseconds now) override;

    [[nodiscard]] const InterruptController& master() const { return master_; }
    [[nodiscard]] const InterruptController& slave() const { return slave_; }

private:
    uint8_t poll(InterruptController& chip);
    void update();

    static constexpr unsigned cascade_line = 2;
    InterruptController master_{true}, slave_{false};
};

} // namespace fixpoint::models
