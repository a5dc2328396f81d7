// A VGA and its ports by their numbers.
#pragma once

#include "models/chipset/vga.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace fixpoint::models {

class VgaTest : public testing::Test {
protected:
    enum : uint16_t { attribute = 0x3C0, sequencer = 0x3C4, graphics = 0x3CE, crt = 0x3D4, status = 0x3DA };
    static constexpr uint32_t text_window = 0xB8000, graphics_window = 0xA0000;

    VgaTest() { vga.set_text_mode(); }

    uint8_t in(uint16_t port) { return static_cast<uint8_t>(vga.read(port - Vga::first_port, 1)); }
    void out(uint16_t port, unsigned value) { vga.write(port - Vga::first_port, 1, value); }
    uint8_t get(uint16_t group, unsigned index) {
        out(group, index);
        return in(group + 1);
    }
    void set(uint16_t group, unsigned index, unsigned value) {
        out(group, index);
        out(group + 1, value);
    }
    void set_attribute(unsigned index, unsigned value) {
        in(status);
        out(attribute, index);
        out(attribute, value);
        out(attribute, 0x20);
    }
    uint8_t peek(uint32_t address) {
        return static_cast<uint8_t>(vga.read(Vga::window + address - Vga::window_base, 1));
    }
    void poke(uint32_t address, unsigned value) {
        vga.write(Vga::window + address - Vga::window_base, 1, value);
    }
    void write_text(uint32_t address, std::string_view text) {
        for (const char c : text) {
            poke(address, static_cast<uint8_t>(c));
            poke(address + 1, 0x07);
            address += 2;
        }
    }
    // 64 KB at 0xA0000, all planes at each address: mode 12h's memory.
    void set_planar() {
        set(sequencer, 2, 0x0F);
        set(sequencer, 4, 0x06);
        set(graphics, 5, 0x00);
        set(graphics, 6, 0x05);
    }
    // The bytes of planes 3 to 0 at an address of the planar window.
    uint32_t planes(uint32_t address) {
        uint32_t value = 0;
        for (unsigned plane = 0; plane < 4; ++plane) {
            set(graphics, 4, plane);
            value |= uint32_t{peek(address)} << 8 * plane;
        }
        return value;
    }

    Vga vga;
};

} // namespace fixpoint::models
