// The VGA: its registers and memory as software finds them, with the registers of Bochs's extension beside them.
// What it shows: text_screen.hpp. Its PCI function: vga_function.hpp.
//
// Source: IBM PS/2 Hardware Interface Technical Reference, Video Subsystem (1992). One offset space: the I/O
// ports, then the 128 KB memory window. Nothing ever changes by itself but the retrace bits, which are computed
// when they are read. Interrupts of the vertical retrace are pending in input status 0 but have no line, as on
// most adapters for PCI.
#pragma once

#include "models/chipset/bochs_video.hpp"
#include "models/chipset/vga_dac.hpp"
#include "models/chipset/vga_planes.hpp"
#include "models/chipset/vga_registers.hpp"
#include "models/device.hpp"

#include <cstdint>

namespace fixpoint::models {

class Vga final : public Device {
public:
    // Offsets, and what is there.
    enum : uint32_t {
        ports = 0x00,       // 0x3B0-0x3DF, bytes
        bochs_ports = 0x30, // 0x1CE: index, 0x1CF: data; words
        window = 0x10000,   // 0xA0000-0xBFFFF
    };
    static constexpr uint16_t first_port = 0x3B0, last_port = 0x3DF;
    // The word at the last one takes a byte more.
    static constexpr uint16_t first_bochs_port = 0x1CE, last_bochs_port = 0x1D0;
    static constexpr uint32_t window_base = 0xA0000, window_size = 0x20000;

    Vga();

    uint32_t read(uint32_t offset, unsigned bytes) override;
    void write(uint32_t offset, unsigned bytes, uint32_t value) override;
    void advance(Picoseconds now) override { now_ = now; }
    [[nodiscard]] Picoseconds next_event() const override { return never; }
    // No mode is set and the screen is off until firmware has programmed it.
    void power_cycle(Picoseconds now) override;
    // The memory's content stays.
    void reset(Picoseconds now) override;

    // As a BIOS leaves it: mode 3, 80x25 characters, cleared, the cursor in the corner. No font is in the memory.
    void set_text_mode();

    [[nodiscard]] const VgaRegisters& registers() const { return registers_; }
    [[nodiscard]] const VgaPlanes& planes() const { return planes_; }
    // Different whenever the screen may show something else.
    [[nodiscard]] uint64_t generation() const { return registers_.generation() + planes_.generation(); }

private:
    uint8_t read_port(uint16_t port);
    void write_port(uint16_t port, uint8_t value);
    uint32_t read_bochs(uint32_t offset, unsigned bytes) const;
    void write_bochs(uint32_t offset, unsigned bytes, uint32_t value);
    [[nodiscard]] uint8_t input_status_0() const;
    [[nodiscard]] uint8_t input_status_1() const;
    void write_register(uint16_t port, uint8_t value);

    Picoseconds now_ = 0;
    VgaRegisters registers_;
    VgaDac dac_;
    VgaPlanes planes_{registers_};
    BochsVideo bochs_;
    Picoseconds interrupt_armed_at_ = 0;
};

} // namespace fixpoint::models
