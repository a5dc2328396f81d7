// The two 8237A DMA controllers of the PC with their page registers: bytes by channels 0 to 3 at 0x00, words by
// channels 5 to 7 at 0xC0, page registers at 0x80. The first controller's request goes to the second's channel 0
// (channel 4), which has to be in cascade mode and open for it.
//
// Sources: Intel 8237A data sheet (231466); 82371SB (PIIX3) data sheet (290550) for the wiring. The PIIX does not
// decode A4 of the first controller and of the page registers (0x10-0x1F and 0x90-0x9F are the same but for port 0x92)
// nor A0 of the second controller's. It has page registers that belong to no channel (0x84-0x86, 0x88, 0x8C-0x8E; 0x80
// is the POST code's), and none for address bits 31-24 (0x480-0x48F).
//
// A write of an address or count goes to the base and the current register, byte by byte; the byte pointer says which
// byte, for all eight registers of a controller. A read shows the current register.
//
// No device of this board is on a channel, so that only software requests (register 9) begin a transfer. They need
// block mode and cannot be masked. The whole block is done at once: address and count are then as after its end, the
// channel is masked or, with automatic initialisation, loaded again, and its terminal count is in the status. No data
// move: nobody would take what is read from memory, and what would be written there is not defined.
//
// Without effect: memory-to-memory transfers, which the PIIX does not have (bits 0 and 1 of the command register, so
// the temporary register stays 0), priorities, timings and levels of signals. The alias of the page registers cannot be
// switched off (bit 7 of the PIIX's configuration register 4Ch). What cannot be read gives 0.
#pragma once

#include "models/device.hpp"

#include <array>
#include <cstdint>

namespace fixpoint::models {

// One 8237A.
class DmaController {
public:
    void power_cycle() { *this = {}; }
    uint8_t read(unsigned address); // address: the pins A3-A0
    void write(unsigned address, uint8_t value);
    // Does the transfers that software has requested, once the bus is granted.
    void serve_requests();
    // Whether a request at channel 0 would hand the bus to a controller behind it.
    [[nodiscard]] bool passes_on_bus() const;

private:
    struct Channel {
        uint8_t mode = 0;
        // 0 the address, 1 the count of transfers but one.
        std::array<uint16_t, 2> base{}, current{};
    };

    void master_clear();
    void write_command_or_masks(unsigned address, uint8_t value);
    void transfer_block(unsigned number);
    bool take_byte_pointer(); // true: the high byte; the next access is to the other one

    static constexpr uint8_t all_channels = 0x0F;
    std::array<Channel, 4> channels_;
    uint8_t requests_ = 0, terminal_counts_ = 0, masks_ = all_channels; // a bit a channel
    bool disabled_ = false, high_byte_next_ = false;
};

class DmaControllers final : public Device {
public:
    // Offsets that the router maps the ports to: 16 of the first controller, 32 of the second, 16 page registers.
    static constexpr uint32_t first = 0, second = 0x10, pages = 0x30, pages_end = 0x40;

    uint32_t read(uint32_t offset, unsigned bytes) override;
    void write(uint32_t offset, unsigned bytes, uint32_t value) override;
    void advance(Picoseconds) override {}
    [[nodiscard]] Picoseconds next_event() const override { return never; }
    void power_cycle(Picoseconds now) override;

private:
    DmaController first_, second_;
    std::array<uint8_t, pages_end - pages> pages_{};
};

} // namespace fixpoint::models
