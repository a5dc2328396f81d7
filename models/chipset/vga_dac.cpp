#include "models/chipset/vga_dac.hpp"

namespace fixpoint::models {
namespace {

constexpr uint8_t component_bits = 0x3F;
constexpr uint8_t state_read = 0x03, state_write = 0x00;
constexpr uint8_t all_pixel_bits = 0xFF;
constexpr unsigned text_colours = 64;
// A component's two bits: the primary one has two thirds of the light, the secondary one a third.
constexpr uint8_t primary = 42, secondary = 21;

} // namespace

void VgaDac::clear() {
    colours_ = {};
    written_ = {};
    mask_ = index_ = component_ = 0;
    reading_ = false;
}

void VgaDac::set_text_palette() {
    clear();
    mask_ = all_pixel_bits;
    for (unsigned colour = 0; colour < text_colours; ++colour)
        for (unsigned component = 0; component < components; ++component) {
            const unsigned bits = colour >> (components - 1 - component); // red is bit 2, and bit 5
            colours_[colour][component] =
                static_cast<uint8_t>((bits & 1 ? primary : 0) + (bits & 8 ? secondary : 0));
        }
}

void VgaDac::next_component() {
    component_ = static_cast<uint8_t>((component_ + 1) % components);
    if (component_ == 0)
        ++index_;
}

uint8_t VgaDac::read_component() {
    const uint8_t value = colours_[index_][component_];
    next_component();
    return value;
}

void VgaDac::write_component(uint8_t value) {
    written_[component_] = value & component_bits;
    if (component_ == components - 1)
        colours_[index_] = written_;
    next_component();
}

uint8_t VgaDac::read(uint16_t port) {
    switch (port) {
    case mask_port:
        return mask_;
    case read_index_port:
        return reading_ ? state_read : state_write;
    case write_index_port:
        return index_;
    default:
        return read_component();
    }
}

void VgaDac::write(uint16_t port, uint8_t value) {
    switch (port) {
    case mask_port:
        mask_ = value;
        break;
    case read_index_port:
    case write_index_port:
        reading_ = port == read_index_port;
        index_ = value;
        component_ = 0;
        break;
    default:
        write_component(value);
        break;
    }
}

} // namespace fixpoint::models
