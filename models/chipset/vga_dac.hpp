// The VGA's palette (DAC): 256 colours of three 6-bit components, accessed one component after the other.
//
// Source: IBM PS/2 Hardware Interface Technical Reference, Video Digital-to-Analog Converter; Analog Devices ADV476
// data sheet, MPU Interface: one address register for reading and writing, and the three components of a colour go
// into the palette together, with the write of the last one.
#pragma once

#include <array>
#include <cstdint>

namespace fixpoint::models {

class VgaDac {
public:
    // Ports 0x3C6 to 0x3C9: pixel mask, state and read index, write index, data.
    enum : uint16_t { mask_port = 0x3C6, read_index_port, write_index_port, data_port };

    uint8_t read(uint16_t port);
    void write(uint16_t port, uint8_t value);
    void clear();
    // The BIOS's colours for text: 64, two bits a component, as the attribute controller's palette names them.
    void set_text_palette();

private:
    static constexpr unsigned components = 3;
    using Colour = std::array<uint8_t, components>; // red, green, blue

    uint8_t read_component();
    void write_component(uint8_t value);
    // After the last component the index moves on.
    void next_component();

    std::array<Colour, 256> colours_{};
    Colour written_{}; // components of a colour that is not complete
    uint8_t mask_ = 0;
    uint8_t index_ = 0; // the colour of the next component
    uint8_t component_ = 0;
    bool reading_ = false;
};

} // namespace fixpoint::models
